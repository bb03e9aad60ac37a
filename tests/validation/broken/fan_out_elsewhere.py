"""All members of fan-outs ask for what their engine cannot do, and for what stays in memory."""

from broken.bodies import Load, Select, Train
from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineNodeSettings

HERE = PipelineNodeSettings(engine="in-process", store="memory:", timeout_seconds=5)


class Broken(PipelineComponents):
    load = providers.Factory(Load)
    train = providers.Factory(Train)
    again = providers.Factory(Train)
    select = providers.Factory(Select)

    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.node("load", self.load)()
        rates = pipeline.each([float(rate) for rate in range(2000)])
        trained = pipeline.node("train", self.train, settings=HERE)(rows=rows, c=rates)
        pipeline.node("again", self.again, settings={"image": "x:1"})(rows=rows, c=trained)
        pipeline.node("select", self.select)(fits=pipeline.gather(trained))


SETTINGS = {"engine": "process"}
