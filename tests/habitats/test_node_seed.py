import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from dependency_injector import containers, providers

from oneml.habitats.errors import InvalidComponentsError, NotOpenedError, OutsideNodeError, UnbuildableError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.graph_description import describe_graph
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.providers import NodeSeed, NodeSingleton
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings

Opener = Callable[..., Any]


class Own(PipelineSettings):
    seed: int = 7


class Model:
    def __init__(self, seed: int) -> None:
        self.seed = seed


class Seeded(PipelineComponents):
    settings = Settings(Own)
    seed = NodeSeed(settings.node.seed)
    model = NodeSingleton(Model, seed=seed)


def test_a_seed_is_the_hash_of_the_setting_and_the_path(opened: Opener) -> None:
    with opened(Seeded).node("//train") as components:
        digest = hashlib.sha256(b'[7,"//train"]').digest()
        assert components.seed() == components.model().seed == int.from_bytes(digest[:4], "big")


def test_seeds_differ_between_nodes_and_with_the_setting_and_are_the_same_again(opened: Opener) -> None:
    def seed(path: str, value: int) -> int:
        with opened(Seeded, settings={"seed": value}).node(path) as components:
            return int(components.seed())

    seeds = [seed(path, value) for path in ("//a", "//b") for value in (0, 1)]
    assert len(set(seeds)) == 4
    assert seeds == [seed(path, value) for path in ("//a", "//b") for value in (0, 1)]
    assert all(0 <= found < 2**32 for found in seeds)


def test_outside_a_node_there_is_no_seed(opened: Opener) -> None:
    with pytest.raises(OutsideNodeError):
        opened(Seeded).seed()
    with pytest.raises(NotOpenedError):
        NodeSeed(1)()


def test_a_constant_seed_also_needs_a_node(opened: Opener) -> None:
    class Constant(PipelineComponents):
        seed = NodeSeed(1)

    with pytest.raises(OutsideNodeError, match='"seed"'):
        opened(Constant).seed()


def test_what_is_kept_longer_than_a_node_cannot_take_a_seed() -> None:
    class Held(PipelineComponents):
        settings = Settings(Own)
        seed = NodeSeed(settings.node.seed)
        model = providers.Singleton(Model, seed=seed)

    with pytest.raises(InvalidComponentsError, match=r'"model" a NodeSingleton'):
        Held.blueprint().checked()


def test_a_seed_that_is_no_integer_is_refused(opened: Opener) -> None:
    class Wrong(PipelineComponents):
        seed = NodeSeed(providers.Object("7"))  # type: ignore[arg-type]

    with opened(Wrong).node("//a") as components, pytest.raises(UnbuildableError, match="its seed is a str"):
        components.seed()


def test_a_seed_of_a_nested_container_takes_what_that_is_given(opened: Opener) -> None:
    class Inner(containers.DeclarativeContainer):
        base = providers.Dependency(instance_of=int)
        seed = NodeSeed(base)

    class Outer(PipelineComponents):
        settings = Settings(Own)
        inner = providers.Container(Inner, base=settings.node.seed)
        seed = NodeSeed(settings.node.seed)

    with opened(Outer).node("//a") as components:
        assert components.inner.seed() == components.seed()


def test_a_seed_is_described_with_the_setting_that_it_reads() -> None:
    found = describe_graph(Seeded.blueprint())
    assert found.providers["seed"]["kind"] == "seed"
    assert found.reads("model") == {SettingRead("node", "seed")}
