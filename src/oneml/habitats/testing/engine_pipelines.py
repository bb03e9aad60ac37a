"""Pipelines by which engines are held against their contract; workers import them too."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from dependency_injector import providers
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats import (
    Parts,
    PipelineBuilder,
    PipelineComponents,
    PipelineSessionContext,
    PipelineSettings,
    Reference,
    Settings,
)

BIG_BYTES = 200_000


class ContractSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="CONTRACT_")
    folder: str = ""
    factors: tuple[int, ...] = (1, 10, 100)
    seconds: float = 60.0
    failures: int = 1
    how: str = "raise"
    token: SecretStr = SecretStr("")


class OddError(Exception):
    """Cannot be pickled: its constructor takes two arguments and hands on one."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = second


class TextAndData(NamedTuple):
    text: str
    data: bytes


def run_of(folder: str, name: str) -> int:
    """Leave a file for this run of a body, and return how many there are."""
    place = Path(folder, name)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{time.time_ns()}-{os.getpid()}").touch()
    return len(list(place.iterdir()))


@dataclass(frozen=True)
class Start:
    folder: str

    def __call__(self) -> int:
        run_of(self.folder, "start")
        return 2


class Multiply:
    def __call__(self, value: int, factor: int) -> int:
        return value * factor


class Add:
    def __call__(self, values: Sequence[int]) -> TextAndData:
        context = PipelineSessionContext.current()
        print(f"adding {len(values)} values in {context.node}", flush=True)  # noqa: T201  # a node writes
        return TextAndData(text=str(sum(values)), data=bytes(BIG_BYTES))


class Measure:
    def __call__(self, parts: TextAndData, factor: int = 2) -> str:
        return f"{parts.text} and {len(parts.data) * factor} bytes"


@dataclass(frozen=True)
class Fail:
    folder: str
    failures: int
    how: str
    token: SecretStr

    def __call__(self, value: int) -> object:
        run = run_of(self.folder, "fail")
        if run > self.failures:
            return value + run
        token = self.token.get_secret_value()
        print(f"about to {self.how} with {token}", flush=True)  # noqa: T201  # a node writes
        if self.how == "raise":
            message = f"run {run} with {token}"
            raise ValueError(message)
        if self.how == "odd":
            raise OddError("one", "two")
        if self.how == "unwritable":
            return {"deep": [Path.home]}
        if self.how == "exit":
            raise SystemExit(0)
        if self.how == "hang":
            time.sleep(600)
        if self.how == "os-exit":
            os._exit(0)
        if self.how == "kill":
            os.kill(os.getpid(), 9)
        return None


class After:
    def __call__(self, value: object) -> str:
        return f"after {value}"


@dataclass(frozen=True)
class Sleep:
    folder: str
    seconds: float

    def __call__(self) -> str:
        run_of(self.folder, "sleep")
        time.sleep(self.seconds)
        return "slept"


@dataclass(frozen=True)
class Work:
    """Takes a while, and leaves behind when it started."""

    folder: str

    def __call__(self, value: int, number: int) -> int:
        run_of(self.folder, f"work-{number}")
        time.sleep(0.3)
        return value + number


@dataclass(frozen=True)
class SlowStart:
    """Takes so long that what waits for it waits where nodes wait."""

    folder: str

    def __call__(self) -> int:
        run_of(self.folder, "start")
        time.sleep(1.0)
        return 1


class Numbers:
    def __call__(self) -> Iterator[int]:
        yield from range(1000)


class Published(NamedTuple):
    data: bytes
    parts: Parts[list[int]]


class Publish:
    """A coroutine that reads a stream, and publishes a file and parts before it returns."""

    async def __call__(self, numbers: Iterator[int]) -> Published:
        await asyncio.sleep(0)
        publisher = PipelineSessionContext.publisher()
        file = PipelineSessionContext.scratch_folder() / "file"
        await asyncio.to_thread(file.write_bytes, bytes(BIG_BYTES))
        data = publisher.publish_file(file, port="data")
        publisher.publish_part("small", [sum(numbers)], port="parts")
        publisher.publish_part("large", list(range(20_000)), port="parts")
        return Published(data=data, parts=publisher.parts(port="parts"))


class Nest:
    """Runs a session for each part; the habitat is not installed where workers of this suite are."""

    def __call__(self, data: bytes, parts: Mapping[str, Sequence[int]]) -> dict[str, object]:
        PipelineSessionContext.client().registry.register("inner", f"{__name__}:Inner")
        found: dict[str, object] = {"bytes": len(data)}
        for name, part in parts.items():
            with PipelineSessionContext.nested_session("inner", inputs={"value": part[-1]}) as session:
                session.run().raise_unless_succeeded()
                found[name] = session.outputs()["product"]
        return found


