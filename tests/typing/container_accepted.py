"""What both type checkers must accept of containers, and the types that they must see. Never run."""

from collections.abc import Iterator
from typing import Protocol, assert_type

from dependency_injector import containers, providers

from oneml.habitats import (
    Choice,
    NodeResource,
    NodeSeed,
    NodeSingleton,
    Override,
    PipelineComponents,
    PipelineNodeSettings,
    PipelineSession,
    PipelineSessionSettings,
    PipelineSettings,
    ProcessResource,
    ProcessSingleton,
    Reference,
    Settings,
    replace,
)
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.testing import NewSession, OpenComponents, RunNode


class ShopSettings(PipelineSettings):
    name: str = "shop"
    seed: int = 0


class Reads(Protocol):
    def read(self) -> str: ...


class Client:
    def __init__(self, name: str = "") -> None:
        self.name = name

    def read(self) -> str:
        return self.name


class LoudClient(Client):
    def read(self) -> str:
        return self.name.upper()


class Structural:
    def read(self) -> str:
        return ""


def opened(name: str) -> Iterator[Client]:
    yield Client(name)


class Inner(containers.DeclarativeContainer):
    client = providers.Singleton(Client)


class Shop(PipelineComponents):
    settings = Settings(ShopSettings)
    client = ProcessSingleton(Client, settings.process.name)
    per_node = NodeSingleton(Client, name=settings.node.name)
    session = providers.Resource(opened, settings.session.name)
    pool = ProcessResource(opened, settings.process.name)
    narrow = NodeResource(opened, settings.node.name)
    remote = Reference(Reads, "elsewhere:Client", name=settings.session.name)
    seed = NodeSeed(settings.node.seed)
    structural: providers.Provider[Reads] = providers.Factory(Client)
    inner = providers.Container(Inner)
    items = providers.List(client, per_node)
    chosen = Choice(settings.session.name, shop=client, inner=per_node)
    chosen_as: providers.Provider[Reads] = Choice(
        settings.session.name, one=client, other=providers.Factory(Structural)
    )


class Branch(Shop):
    loud = ProcessSingleton(LoudClient)


class WithoutSettings(PipelineComponents):
    client = providers.Factory(Client)


def open_by_hand(session_id: str) -> None:
    with Branch.open(session_id=session_id, settings={"name": "branch"}) as branch:
        assert_type(branch, Branch)
        assert_type(branch.client(), Client)
        assert_type(branch.loud(), LoudClient)
        assert_type(branch.per_node(), Client)
        assert_type(branch.session(), Client)
        assert_type(branch.pool(), Client)
        assert_type(branch.chosen(), Client)
        assert_type(branch.chosen_as(), Reads)
        assert_type(branch.remote(), Reads)
        assert_type(branch.structural(), Reads)
        assert_type(branch.settings.session.name, str)
        assert_type(branch.session_id, str)
        with branch.node("//a", settings=PipelineNodeSettings(retries=1)) as node:
            assert_type(node, Branch)
            assert_type(node.narrow(), Client)
            assert_type(node.seed(), int)
        with branch.node("//b", settings={"name": "b"}) as node:
            assert_type(node.settings.node.name, str)
    WithoutSettings.open().client()


def overrides() -> list[Override]:
    return [
        replace(Shop.client, LoudClient()),
        replace(Shop.structural, Structural()),
        replace(Shop.client, provider=providers.Factory(LoudClient)),
        replace(Shop.client, provider=Reference(Client, "elsewhere:Client")),
        replace(Shop.structural, provider=providers.Factory(Structural)),
        replace(Shop.client, factory=LoudClient),
        replace(Shop.structural, factory=fake_client),
    ]


def fake_client() -> Structural:
    return Structural()


def fixtures(open_components: OpenComponents, new_session: NewSession, run_node: RunNode) -> None:
    assert_type(open_components(Branch), Branch)
    assert_type(open_components(Branch, *overrides(), settings={"name": "x"}).loud(), LoudClient)
    assert_type(open_components("shop"), PipelineComponents)
    settings = PipelineSessionSettings(fields={"name": "x"})
    assert_type(new_session(Shop, replace(Shop.client, LoudClient()), settings=settings), PipelineSession)
    assert_type(new_session("shop", inputs={"text": "x"}, engine="process"), PipelineSession)
    new_session(Shop, engine=DaskEngine())
    assert_type(run_node(Shop, "//a", inputs={"text": "x"}, form=int), int)
    assert_type(run_node(Shop, "//a", *overrides(), form=list[str]), list[str])
    name: str = run_node("shop", "//a")
    assert_type(name, str)
