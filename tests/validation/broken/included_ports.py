"""An included pipeline whose input nothing feeds, and misspelt ports."""

from broken.bodies import Training

from oneml.habitats import PipelineBuilder, PipelineComponents


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("unfed", Training)
        pipeline.include("one", Training, inputs={"row": [1]})
        two = pipeline.include("two", Training, inputs={"rows": [1]})
        pipeline.output("count", two.outputs.cuont)
