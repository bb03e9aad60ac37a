"""Arguments of the wrong type: a text, a setting, another object."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class FitSettings(PipelineSettings):
    rate: str = "0.1"


class Client:
    pass


class Store:
    pass


class Fit:
    def __init__(self, steps: int, rate: float, client: Client) -> None:
        self.steps, self.rate, self.client = steps, rate, client

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    settings = Settings(FitSettings)
    store = providers.Singleton(Store)
    fit = providers.Factory(Fit, steps="many", rate=settings.session.rate, client=store)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("fit", self.fit)())
