"""Test suites in folders of their own, about a small habitat."""

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

SHOP = """
from collections.abc import Iterator
from typing import NamedTuple

from dependency_injector import containers, providers
from oneml.habitats import (
    NodeSingleton, PipelineBuilder, PipelineComponents, PipelineSettings, ProcessResource, ProcessSingleton, Settings,
)
from pydantic_settings import SettingsConfigDict


class ShopSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")
    factor: int = 2


class Client:
    def read(self) -> int:
        return 1


class Holder:
    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self) -> int:
        return self.client.read()


class Scaled(NamedTuple):
    value: int
    text: str


class Scale:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, numbers: list[int], bonus: int, note: str = "") -> Scaled:
        value = sum(numbers) * self.factor + bonus
        return Scaled(value, f"{value}{note}")


closed: list[str] = []


def connection() -> Iterator[str]:
    yield "open"
    closed.append("connection")


class Nested(containers.DeclarativeContainer):
    client = providers.Singleton(Client)


class Shop(PipelineComponents):
    settings = Settings(ShopSettings)
    client = ProcessSingleton(Client)
    by_process = ProcessSingleton(Holder, client)
    by_session = providers.Singleton(Holder, client)
    by_node = NodeSingleton(Holder, client)
    by_use = providers.Factory(Holder, by_process)
    nested = providers.Container(Nested)
    connection = ProcessResource(connection)
    resource = providers.Resource(connection)
    read = providers.Factory(Holder, client)
    read_again = providers.Factory(Holder, by_process.provided.client)
    scale = providers.Factory(Scale, settings.node.factor)

    def define(self, pipeline: PipelineBuilder) -> None:
        one, two = pipeline.node("read", self.read)(), pipeline.node("again", self.read_again)()
        scaled = pipeline.node("scale", self.scale)(numbers=[one, two], bonus=5)
        pipeline.output("value", scaled.value)
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run a test module beside the habitat, with what every module needs imported."""

    def run(text: str, *options: str, in_process: bool = True, **others: str) -> pytest.RunResult:
        head = "import os, threading\nimport pytest\nfrom dependency_injector import providers\n"
        head += "from oneml.habitats import Reference, replace\nimport shop\nfrom shop import Client, Shop\n\n"
        pytester.makepyfile(shop=SHOP, test_shop=head + text, **others)
        given = ("-p", "no:cacheprovider", *options)
        return pytester.runpytest_inprocess(*given) if in_process else pytester.runpytest_subprocess(*given)

    return run
