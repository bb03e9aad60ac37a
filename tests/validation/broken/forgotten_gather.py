"""A fan-out where one value is wanted, and the other way round."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.node("load", self.load)()
        fits = pipeline.node("train", self.train)(rows=rows, c=pipeline.each([0.1, 1.0]))
        pipeline.output("one", fits)
        pipeline.node("select", self.select)(fits=pipeline.gather(rows))
