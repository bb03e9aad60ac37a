"""A setting without a default that nothing gives."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class MySettings(PipelineSettings):
    rate: float
    words: tuple[str, ...] = ()


class Body:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self) -> float:
        return self.rate


class Broken(PipelineComponents):
    settings = Settings(MySettings)
    body = providers.Factory(Body, rate=settings.session.rate)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
