"""Attributes of provided objects are misspelt."""

from dataclasses import dataclass

from broken.bodies import OneNode
from dependency_injector import providers
from pydantic import BaseModel


class Client:
    def __init__(self, url: str) -> None:
        self.address = url


@dataclass(frozen=True)
class Point:
    across: float
    down: float


class Limits(BaseModel):
    lowest: int = 0


class Body:
    def __init__(self, *values: object) -> None: ...

    def __call__(self) -> int:
        return 1


class Broken(OneNode):
    client = providers.Singleton(Client, "url")
    point = providers.Factory(Point, 1, 2)
    limits = providers.Factory(Limits)
    body = providers.Factory(
        Body, client.provided.adress, point.provided.acros, point.provided.down, limits.provided.lowset
    )
