"""A method define() that would define nothing."""

from oneml.habitats import PipelineBuilder, PipelineComponents


class Broken(PipelineComponents):
    async def define(self, pipeline: PipelineBuilder) -> None:  # type: ignore[override]  # that is the point
        pipeline.input("x", int)