class Inner(PipelineComponents):
    multiply = providers.Factory(Multiply)

    def define(self, pipeline: PipelineBuilder) -> None:
        value = pipeline.input("value", int)
        pipeline.output("product", pipeline.node("multiply", self.multiply)(value=value, factor=2))


class Passing(PipelineComponents):
    """Data that is not simply returned: a stream, a file, parts, and what sessions inside a node compute."""

    settings = Settings(ContractSettings)
    numbers = providers.Factory(Numbers)
    publish = providers.Factory(Publish)
    nest = providers.Factory(Nest)

    def define(self, pipeline: PipelineBuilder) -> None:
        published = pipeline.node("publish", self.publish)(numbers=pipeline.node("numbers", self.numbers)())
        pipeline.output("found", pipeline.node("nest", self.nest)(data=published.data, parts=published.parts))


class Contract(PipelineComponents):
    """Data of all kinds: values, ports, gathers, what is large."""

    settings = Settings(ContractSettings)
    start = providers.Factory(Start, folder=settings.node.folder)
    multiply = providers.Factory(Multiply)
    add = providers.Factory(Add)
    measure = providers.Factory(Measure)

    def define(self, pipeline: PipelineBuilder) -> None:
        start = pipeline.node("start", self.start)()
        product = pipeline.node("multiply", self.multiply)(
            value=start, factor=pipeline.each(self.settings.session.factors)
        )
        total = pipeline.node("add", self.add)(values=pipeline.gather(product))
        pipeline.output("text", pipeline.node("measure", self.measure)(parts=total))


@dataclass(frozen=True)
class Total:
    factors: tuple[int, ...]

    def __call__(self) -> str:
        return str(sum(self.factors))


class Totals(PipelineComponents):
    """One node, which others include."""

    settings = Settings(ContractSettings)
    total = providers.Factory(Total, settings.session.factors)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("total", pipeline.node("total", self.total)())


class Including(PipelineComponents):
    """Includes one habitat twice, with other settings each time."""

    settings = Settings(ContractSettings)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("first", Totals, settings={"factors": (2, 3)}, outputs={"total": "first"})
        pipeline.include("second", Totals, outputs={"total": "second"})


class Failing(PipelineComponents):
    """A node that fails as often and in the way that settings say, what lies below it, and what lies beside it."""

    settings = Settings(ContractSettings)
    start = providers.Factory(Start, folder=settings.node.folder)
    fail = providers.Factory(
        Fail,
        folder=settings.node.folder,
        failures=settings.node.failures,
        how=settings.node.how,
        token=settings.session.token,
    )
    after = providers.Factory(After)
    beside = providers.Factory(Multiply)

    def define(self, pipeline: PipelineBuilder) -> None:
        start = pipeline.node("start", self.start)()
        failed = pipeline.node("fail", self.fail)(value=start)
        pipeline.node("after", self.after)(value=failed)
        pipeline.node("beside", self.beside)(value=start, factor=3)


class Sleeping(PipelineComponents):
    """Bodies that sleep, and one that waits for them."""

    settings = Settings(ContractSettings)
    sleep = providers.Factory(Sleep, folder=settings.node.folder, seconds=settings.node.seconds)
    after = providers.Factory(After)

    def define(self, pipeline: PipelineBuilder) -> None:
        one = pipeline.node("one", self.sleep)()
        pipeline.node("two", self.sleep)()
        pipeline.node("after", self.after)(value=one)


class Urgent(PipelineComponents):
    """Nodes that are due at the same moment, some of them more urgent than others."""

    settings = Settings(ContractSettings)
    start = providers.Factory(SlowStart, folder=settings.node.folder)
    work = providers.Factory(Work, folder=settings.node.folder)

    def define(self, pipeline: PipelineBuilder) -> None:
        start = pipeline.node("start", self.start)()
        pipeline.node("work", self.work)(value=start, number=pipeline.each(self.settings.session.factors))


class Scaled(Protocol):
    def __call__(self, value: int) -> int: ...


class Remote(PipelineComponents):
    """A node whose code the driver does not have."""

    settings = Settings(ContractSettings)
    start = providers.Factory(Start, folder=settings.node.folder)
    far = Reference(Scaled, "far_of_contract:Far")

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("out", pipeline.node("far", self.far)(value=pipeline.node("start", self.start)()))
