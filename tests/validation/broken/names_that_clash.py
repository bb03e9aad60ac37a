"""Names that are taken, that clash with a namespace, or cannot be."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("load", self.load)()
        pipeline.node("load", self.load)()
        pipeline.namespace("load").node("again", self.load)()
        pipeline.node("no good", self.load)()
        pipeline.node("../up", self.load)()
