"""Values that do not fit their types, and names that there are none of."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

SETTINGS = {"rate": "fast", "words": "no list", "ratte": 1, "retries": -1}


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
    body = providers.Factory(Body, rate=settings.session.rate)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
