"""Pipelines that include what is broken, and one that includes much."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

COUNT = 300


class CaptiveSettings(PipelineSettings):
    rate: int = 1


class Keeper:
    def __init__(self, rate: int) -> None:
        self.rate = rate


class Captive(PipelineComponents):
    settings = Settings(CaptiveSettings)
    keeper = providers.Singleton(Keeper, rate=settings.node.rate)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define nothing."""


class IncludesCaptive(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("held", Captive)


class Raising(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        raise KeyError(pipeline)


class IncludesRaising(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("loud", Raising)


class IncludesMisset(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("left", Wide, settings={"facto": 1})
        pipeline.include("right", Wide, settings={"workers": 1})


class One:
    def __call__(self) -> int:
        return 1


class Wide(PipelineComponents):
    one = providers.Factory(One)

    def define(self, pipeline: PipelineBuilder) -> None:
        for number in range(COUNT):
            pipeline.node(f"n{number}", self.one)()


class IncludesWide(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("left", Wide)
        pipeline.include("right", Wide)
