"""What providers of all kinds give is of another type than what takes it, or is not there."""

from collections.abc import Iterator
from contextlib import contextmanager

from broken.bodies import OneNode
from dependency_injector import containers, providers

from oneml.habitats import Choice, PipelineSettings, Settings


class Client:
    def __init__(self, url: str, retries: int = 3) -> None:
        self.url = url


class Store: ...


class Holder:
    def __init__(self, client: Client, others: list[Client] | None = None) -> None:
        self.client = client


class Body:
    def __init__(self, *holders: object) -> None: ...

    def __call__(self) -> int:
        return 1


def connected(url: str) -> Iterator[Store]:
    yield Store()


@contextmanager
def opened(url: str) -> Iterator[Store]:
    yield Store()


class Part(containers.DeclarativeContainer):
    client = providers.Dependency(instance_of=Client)


class BrokenSettings(PipelineSettings):
    fast: bool = True
    rate: float = 1.0


class Broken(OneNode):
    settings = Settings(BrokenSettings)
    config = providers.Configuration(strict=True, default={"url": 3, "name": "n"})
    client = providers.Singleton(Client, url=config.url, retries=config.retries.as_int())
    named = providers.Singleton(Client, url=config.name)
    store = providers.Singleton(Store)
    chosen = Choice(settings.session.fast, client=named, store=store)
    constant = providers.Selector(providers.Object("files"), client=named)
    part = providers.Container(Part, client=store)
    by_number = providers.Resource(connected, url=8080)
    by_context = providers.Resource(opened, url=settings.session.rate)
    body = providers.Factory(
        Body,
        providers.Factory(Holder, chosen),
        providers.Factory(Holder, constant, providers.List(named, store)),
        providers.Factory(Holder, providers.Aggregate(client=named)),
        providers.Factory(Holder, named.provider),
        providers.Factory(Holder, by_number),
        providers.Factory(Holder, by_context),
        providers.Factory(Holder, Store()),
        providers.Factory(Holder, part.client),
    )
