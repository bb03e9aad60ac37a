"""Serializers that there are none of, for ports that no node has."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents

SETTINGS = {"serializers": {"output": "jsno", "outptu": "json"}}


class Body:
    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    body = providers.Factory(Body)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
