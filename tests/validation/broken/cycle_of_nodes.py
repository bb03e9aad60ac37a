"""Nodes that wait for each other."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.node("load", self.load)()
        one = pipeline.node("one", self.train)
        two = pipeline.node("two", self.train)
        pipeline.connect(rows >> one.inputs.rows)
        pipeline.connect(rows >> two.inputs.rows)
        pipeline.connect(two.outputs.output >> one.inputs.c)
        pipeline.connect(one.outputs.output >> two.inputs.c)
