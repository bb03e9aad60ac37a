"""Pipelines that include each other."""

from oneml.habitats import PipelineBuilder, PipelineComponents


class Other(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("back", Broken)


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("other", Other)
