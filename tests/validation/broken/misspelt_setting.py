"""The body of a container reads a setting that there is none of."""

from dependency_injector import providers

from oneml.habitats import PipelineComponents, PipelineSettings, Settings


class TrainSettings(PipelineSettings):
    iterations: int = 100


class Broken(PipelineComponents):
    settings = Settings(TrainSettings)
    train = providers.Factory(dict, iterations=settings.node.itrations)
