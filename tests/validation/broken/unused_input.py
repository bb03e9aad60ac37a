"""Inputs of the pipeline that feed nothing, or are declared twice."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.input("table", str)
        pipeline.input("table", str)
        pipeline.output("x", pipeline.node("load", self.load)())
