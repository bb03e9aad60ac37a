"""A body takes its inputs in its constructor."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Add:
    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, right: int) -> int:
        return self.left + right


class Broken(PipelineComponents):
    add = providers.Factory(Add)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("add", self.add)(right=1))
