"""A provider of another container gives a body."""

from broken.bodies import Fitting, Train

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("load", Broken.load)()
        pipeline.node("train", Train)()  # type: ignore[arg-type]
