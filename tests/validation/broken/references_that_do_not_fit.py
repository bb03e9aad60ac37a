"""Classes of this package that references name are not there, or do not fit their contract or their arguments."""

from typing import Protocol

from oneml.habitats import PipelineBuilder, PipelineComponents, Reference


class TrainContract(Protocol):
    def __call__(self, rows: int) -> int: ...


class Trainer:
    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, rows: int) -> int:
        return rows * self.steps


class Other:
    def __call__(self, row: int) -> int:
        return row


class Broken(PipelineComponents):
    good = Reference(TrainContract, f"{__name__}:Trainer", steps=1)
    misspelt = Reference(TrainContract, f"{__name__}:Trianer", steps=1)
    argument = Reference(TrainContract, f"{__name__}:Trainer", step=1)
    other = Reference(TrainContract, f"{__name__}:Other")

    def define(self, pipeline: PipelineBuilder) -> None:
        for name, body in {"a": self.good, "b": self.misspelt, "c": self.argument, "d": self.other}.items():
            pipeline.node(name, body)(rows=1)
