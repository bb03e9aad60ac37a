"""An override of a container that is not included, beside one of a container that is."""

from broken.bodies import Fit, Training
from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, replace


class Stranger(PipelineComponents):
    fit = providers.Factory(Fit)


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        training = pipeline.include("training", Training, inputs={"rows": [1]})
        pipeline.output("count", training.outputs.count)


OVERRIDES = (replace(Stranger.fit, factory=Fit), replace(Training.fit, factory=Fit))
