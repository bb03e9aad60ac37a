"""An included container that gives an argument of the wrong type, and an entry for a node that it has not."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents

SETTINGS = {"nodes": {"//training/fitt": {"retries": 1}}}


class Fit:
    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self) -> int:
        return self.steps


class Training(PipelineComponents):
    fit = providers.Factory(Fit, steps="many")

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("count", pipeline.node("fit", self.fit)())


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("count", pipeline.include("training", Training).outputs.count)
