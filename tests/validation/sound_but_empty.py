"""A pipeline that computes nothing."""

from oneml.habitats import PipelineBuilder, PipelineComponents


class Empty(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        """Define nothing."""
