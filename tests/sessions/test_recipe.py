"""Recipes: written once, read by header and shard, and distrusted where they were altered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneml.habitats.errors import (
    InvalidDocumentError,
    RecipeAlteredError,
    RecipeTooLargeError,
    SessionExistsError,
    SignatureRefusedError,
    UnknownSessionError,
)
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.plan_shards import (
    SHARDS_MAX,
    NodeRecord,
    ProviderRecord,
    Shard,
    plan_index,
    plan_shards,
    read_entries,
    read_plan,
    shard_count_of,
    shard_of,
)
from oneml.habitats.sessions.recipe import Recipe, read_code, read_explanation, read_recipe, write_recipe
from oneml.habitats.sessions.signatures import sealed
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import LiteralSource, Plan, PlannedNode, PortSource
from oneml.habitats.values.session_id import SessionId

S = SessionId("s1")
KEY = b"k" * 32
OTHER_KEY = b"o" * 32
BODY = ProviderRecord("g" * 64, "c" * 64, "o" * 64)


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
            label=f"n={number}",
        )
    return Plan(nodes=nodes, node_settings={NodePath("//n1"): {"retries": 2}})


def recipe_of(plan: Plan, **fields: Any) -> Recipe:
    given: dict[str, Any] = {
        "session_id": S,
        "habitat": "hello",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "target": "hello:Hello",
        "container": "hello:Hello",
        "python": "3.11",
        "code": "0",
        "settings_schema": "1",
        "settings": {"engine": "process"},
        "overrides": {"client": None, "other": {"value": 1}},
        "node_count": len(plan.nodes),
    }
    return Recipe(**{**given, **fields})


def written(store: LocalArtifactStore, plan: Plan, *, key: bytes | None = None, **fields: Any) -> Recipe:
    return write_recipe(
        store,
        recipe_of(plan, **fields),
        documents={"code": canonical_json({"files": {"a.py": "1"}}), "index": plan_index(plan)},
        shards=plan_shards(
            plan,
            fingerprint_of=lambda node, _: f"of {node.path}",
            provider_of=lambda _: BODY,
            secrets_of=lambda node: {"token": "5" * 64} if node.path == "//n1" else {},
            entries={"//n1": [{"layer": "--set"}]},
        ),
        explanations={"graph": canonical_json({"providers": {}})},
        key=key,
    )


def read_node(store: LocalArtifactStore, recipe: Recipe, path: NodePath) -> NodeRecord | None:
    return Shard(store, recipe, shard_of(path, len(recipe.shards))).record(path)


def test_what_was_written_is_read_again(store: LocalArtifactStore) -> None:
    plan = plan_of(300)
    recipe = written(store, plan)
    assert read_recipe(store, S) == recipe
    found, providers = read_plan(store, recipe)
    assert found == plan
    assert list(found.nodes) == list(plan.nodes)
    assert providers == {"body": BODY}
    assert read_code(store, recipe) == {"files": {"a.py": "1"}}
    assert read_explanation(store, recipe, "graph") == {"providers": {}}
    assert read_entries(store, recipe) == {"//n1": [{"layer": "--set"}]}


def test_a_worker_finds_its_node_in_one_shard(store: LocalArtifactStore, tmp_path: Path) -> None:
    plan = plan_of(300)
    recipe = written(store, plan)
    wanted = NodePath("//n1")
    kept = f"plan-{shard_of(wanted, len(recipe.shards)):04d}-"
    for file in (tmp_path / "store").rglob("plan-*.json"):
        if not file.name.startswith(kept):
            file.unlink()
    record = read_node(store, recipe, wanted)
    assert record is not None
    assert (record.node, record.author) == (plan.nodes[wanted], {"retries": 2})
    assert (record.fingerprint, record.provider) == ("of //n1", BODY)
    assert record.secrets == {"token": "5" * 64}
    assert record.entries == {"//n1": [{"layer": "--set"}]}


def test_a_shard_holds_the_entries_of_its_own_nodes_alone(store: LocalArtifactStore) -> None:
    recipe = written(store, plan_of(300))
    own = shard_of(NodePath("//n1"), len(recipe.shards))
    elsewhere = next(path for n in range(300) if shard_of(path := NodePath(f"//n{n}"), len(recipe.shards)) != own)
    record = read_node(store, recipe, elsewhere)
    assert record is not None
    assert record.entries == {}


def test_a_node_that_the_plan_has_not_is_not_found(store: LocalArtifactStore) -> None:
    assert read_node(store, written(store, plan_of(3)), NodePath("//other")) is None


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


def test_a_header_that_workers_would_not_read_is_not_written(store: LocalArtifactStore) -> None:
    with pytest.raises(RecipeTooLargeError):
        written(store, plan_of(1), settings={"text": "x" * 70_000})
    with pytest.raises(UnknownSessionError):
        read_recipe(store, S)


def test_sessions_of_the_same_code_share_explanations(store: LocalArtifactStore, tmp_path: Path) -> None:
    for name in ("s1", "s2"):
        written(store, plan_of(1), session_id=SessionId(name))
    assert len(list((tmp_path / "store" / "explanations").iterdir())) == 1


READERS: dict[str, Callable[[LocalArtifactStore, Recipe], object]] = {
    "plan-0000": read_plan,
    "index": read_plan,
    "code": read_code,
    "graph": lambda store, recipe: read_explanation(store, recipe, "graph"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_document_that_was_altered_is_refused(store: LocalArtifactStore, tmp_path: Path, name: str) -> None:
    recipe = written(store, plan_of(3), session_id=SessionId(name))
    (file,) = (tmp_path / "store").rglob(f"{name}-*.json")
    file.write_bytes(file.read_bytes().replace(b'"', b" ", 1))
    with pytest.raises(RecipeAlteredError, match="is not what the header lists"):
        READERS[name](store, recipe)
    file.unlink()
    if name in recipe.explanations:
        assert READERS[name](store, recipe) == {}
        return
    with pytest.raises(RecipeAlteredError, match="it is missing"):
        READERS[name](store, recipe)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"node_count":3', b'"node_count":4'),
        (b'"engine":"process"', b'"engine":"threads"'),
        (b'"habitat":"hello"', b'"habitat":"hallo"'),
        (b'"python":"3.11"', b'"python":"3.12"'),
    ],
)
def test_a_header_that_was_altered_is_refused(
    store: LocalArtifactStore, tmp_path: Path, old: bytes, new: bytes
) -> None:
    written(store, plan_of(3))
    file = tmp_path / "store" / keys.recipe_key(S)
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new))
    with pytest.raises(RecipeAlteredError, match="recipe of session s1 cannot be trusted"):
        read_recipe(store, S)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "oneml.recipe/2"),
        ("node_count", "3"),
        ("habitat", None),
        ("session_id", "s2"),
        ("shards", [1]),
        ("settings", []),
        ("overrides", {"a": 3}),
        ("unproven", "all"),
        ("documents", {"code": None}),
    ],
)
def test_a_header_that_is_none_of_ours_is_refused(
    store: LocalArtifactStore, tmp_path: Path, key: str, value: object
) -> None:
    file = rewritten(store, tmp_path, lambda header: header | {key: value})
    assert file.exists()
    with pytest.raises(InvalidDocumentError, match="recipe of session s1"):
        read_recipe(store, S)


def rewritten(store: LocalArtifactStore, tmp_path: Path, alter: Callable[[Any], Any]) -> Path:
    """Alter a header, and give it the checksum of what it is then."""
    written(store, plan_of(3))
    file = tmp_path / "store" / keys.recipe_key(S)
    header = json.loads(file.read_bytes())
    del header["checksum"]
    file.write_bytes(canonical_json(sealed(alter(header), None)))
    return file


@pytest.mark.parametrize("data", [b"", b"{", b"[1,2]"])
def test_a_header_that_was_cut_off_is_refused(store: LocalArtifactStore, tmp_path: Path, data: bytes) -> None:
    written(store, plan_of(3))
    (tmp_path / "store" / keys.recipe_key(S)).write_bytes(data)
    with pytest.raises(RecipeAlteredError, match="Create the session anew"):
        read_recipe(store, S)


def test_what_is_signed_is_read_with_the_key_and_without_one(store: LocalArtifactStore) -> None:
    recipe = written(store, plan_of(3), key=KEY)
    assert read_recipe(store, S, key=KEY) == recipe
    assert read_recipe(store, S) == recipe


def test_what_is_not_signed_is_refused_where_a_key_is_configured(store: LocalArtifactStore) -> None:
    written(store, plan_of(3))
    with pytest.raises(SignatureRefusedError, match="it is not signed"):
        read_recipe(store, S, key=KEY)


def test_what_another_key_signed_is_refused(store: LocalArtifactStore) -> None:
    written(store, plan_of(3), key=OTHER_KEY)
    with pytest.raises(SignatureRefusedError, match="signed by the key"):
        read_recipe(store, S, key=KEY)


@pytest.mark.parametrize(
    "forged",
    [
        lambda header: header | {"habitat": "hallo"},
        lambda header: header | {"signature": header["signature"] | {"value": "0" * 64}},
        lambda header: header | {"signature": header["signature"] | {"algorithm": "none"}},
        lambda header: header | {"signature": []},
        lambda header: {name: value for name, value in header.items() if name != "signature"},
    ],
)
def test_a_signed_header_cannot_be_forged(
    store: LocalArtifactStore, tmp_path: Path, forged: Callable[[Any], Any]
) -> None:
    written(store, plan_of(3), key=KEY)
    file = tmp_path / "store" / keys.recipe_key(S)
    header = forged(json.loads(file.read_bytes()))
    signature = header.pop("signature", None)
    del header["checksum"]
    again = dict(sealed(header, None))
    file.write_bytes(canonical_json(again if signature is None else again | {"signature": signature}))
    with pytest.raises(SignatureRefusedError):
        read_recipe(store, S, key=KEY)


def test_the_key_is_nowhere_in_the_store(store: LocalArtifactStore, tmp_path: Path) -> None:
    written(store, plan_of(3), key=KEY)
    for file in (tmp_path / "store").rglob("*"):
        assert not file.is_file() or (KEY not in file.read_bytes() and KEY.hex().encode() not in file.read_bytes())
