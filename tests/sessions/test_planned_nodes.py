"""A worker that keeps a session open reads each shard of its plan once."""

from pathlib import Path

import pytest

from oneml.habitats.errors import UnknownNodeError
from oneml.habitats.sessions import planned_nodes
from oneml.habitats.sessions.plan_shards import ProviderRecord, plan_index, plan_shards, shard_count_of
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe, write_recipe
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan, PlannedNode
from oneml.habitats.values.session_id import SessionId

NODES = 300
BODY = ProviderRecord("g" * 64, "c" * 64, "o" * 64)


class CountingStore(LocalArtifactStore):
    """Remembers what was read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read_keys: list[str] = []

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        self.read_keys.append(key)
        return super().read(key, limit_bytes=limit_bytes)


@pytest.fixture
def plan() -> Plan:
    paths = [NodePath(f"//n{number}") for number in range(NODES)]
    nodes = {path: PlannedNode(path=path, provider="body", inputs={}, outputs=("output",)) for path in paths}
    return Plan(nodes=nodes, node_settings={})


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


@pytest.fixture
def recipe(store: CountingStore, plan: Plan) -> Recipe:
    recipe = Recipe(
        session_id=SessionId("s1"),
        habitat="hello",
        created_at="2026-01-01T00:00:00.000000Z",
        target="hello:Hello",
        container="hello:Hello",
        python="3.11",
        code="0",
        settings_schema="1",
        settings={},
        overrides={},
        node_count=NODES,
    )
    return write_recipe(
        store,
        recipe,
        documents={"code": canonical_json({}), "index": plan_index(plan)},
        shards=plan_shards(
            plan,
            fingerprint_of=lambda node, _: f"of {node.path}",
            provider_of=lambda _: BODY,
            secrets_of=lambda _: {},
            entries={},
        ),
        explanations={},
        key=None,
    )


def test_every_shard_is_read_once_however_many_nodes_are_asked_for(
    store: CountingStore, recipe: Recipe, plan: Plan
) -> None:
    nodes = PlannedNodes(store, recipe)
    for path in plan.nodes:
        assert nodes.record(path).fingerprint == f"of {path}"
    assert len(store.read_keys) == shard_count_of(NODES)


def test_shards_that_were_not_used_for_longest_are_read_again(
    store: CountingStore, recipe: Recipe, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned_nodes, "SHARDS_NODES_MAX", 1)
    nodes = PlannedNodes(store, recipe)
    assert [nodes.record(path).node for path in plan.nodes] == list(plan.nodes.values())
    assert len(store.read_keys) > shard_count_of(NODES)


def test_a_node_that_the_plan_has_not_is_unknown(store: CountingStore, recipe: Recipe) -> None:
    with pytest.raises(UnknownNodeError):
        PlannedNodes(store, recipe).record(NodePath("//other"))
