"""What is included is no container, cannot be found, or is included twice under one name."""

from broken.bodies import Training

from oneml.habitats import PipelineBuilder, PipelineComponents


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("number", int)
        pipeline.include("unknown", "trainning")
        pipeline.include("no good", Training, inputs={"rows": [1]})
        pipeline.include("one", Training, inputs={"rows": [1]})
        pipeline.include("one", Training, inputs={"rows": [1]})
