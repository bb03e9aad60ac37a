"""What both type checkers must accept of included habitats. Never run."""

from collections.abc import Sequence

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSessionSettings
from oneml.habitats.graph.edges import Edge


class Load:
    def __call__(self) -> Sequence[int]:
        raise NotImplementedError


class Training(PipelineComponents):
    load = providers.Factory(Load)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("numbers", pipeline.node("load", self.load)())


class Study(PipelineComponents):
    load = providers.Factory(Load)

    def define(self, pipeline: PipelineBuilder) -> None:
        numbers = pipeline.node("load", self.load)()
        training = pipeline.include("training", Training, settings={"seed": 3}, inputs={"digits": numbers})
        named = pipeline.include("named", "digits-training", outputs={"model": "best"}, without=["accuracy"])
        on_gpu = PipelineSessionSettings(image="train:1.4")
        other = pipeline.namespace("deep").include("other", Training, settings=on_gpu)
        edge: Edge = training.outputs.accuracy >> other.inputs.digits
        pipeline.connect(edge, named.inputs.digits << training.outputs.table, numbers >> named.inputs.more)
        pipeline.node("after", self.load, after=[training, named.outputs.table])()
        pipeline.output("accuracy", training.outputs.accuracy)
