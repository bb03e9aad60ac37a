"""A body that waits for dependency-injector's wiring."""

from dependency_injector import providers
from dependency_injector.wiring import Provide, inject

from oneml.habitats import PipelineBuilder, PipelineComponents


class Client:
    pass


@inject
def load(table: str, client: Client = Provide["client"]) -> int:
    return len(f"{table}{client}")


class Broken(PipelineComponents):
    client = providers.Singleton(Client)
    load = providers.Object(load)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("load", self.load)(table="users")
