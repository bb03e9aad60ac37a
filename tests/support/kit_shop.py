"""A small habitat that the test kit is tried with on every engine; workers import it too."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from dependency_injector import providers
from pydantic_settings import SettingsConfigDict

from oneml.habitats import (
    NodeSingleton,
    PipelineBuilder,
    PipelineComponents,
    PipelineSettings,
    ProcessSingleton,
    Settings,
)


class ShopSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")
    factor: int = 2
    bonus: int = 0


class Client:
    def read(self) -> int:
        return 1


class Holder:
    def __init__(self, client: Client) -> None:
        self.client = client

    def read(self) -> int:
        return self.client.read()


class Read:
    """Reads the client as objects of every scope hold it."""

    def __init__(self, *holders: Holder) -> None:
        self.holders = holders

    def __call__(self) -> list[int]:
        return [holder.read() for holder in self.holders]


class Scaled(NamedTuple):
    text: str
    process: int


class Scale:
    def __init__(self, factor: int, currency: str) -> None:
        self.factor = factor
        self.currency = currency

    def __call__(self, numbers: list[int]) -> Scaled:
        return Scaled(f"{' '.join(str(number * self.factor) for number in numbers)} {self.currency}", os.getpid())


class Shop(PipelineComponents):
    settings = Settings(ShopSettings)
    client = ProcessSingleton(Client)
    by_process = ProcessSingleton(Holder, client)
    by_session = providers.Singleton(Holder, client)
    by_node = NodeSingleton(Holder, client)
    currency = providers.Object("EUR")
    read = providers.Factory(Read, by_process, by_session, by_node)
    scale = providers.Factory(Scale, settings.node.factor, currency)

    def define(self, pipeline: PipelineBuilder) -> None:
        scaled = pipeline.node("scale", self.scale)(numbers=pipeline.node("read", self.read)())
        pipeline.output("text", scaled.text)


class Look:
    def __init__(self, factor: int, bonus: int) -> None:
        self.factor = factor
        self.bonus = bonus

    def __call__(self) -> Mapping[str, str]:
        seen = {name: value for name, value in os.environ.items() if name.startswith(("ONEML_", "SHOP_"))}
        return {**seen, "factor": str(self.factor), "bonus": str(self.bonus)}


class Window(PipelineComponents):
    """One node, which tells what it finds around it."""

    settings = Settings(ShopSettings)
    look = providers.Factory(Look, settings.node.factor, settings.session.bonus)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("seen", pipeline.node("look", self.look)())
