"""Inputs that nothing feeds."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        parts = pipeline.node("split", self.split)()  # type: ignore[call-arg]
        pipeline.output("x", pipeline.node("train", self.train)(c=parts.train))
