"""An included container whose object of the session holds one of the node."""

from dependency_injector import providers

from oneml.habitats import NodeSingleton, PipelineBuilder, PipelineComponents


class Scratch: ...


class Fit:
    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch

    def __call__(self) -> int:
        return 1


class Training(PipelineComponents):
    scratch = NodeSingleton(Scratch)
    fit = providers.Singleton(Fit, scratch)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("count", pipeline.node("fit", self.fit)())


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("count", pipeline.include("training", Training).outputs.count)
