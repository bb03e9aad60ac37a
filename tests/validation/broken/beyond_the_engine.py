"""A node asks for what its engine cannot do."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents

SETTINGS = {"timeout_seconds": 5, "tags": ["gpu"], "resources": {"gpus": 2, "memory_bytes": 1000}, "image": "x:1"}


class Body:
    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    body = providers.Factory(Body)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
