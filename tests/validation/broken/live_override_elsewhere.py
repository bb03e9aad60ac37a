"""A live object stands for a provider whose node runs in another process."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, replace

SETTINGS = {"engine": "process"}


class Client:
    pass


class Body:
    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    client = providers.Singleton(Client)
    body = providers.Factory(Body, client=client)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())


OVERRIDES = (replace(Broken.client, Client()),)
