"""A provider reads settings that belong to another container."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class OneSettings(PipelineSettings):
    size: int = 1


class OtherSettings(PipelineSettings):
    size: int = 2


class Other(PipelineComponents):
    settings = Settings(OtherSettings)


class Body:
    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self) -> int:
        return self.size


class Broken(PipelineComponents):
    settings = Settings(OneSettings)
    body = providers.Factory(Body, size=Other.settings.session.size)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
