"""Values that do not fit the inputs that they feed."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.node("load", self.load)()
        fit = pipeline.node("train", self.train)(rows=rows, c="much")  # type: ignore[arg-type]
        pipeline.node("split", self.split)(rows=fit)  # type: ignore[arg-type]
