"""A setting that a whole session shares, for one node."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

SETTINGS = {"nodes": {"//a": {"workers": 2}}}


class MySettings(PipelineSettings):
    rate: float = 0.1
    words: tuple[str, ...] = ()


class Body:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self) -> float:
        return self.rate


class Broken(PipelineComponents):
    settings = Settings(MySettings)
    body = providers.Factory(Body, rate=settings.node.rate)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
