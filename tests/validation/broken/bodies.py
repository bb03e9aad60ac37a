"""What is sound in the broken habitats, so that each of their modules shows its mistake alone."""

from collections.abc import Sequence
from typing import NamedTuple

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class One:
    def __call__(self) -> int:
        return 1


class OneNode(PipelineComponents):
    body = providers.Factory(One)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())


class Parts(NamedTuple):
    train: str
    held_out: str


class Load:
    def __call__(self) -> str:
        return "rows"


class Split:
    def __call__(self, rows: str) -> Parts:
        return Parts(rows, rows)


class Train:
    def __call__(self, rows: str, c: float = 1.0) -> float:
        return c


class Select:
    def __call__(self, fits: Sequence[float]) -> float:
        return max(fits)


class Fitting(PipelineComponents):
    load = providers.Factory(Load)
    split = providers.Factory(Split)
    train = providers.Factory(Train)
    select = providers.Factory(Select)


class MySettings(PipelineSettings):
    rate: float = 0.1
    words: tuple[str, ...] = ()


class Rate:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self) -> float:
        return self.rate


class OfTheSession(OneNode):
    settings = Settings(MySettings)
    body = providers.Factory(Rate, rate=settings.session.rate)


class OfTheNode(OneNode):
    settings = Settings(MySettings)
    body = providers.Factory(Rate, rate=settings.node.rate)


class Fit:
    def __call__(self, rows: list[int]) -> int:
        return len(rows)


class FitSettings(PipelineSettings):
    seed: int = 1


class Training(PipelineComponents):
    settings = Settings(FitSettings)
    fit = providers.Factory(Fit)

    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.input("rows", list[int])
        pipeline.output("count", pipeline.node("fit", self.fit)(rows=rows))
