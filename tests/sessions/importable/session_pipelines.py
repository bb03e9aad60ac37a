"""Small habitats that other processes can import too."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dependency_injector import providers
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats import (
    NodeResource,
    PipelineBuilder,
    PipelineComponents,
    PipelineNodeSettings,
    PipelineSessionContext,
    PipelineSettings,
    Settings,
)


class ArithmeticSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="ARITH_")
    start: int = 2
    factors: tuple[int, ...] = (1, 10, 100)
    offset: int = 0


class Split(NamedTuple):
    half: float
    sign: str


class Client:
    """Shared by all nodes of a session."""

    def __init__(self) -> None:
        self.calls: list[str] = []


@dataclass(frozen=True)
class Start:
    client: Client
    start: int

    def __call__(self) -> int:
        self.client.calls.append("start")
        return self.start


@dataclass(frozen=True)
class Multiply:
    client: Client
    offset: int

    def __call__(self, value: int, factor: int) -> int:
        self.client.calls.append(f"multiply {factor}")
        return value * factor + self.offset


class Sum:
    def __call__(self, values: list[int]) -> int:
        return sum(values)


class Halve:
    def __call__(self, value: int) -> Split:
        return Split(half=value / 2, sign="-" if value < 0 else "+")


class Describe:
    def __call__(self, parts: Split, unit: str = "m") -> str:
        return f"{parts.sign}{parts.half} {unit}"


class Arithmetic(PipelineComponents):
    """Start, multiply over factors, sum, split into two ports, describe."""

    settings = Settings(ArithmeticSettings)
    client = providers.Singleton(Client)
    start = providers.Factory(Start, client=client, start=settings.session.start)
    multiply = providers.Factory(Multiply, client=client, offset=settings.node.offset)
    total = providers.Factory(Sum)
    halve = providers.Factory(Halve)
    describe = providers.Factory(Describe)

    def define(self, pipeline: PipelineBuilder) -> None:
        start = pipeline.node("start", self.start)()
        product = pipeline.node("multiply", self.multiply)(
            value=start, factor=pipeline.each(self.settings.session.factors)
        )
        total = pipeline.node("total", self.total)(values=pipeline.gather(product))
        halves = pipeline.node("halve", self.halve)(value=total)
        pipeline.output("text", pipeline.node("describe", self.describe)(parts=halves))


class ArithmeticElsewhere(Arithmetic):
    """What the name of the first would stand for, had somebody bound it anew: its nodes share no client."""

    client = providers.Factory(Client)
    multiply = providers.Factory(Multiply, client=client, offset=Arithmetic.settings.node.offset)


class Trouble(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="TROUBLE_")
    kind: str = "none"
    token: SecretStr = SecretStr("")


class OddError(Exception):
    """Cannot be pickled: its constructor takes two arguments and hands on one."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = second


@dataclass(frozen=True)
class Misbehave:
    kind: str
    token: SecretStr

    def __call__(self) -> object:
        token = self.token.get_secret_value()
        raised = {
            "raise": ValueError(f"bad token {token}"),
            "nameless": FileNotFoundError("no file \udcff"),
            "odd": OddError("one", "two"),
        }
        if self.kind in raised:
            raise raised[self.kind]
        if self.kind == "exit":
            sys.exit(0)
        if self.kind == "os-exit":
            os._exit(0)
        if self.kind == "lock":
            return {"deep": [threading.Lock()]}
        if self.kind == "generator":
            return (number for number in range(3))
        if self.kind == "wrong":
            return self
        if self.kind == "flood":
            sys.stdout.flush()
            os.write(1, b"caf\xe9\n")
            for _ in range(16):
                os.write(1, (b"x" * 1023 + b"\n") * 1024)
        return "fine"


class After:
    def __call__(self, value: object) -> str:
        return f"after {value}"


class Alone:
    async def __call__(self) -> str:
        await asyncio.sleep(0)
        return "alone"


class Troubled(PipelineComponents):
    """A node that misbehaves as settings say, one below it, and one beside it, which is a coroutine."""

    settings = Settings(Trouble)
    bad = providers.Factory(Misbehave, kind=settings.node.kind, token=settings.node.token)
    after = providers.Factory(After)
    alone = providers.Factory(Alone)

    def define(self, pipeline: PipelineBuilder) -> None:
        bad = pipeline.node("bad", self.bad)()
        pipeline.node("after", self.after)(value=bad)
        pipeline.node("alone", self.alone)()


OPENED: list[str] = []


def connection() -> Iterator[str]:
    OPENED.append("open")
    yield "connection"
    OPENED.append("close")


@dataclass(frozen=True)
class WhereAmI:
    connection: str

    def __call__(self) -> str:
        executing = PipelineSessionContext.current()
        OPENED.append("body")
        return f"{executing.habitat} {executing.node}"


class Double:
    def __call__(self, table: list[int]) -> list[int]:
        return [2 * number for number in table]


class WithInputs(PipelineComponents):
    """An input from outside, a node resource, and a node whose author sets something."""

    settings = Settings(PipelineSettings)
    connection = NodeResource(connection)
    where = providers.Factory(WhereAmI, connection=connection)
    double = providers.Factory(Double)

    def define(self, pipeline: PipelineBuilder) -> None:
        table = pipeline.input("table", list[int])
        doubled = pipeline.node("double", self.double, settings=PipelineNodeSettings(retries=1))(table=table)
        pipeline.node("where", self.where, after=[doubled])()
        pipeline.output("doubled", doubled)


class SleepySettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="SLEEPY_")
    folder: str = ""
    seconds: float = 60.0
    stubborn: bool = False


@dataclass(frozen=True)
class Sleep:
    folder: str
    seconds: float
    stubborn: bool

    def __call__(self) -> str:
        if self.folder:
            Path(self.folder).mkdir(exist_ok=True)
            Path(self.folder, str(os.getpid())).touch()
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            try:
                time.sleep(self.seconds)
            except KeyboardInterrupt:
                if not self.stubborn:
                    raise
        return "slept"


class Sleepy(PipelineComponents):
    """Two bodies that sleep for a minute; stubborn ones swallow interrupts."""

    settings = Settings(SleepySettings)
    sleep = providers.Factory(
        Sleep,
        folder=settings.session.folder,
        seconds=settings.session.seconds,
        stubborn=settings.session.stubborn,
    )

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("one", self.sleep)()
        pipeline.node("two", self.sleep)()
