"""Ports and inputs that there are none of."""

from collections.abc import Sequence
from typing import NamedTuple

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


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


class Broken(PipelineComponents):
    load = providers.Factory(Load)
    split = providers.Factory(Split)
    train = providers.Factory(Train)
    select = providers.Factory(Select)

    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.node("load", self.load)()
        parts = pipeline.node("split", self.split)(row=rows)  # type: ignore[call-arg]
        pipeline.output("x", pipeline.node("train", self.train)(rows=parts.trian))  # type: ignore[attr-defined]
