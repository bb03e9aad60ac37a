"""A declared dependency that nothing stands for."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Client:
    pass


class Read:
    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    client = providers.Dependency(instance_of=Client)
    read = providers.Factory(Read, client=client)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("read", self.read)())
