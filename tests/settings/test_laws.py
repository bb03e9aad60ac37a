"""Laws of settings, held for whatever is given: precedence, merging, and one meaning on driver and worker."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict

from oneml.habitats.settings.checks import unknown_names
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.shapes import combined, leaves, merged, value_at
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources
from oneml.habitats.values.json_value import canonical_json, json_object
from oneml.habitats.values.node_path import NodePath


class Deep(BaseModel):
    rate: float = 0.5
    labels: dict[str, int] = {}


class Inner(BaseModel):
    c: list[int] = [1]
    word: str = "w"
    deep: Deep = Deep()


class Model(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="LAWS_")
    seed: int = 7
    word: str | None = None
    inner: Inner = Inner(word="default")
    maybe: Inner | None = None


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\$'\"`#"), max_size=8)
DEEP = st.fixed_dictionaries(
    {}, optional={"rate": st.floats(-9, 9), "labels": st.dictionaries(st.text("abc", min_size=1), st.integers(0, 9))}
)
INNER = st.fixed_dictionaries({}, optional={"c": st.lists(st.integers(-9, 9), max_size=3), "word": TEXTS, "deep": DEEP})
RESERVED = {
    "retries": st.integers(0, 9),
    "image": st.none() | TEXTS,
    "resources": st.fixed_dictionaries({}, optional={"gpus": st.integers(0, 3), "cpus": st.floats(1, 9)}),
    "serializers": st.dictionaries(st.text("abc", min_size=1), TEXTS, max_size=2),
}
OWN = {"seed": st.integers(-99, 99), "word": st.none() | TEXTS, "inner": INNER, "maybe": st.none() | INNER}
TREES = st.fixed_dictionaries({}, optional=OWN | RESERVED)
PROCESS_LAYERS = ("user", "project", "environment")
SESSION_LAYERS = ("file", "code", "set")


def _toml(tree: Mapping[str, Any]) -> str:
    """Write a tree as one inline table; TOML has no null."""
    if isinstance(tree, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in tree.items()) + "}"
    return json.dumps(tree, ensure_ascii=False)


def _without_null(tree: Any) -> Any:
    return {k: _without_null(v) for k, v in tree.items() if v is not None} if isinstance(tree, Mapping) else tree


def _variables(tree: Mapping[str, Any]) -> dict[str, str]:
    prefixes = {name: "ONEML_SETTINGS__" if name in RESERVED else "LAWS_" for name in tree}
    return {
        f"{prefixes[name]}{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in tree.items()
        if value != "null"
    }


def _lines(tree: Mapping[str, Any]) -> list[str]:
    return [f"{json.dumps(name)} = {_toml(value)}" for name, value in _without_null(tree).items()]


def _resolve(
    folder: Path, given: Mapping[str, Mapping[str, Any]], nodes: Mapping[str, Any]
) -> EffectiveSettings[Model]:
    files = {"project": "oneml.toml", "user": "settings.toml", "file": "given.toml"}
    for layer, name in files.items():
        head = [] if layer == "file" else ["[habitats.laws]"]
        (folder / name).write_text("\n".join([*head, *_lines(given[layer])]), encoding="utf-8")
    assignments = [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in given["set"].items()
    ]
    return resolve_settings(
        Model,
        habitat="laws",
        session={**given["code"], "nodes": nodes},
        command_line=CommandLineSettings(file=folder / "given.toml", assignments=assignments),
        sources=ProcessSources(environ=_variables(given["environment"]), working_directory=folder, user_config=folder),
    )


def _seen(layer: str, tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a layer can say of ``tree``: a file has no null, a text "null" means None in texts."""
    if layer in {"user", "project", "file"}:
        return _without_null(tree)
    if layer == "environment":
        return {name: value for name, value in tree.items() if value != "null"}
    if layer == "set":
        return {name: None if value == "null" else value for name, value in tree.items()}
    return tree


