"""A provider of an included container is replaced twice."""

from broken.bodies import Fit, Training

from oneml.habitats import PipelineBuilder, PipelineComponents, replace


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        training = pipeline.include("training", Training, inputs={"rows": [1]})
        pipeline.output("count", training.outputs.count)


OVERRIDES = (replace(Training.fit, factory=Fit), replace(Training.fit, factory=Fit))
