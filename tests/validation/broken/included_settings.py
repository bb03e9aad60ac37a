"""An included pipeline is given a setting that it does not have."""

from broken.bodies import Training

from oneml.habitats import PipelineBuilder, PipelineComponents


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("one", Training, settings={"sed": 3}, inputs={"rows": [1]})