LAYERS = st.fixed_dictionaries(dict.fromkeys((*PROCESS_LAYERS, *SESSION_LAYERS), TREES))
NODES = st.dictionaries(st.sampled_from(["//a", "//a/b", "//a/b/c", "//z"]), TREES, max_size=3)
ENVIRONMENTS = st.dictionaries(
    st.sampled_from(["LAWS_SEED", "LAWS_WORD", "LAWS_INNER__WORD", "ONEML_SETTINGS__RETRIES", "ONEML_SETTINGS__X"]),
    TEXTS,
)


@settings(deadline=None, max_examples=60)
@given(LAYERS, NODES)
def test_each_value_is_the_one_of_the_highest_layer_that_gives_it(
    given: Mapping[str, Mapping[str, Any]], nodes: Mapping[str, Any]
) -> None:
    with TemporaryDirectory() as folder:
        effective = _resolve(Path(folder), given, nodes)
    path = "//a/b/c"
    order: Sequence[Mapping[str, Any]] = [
        *(_seen(layer, given[layer]) for layer in (*PROCESS_LAYERS, *SESSION_LAYERS)),
        *(nodes[upper] for upper in ("//a", "//a/b", "//a/b/c") if upper in nodes),
    ]
    for leaf in leaves(Model, effective.values(path)):
        assert leaf.value == _expected(order, leaf.name), leaf.name


def _expected(order: Sequence[Mapping[str, Any]], name: tuple[str, ...]) -> Any:
    value: Any = value_at(Model().model_dump(mode="json"), name)
    fallback: Any = value_at({"maybe": Inner().model_dump(mode="json")}, name)
    for tree in order:
        here: Any = tree
        for index, segment in enumerate(name):
            if not isinstance(here, Mapping):
                # A model was unset here: what is set in it later starts from its own defaults.
                value = fallback
                break
            if segment not in here:
                # Something else of an optional model that was unset is set.
                value = fallback if index and name[0] == "maybe" and value is None else value
                break
            here = here[segment]
        else:
            value = here
    return value


@settings(deadline=None, max_examples=60)
@given(LAYERS, NODES, TREES, ENVIRONMENTS)
def test_a_worker_has_what_the_driver_has_whatever_its_environment(
    given: Mapping[str, Mapping[str, Any]],
    nodes: Mapping[str, Any],
    author: Mapping[str, Any],
    environ: Mapping[str, str],
) -> None:
    with TemporaryDirectory() as folder:
        driver = _resolve(Path(folder), given, nodes)
    document = json_object(canonical_json(driver.snapshot()), what="recipe", limit_bytes=65_536)
    worker = EffectiveSettings.from_snapshot(Model, document, environ, driver.node_entry_documents())
    assert worker.process == driver.process
    assert worker.session == driver.session
    assert worker.process_key == driver.process_key
    for path in map(NodePath, ("//a", "//a/b", "//a/b/c", "//z", "//other")):
        assert worker.node(path, author) == driver.node(path, author)
        assert _layers_of(worker, path, author) == _layers_of(driver, path, author)
    assert canonical_json(worker.snapshot()) == canonical_json(driver.snapshot())


def _layers_of(found: EffectiveSettings[Model], path: NodePath, author: Mapping[str, Any]) -> dict[str, Layer]:
    return {name: origin.layer for name, origin in found.origins(path, author).items()}


@given(TREES, TREES, TREES)
def test_merging_is_associative_and_repeating_it_changes_nothing(
    a: Mapping[str, Any], b: Mapping[str, Any], c: Mapping[str, Any]
) -> None:
    for put in (merged, combined):
        assert put(Model, put(Model, a, b), b) == put(Model, a, b)
        assert put(Model, {}, a) == put(Model, a, {}) == a
    with_objects = [_without_null(tree) for tree in (a, b, c)]
    x, y, z = with_objects
    assert merged(Model, merged(Model, x, y), z) == merged(Model, x, merged(Model, y, z))


@given(TREES)
def test_a_tree_of_known_names_has_no_unknown_one(tree: Mapping[str, Any]) -> None:
    assert list(unknown_names(Model, tree)) == []
