"""Recipes: written once, read by header and shard, and distrusted where they were altered."""

from pathlib import Path

import pytest

from oneml.habitats.errors import InvalidDocumentError, RecipeAlteredError, SessionExistsError, UnknownSessionError
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.recipe import (
    SHARDS_MAX,
    Recipe,
    read_code,
    read_plan,
    read_planned_node,
    read_recipe,
    shard_count_of,
    shard_of,
    write_recipe,
)
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import LiteralSource, Plan, PlannedNode, PortSource
from oneml.habitats.values.session_id import SessionId

S = SessionId("s1")


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(tmp_path / "store")


def plan_of(size: int) -> Plan:
    nodes: dict[NodePath, PlannedNode] = {}
    for number in range(size):
        path = NodePath(f"//n{number}")
        upper = PortSource(NodePath(f"//n{number - 1}"), "output")
        nodes[path] = PlannedNode(
            path=path,
            provider="body",
            inputs={"x": upper if number else LiteralSource([1, "a"])},
            outputs=("output",),
        )
    return Plan(nodes=nodes, node_settings={NodePath("//n1"): {"retries": 2}})


def written(store: LocalArtifactStore, plan: Plan, created_at: str = "2026-01-01T00:00:00.000000Z") -> Recipe:
    recipe = Recipe(
        session_id=S,
        habitat="hello",
        created_at=created_at,
        code={"digest": "0"},
        settings={"engine": "process"},
        overrides={"client": None, "other": {"value": 1}},
        inputs={},
        node_count=len(plan.nodes),
    )
    return write_recipe(store, recipe, plan=plan, code={"files": {"a.py": "1"}})


def test_what_was_written_is_read_again(store: LocalArtifactStore) -> None:
    plan = plan_of(300)
    recipe = written(store, plan)
    assert read_recipe(store, S) == recipe
    assert read_plan(store, recipe) == plan
    assert list(read_plan(store, recipe).nodes) == list(plan.nodes)
    assert read_code(store, recipe) == {"files": {"a.py": "1"}}


def test_a_worker_finds_its_node_in_one_shard(store: LocalArtifactStore, tmp_path: Path) -> None:
    plan = plan_of(300)
    recipe = written(store, plan)
    wanted = NodePath("//n1")
    kept = f"plan-{shard_of(wanted, len(recipe.shards)):04d}-"
    for file in (tmp_path / "store").rglob("plan-*.json"):
        if not file.name.startswith(kept):
            file.unlink()
    assert read_planned_node(store, recipe, wanted) == (plan.nodes[wanted], {"retries": 2})


def test_a_node_that_there_is_none_of_is_none(store: LocalArtifactStore) -> None:
    assert read_planned_node(store, written(store, plan_of(3)), NodePath("//other")) is None


def test_shards_grow_with_the_plan_up_to_a_bound() -> None:
    assert [shard_count_of(size) for size in (0, 1, 127, 300, 100_000)] == [1, 1, 1, 4, SHARDS_MAX]


def test_an_id_is_used_once(store: LocalArtifactStore) -> None:
    written(store, plan_of(1))
    with pytest.raises(SessionExistsError):
        written(store, plan_of(2), created_at="2027-01-01T00:00:00.000000Z")
    assert read_recipe(store, S).node_count == 1


def test_there_is_no_session_without_a_header(store: LocalArtifactStore, tmp_path: Path) -> None:
    written(store, plan_of(1))
    (tmp_path / "store" / keys.recipe_key(S)).unlink()
    with pytest.raises(UnknownSessionError):
        read_recipe(store, S)
    assert written(store, plan_of(2)).node_count == 2


@pytest.mark.parametrize("name", ["plan-0000", "index", "code"])
def test_a_document_that_was_altered_is_refused(store: LocalArtifactStore, tmp_path: Path, name: str) -> None:
    recipe = written(store, plan_of(3))
    (file,) = (tmp_path / "store").rglob(f"{name}-*.json")
    file.write_bytes(file.read_bytes().replace(b'"', b" ", 1))
    with pytest.raises(RecipeAlteredError, match="is not what the header lists"):
        read_plan(store, recipe) if name != "code" else read_code(store, recipe)
    file.unlink()
    with pytest.raises(RecipeAlteredError, match="it is missing"):
        read_plan(store, recipe) if name != "code" else read_code(store, recipe)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"oneml.recipe/1", b"oneml.recipe/2"),
        (b'"node_count":3', b'"node_count":"3"'),
        (b'"habitat"', b'"habitta"'),
        (b'"session_id":"s1"', b'"session_id":"s2"'),
        (b'"shards":[', b'"shards":[1,'),
    ],
)
def test_a_header_that_is_none_of_ours_is_refused(
    store: LocalArtifactStore, tmp_path: Path, old: bytes, new: bytes
) -> None:
    written(store, plan_of(3))
    file = tmp_path / "store" / keys.recipe_key(S)
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new))
    with pytest.raises(InvalidDocumentError, match="recipe of session s1"):
        read_recipe(store, S)
