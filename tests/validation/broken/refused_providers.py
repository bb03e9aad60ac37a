"""Kinds of providers that cannot work in a session."""

from dependency_injector import providers

from oneml.habitats import PipelineComponents


async def connect() -> int:
    return 1


def read(value: object) -> object:
    return value


class Broken(PipelineComponents):
    config = providers.Configuration(yaml_files=["config.yml"])
    local = providers.ContextLocalSingleton(dict)
    connection = providers.Coroutine(connect)
    reader = providers.Factory(read, value=connection)
