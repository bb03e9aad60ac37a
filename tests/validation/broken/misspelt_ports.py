"""Ports and inputs that there are none of."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.node("load", self.load)()
        parts = pipeline.node("split", self.split)(row=rows)  # type: ignore[call-arg]
        pipeline.output("x", pipeline.node("train", self.train)(rows=parts.trian))  # type: ignore[attr-defined]
