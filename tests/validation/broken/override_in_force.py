"""The library's own override stands on the class."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Body:
    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    body = providers.Factory(Body)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())


Broken.body.override(providers.Object(1))
