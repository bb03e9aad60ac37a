"""A session object keeps a setting of nodes, through a factory and a list."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class NetSettings(PipelineSettings):
    width: int = 3


class Net:
    def __init__(self, layers: object) -> None:
        self.layers = layers

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    settings = Settings(NetSettings)
    layer = providers.Factory(dict, width=settings.node.width)
    layers = providers.List(layer)
    net = providers.Singleton(Net, layers=layers)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("net", self.net)())
