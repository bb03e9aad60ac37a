"""What stands for a provider is of another type."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, replace


class Client:
    pass


class Body:
    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self) -> int:
        return 1


class Other(PipelineComponents):
    client = providers.Singleton(Client)


class Broken(PipelineComponents):
    client = providers.Singleton(Client)
    body = providers.Factory(Body, client=client)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())


OVERRIDES = (replace(Broken.client, "no client"), replace(Other.client, Client()))  # type: ignore[arg-type]
