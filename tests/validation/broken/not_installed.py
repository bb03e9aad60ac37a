"""A component that is not installed here, and no leave for that."""

from typing import Protocol

from oneml.habitats import PipelineBuilder, PipelineComponents, Reference


class TrainContract(Protocol):
    def __call__(self) -> int: ...


SETTINGS = {"engine": "process"}


class Broken(PipelineComponents):
    train = Reference(TrainContract, "no_such_package.training:Trainer")

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("train", self.train)())
