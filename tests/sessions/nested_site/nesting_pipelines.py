"""Habitats whose nodes run sessions: of another habitat, and of their own."""

import time
from dataclasses import dataclass
from pathlib import Path

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSessionContext, PipelineSettings, Settings


class InnerSettings(PipelineSettings):
    factor: int = 2
    folder: str = ""
    wait_seconds: float = 0.0


@dataclass(frozen=True)
class Scale:
    factor: int
    folder: str
    wait_seconds: float

    def __call__(self, number: int) -> int:
        if self.folder:
            with Path(self.folder, "scaled").open("a") as file:
                file.write(f"{number} ")
        time.sleep(self.wait_seconds)
        if self.factor < 0:
            message = "a negative factor"
            raise ValueError(message)
        return self.factor * number


class Inner(PipelineComponents):
    settings = Settings(InnerSettings)
    scale = providers.Factory(
        Scale,
        factor=settings.node.factor,
        folder=settings.session.folder,
        wait_seconds=settings.session.wait_seconds,
    )

    def define(self, pipeline: PipelineBuilder) -> None:
        number = pipeline.input("number", int)
        first = pipeline.node("first", self.scale)(number=number)
        pipeline.output("scaled", pipeline.node("second", self.scale)(number=first))


class OuterSettings(InnerSettings):
    numbers: tuple[int, ...] = (1, 2)
    fail_after: str = ""
    inner_engine: str = "in-process"


@dataclass(frozen=True)
class Fold:
    settings: dict[str, object]
    numbers: tuple[int, ...]
    fail_after: str

    def __call__(self) -> dict[str, object]:
        before = PipelineSessionContext.current()
        found: dict[str, object] = {}
        for number in self.numbers:
            with PipelineSessionContext.nested_session(
                "inner", settings=self.settings, inputs={"number": number}
            ) as session:
                session.run().raise_unless_succeeded()
                found[session.session_id] = session.outputs()["scaled"]
        assert PipelineSessionContext.current() == before
        if self.fail_after and not Path(self.fail_after).exists():
            Path(self.fail_after).touch()
            message = "the first attempt fails"
            raise ValueError(message)
        return found


class Outer(PipelineComponents):
    settings = Settings(OuterSettings)
    inner = providers.Dict(
        factor=settings.session.factor,
        folder=settings.session.folder,
        wait_seconds=settings.session.wait_seconds,
        engine=settings.session.inner_engine,
    )
    fold = providers.Factory(
        Fold, settings=inner, numbers=settings.session.numbers, fail_after=settings.session.fail_after
    )

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("found", pipeline.node("fold", self.fold)())


class Count:
    def __call__(self, number: int) -> list[int]:
        if number == 0:
            return [0]
        client = PipelineSessionContext.client()
        with client.create_session("countdown", inputs={"number": number - 1}) as session:
            session.run().raise_unless_succeeded()
            return [number, *session.output("//count", form=list[int])]


class Countdown(PipelineComponents):
    count = providers.Factory(Count)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("numbers", pipeline.node("count", self.count)(number=pipeline.input("number", int)))
