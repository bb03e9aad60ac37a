"""A habitat whose nodes exchange values that a serializer of another distribution writes."""

from dependency_injector import providers
from roman_numbers import Roman

from oneml.habitats import PipelineBuilder, PipelineComponents


class Give:
    def __call__(self) -> Roman:
        return Roman("XVI")


class Take:
    def __call__(self, number: Roman) -> int:
        return int(number)


class Numbers(PipelineComponents):
    give = providers.Factory(Give)
    take = providers.Factory(Take)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("number", pipeline.node("take", self.take)(number=pipeline.node("give", self.give)()))
