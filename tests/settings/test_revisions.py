"""Revisions: changes to the process while sessions run, above its other layers, below sessions and nodes."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import SecretUnavailableError, SettingsError, UnknownSettingError
from oneml.habitats.settings.differences import environment_differences
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.explanations import setting_explanations
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.json_value import canonical_json, json_object

if TYPE_CHECKING:
    from conftest import Machine


class Train(BaseModel):
    c: list[float] = [0.1]
    iterations: int = 200


class Changing(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="CHANGING_")
    seed: int = 7
    word: str | None = None
    train: Train = Train(iterations=5)
    maybe: Train | None = None
    token: SecretStr | None = None
    stamp: str = Field(default_factory=lambda: str(id(object())))


SOURCE = "oneml settings change"


def test_a_change_stands_above_the_environment(machine: "Machine") -> None:
    machine.environ |= {"CHANGING_SEED": "1", "ONEML_SETTINGS__RETRIES": "1"}
    before = machine.resolve(Changing)
    after = before.revised({"seed": 2, "train": {"c": [3]}}, source=SOURCE)
    assert (after.process.seed, after.session.seed, after.node("//a").seed) == (2, 2, 2)
    assert (after.process.train.c, after.process.train.iterations, after.process.retries) == ([3.0], 5, 1)
    assert before.process.seed == 1
    assert after.origins()["seed"].layer is Layer.REVISION
    assert after.origins()["seed"].source == SOURCE
    (told,) = setting_explanations(after, names=["seed"])
    assert [told.value, *(item.value for item in told.hidden)] == [2, "1", 7]


@pytest.mark.parametrize("how", ["file", "code", "set"])
def test_what_a_session_sets_stands_above_a_change(machine: "Machine", how: str) -> None:
    given: dict[str, Any] = {
        "file": {"file": machine.file("seed = 5\n")},
        "code": {"session": {"seed": 5}},
        "set": {"assignments": ["seed=5"]},
    }[how]
    after = machine.resolve(Changing, **given).revised({"seed": 2}, source=SOURCE)
    assert (after.process.seed, after.session.seed) == (2, 5)


def test_what_authors_and_entries_give_for_a_node_stands_above_a_change(machine: "Machine") -> None:
    after = machine.resolve(Changing, assignments=["//b:seed=4"]).revised({"seed": 2, "retries": 9}, source=SOURCE)
    assert (after.node("//a", {"seed": 3}).seed, after.node("//b").seed) == (3, 4)
    assert after.node("//b").retries == 9


def test_a_later_change_keeps_what_an_earlier_one_set(machine: "Machine") -> None:
    first = machine.resolve(Changing).revised({"seed": 2, "train": {"c": [1]}}, source="first")
    second = first.revised({"train": {"iterations": 9}, "seed": 3}, source="second")
    assert (second.session.seed, second.session.train) == (3, Train(c=[1], iterations=9))
    origins = second.origins()
    sources = [origins[name].source for name in ("seed", "train.c", "train.iterations")]
    assert sources == ["second", "first", "second"]
    assert [layer.layer for layer in second.layers.process] == [Layer.REVISION]


def test_values_that_nothing_changes_stay_even_if_a_default_would_be_another_now(machine: "Machine") -> None:
    before = machine.resolve(Changing)
    assert before.revised({"seed": 2}, source=SOURCE).session.stamp == before.session.stamp


def test_what_was_unset_begins_from_its_own_defaults(machine: "Machine") -> None:
    after = machine.resolve(Changing).revised({"maybe": {"c": [1]}, "word": "x"}, source=SOURCE)
    assert after.session.maybe == Train(c=[1], iterations=200)
    assert after.revised({"maybe": None}, source=SOURCE).session.maybe is None


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"sede": 1}, UnknownSettingError, 'mean "seed"'),
        ({"train": {"itrations": 1}}, UnknownSettingError, 'mean "iterations"'),
        ({"nodes": {"//a": {"seed": 1}}}, UnknownSettingError, "nodes"),
        ({"seed": "many"}, SettingsError, rf"^seed: Input should be a valid integer.*\({SOURCE}\)"),
        ({"seed": object()}, SettingsError, "has no form in JSON"),
        ({"token": "canary"}, SettingsError, "token: is a secret: give a reference"),
        ({"token": SecretStr("canary")}, SettingsError, "holds a secret itself"),
        ({"token": "env:NOT_SET"}, SecretUnavailableError, "NOT_SET is not set"),
        ({"store": "file:///elsewhere"}, SettingsError, 'only "memory:" may stand here'),
    ],
)
def test_a_change_is_checked_as_everything_else_is(
    machine: "Machine", change: Mapping[str, object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised:
        machine.resolve(Changing).revised(change, source=SOURCE)
    assert "canary" not in f"{raised.value!r}{raised.value}"


def test_the_fields_that_changed_are_told_by_name(machine: "Machine") -> None:
    before = machine.resolve(Changing, assignments=["word=mine"])
    after = before.revised({"train": {"c": [3]}, "seed": 7, "maybe": {"c": [1]}, "word": "theirs"}, source=SOURCE)
    assert before.changed_fields(after) == {"train.c", "maybe", "maybe.c", "maybe.iterations", "word"}
    assert before.changed_fields(before.revised({}, source=SOURCE)) == frozenset()


def test_a_worker_has_the_change_and_tells_no_difference_for_what_it_covers(machine: "Machine") -> None:
    machine.environ |= {"CHANGING_SEED": "1"}
    driver = machine.resolve(Changing, assignments=["//a:retries=1"]).revised({"seed": 2}, source=SOURCE)
    worker = _worker(driver)
    assert worker.node("//a") == driver.node("//a")
    assert worker.session == driver.session
    assert environment_differences(worker, {"CHANGING_SEED": "5"}) == []
    assert [d.name for d in environment_differences(worker, {"CHANGING_SEED": "1", "CHANGING_WORD": "x"})] == [
        "CHANGING_WORD"
    ]


def test_a_driver_that_read_a_recipe_can_change_it_too(machine: "Machine") -> None:
    driver = machine.resolve(Changing, assignments=["//a:seed=3"])
    there, here = (one.revised({"seed": 2}, source=SOURCE) for one in (driver, _worker(driver)))
    assert canonical_json(there.snapshot()) == canonical_json(here.snapshot())
    assert there.node("//a") == here.node("//a")


def _worker(driver: EffectiveSettings[Changing]) -> EffectiveSettings[Changing]:
    document = json_object(canonical_json(driver.snapshot()), what="recipe", limit_bytes=65_536)
    entries = json.loads(canonical_json(driver.node_entry_documents()))
    return EffectiveSettings.from_snapshot(Changing, document, {}, entries)


TRAIN = st.fixed_dictionaries(
    {}, optional={"c": st.lists(st.floats(-9, 9), max_size=2), "iterations": st.integers(0, 9)}
)
TREES = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(-9, 9),
        "word": st.none() | st.text("abc"),
        "train": TRAIN,
        "retries": st.integers(0, 9),
    },
)


@settings(deadline=None, max_examples=60)
@given(st.tuples(TREES, TREES, TREES, TREES, TREES))
def test_each_value_is_that_of_the_highest_layer_that_gives_it(trees: tuple[Mapping[str, Any], ...]) -> None:
    environment, first, second, code, author = trees
    effective = _resolved(environment, code).revised(first, source="1").revised(second, source="2")
    process, session = (environment, first, second), (environment, first, second, code)
    for found, order in (
        (effective.process_values, process),
        (effective.values(), session),
        (effective.values("//a", author), (*session, author)),
    ):
        assert found["seed"] == _last(order, "seed", default=7)
        assert found["word"] == _last(order, "word", default=None)
        assert found["retries"] == _last(order, "retries", default=0)
        inner: Any = found["train"]
        for name, default in (("c", [0.1]), ("iterations", 5)):
            assert inner[name] == _last([tree.get("train", {}) for tree in order], name, default=default)


@settings(deadline=None, max_examples=60)
@given(TREES, TREES, TREES, TREES)
def test_two_changes_are_one_that_says_both(
    environment: Mapping[str, Any], code: Mapping[str, Any], first: Mapping[str, Any], second: Mapping[str, Any]
) -> None:
    start = _resolved(environment, code)
    twice = start.revised(first, source="x").revised(second, source="x")
    both = {**first, **second, "train": {**first.get("train", {}), **second.get("train", {})}}
    at_once = start.revised(both, source="x")
    assert twice.values() == at_once.values()
    assert twice.process_values == at_once.process_values
    assert twice.changed_fields(at_once) == frozenset()
    assert (start.changed_fields(twice) == frozenset()) is (
        start.values() == twice.values() and start.process_values == twice.process_values
    )


def _last(order: Any, name: str, *, default: object) -> object:
    return next((tree[name] for tree in reversed(order) if name in tree), default)


def _resolved(environment: Mapping[str, Any], code: Mapping[str, Any]) -> EffectiveSettings[Changing]:
    from pathlib import Path

    from oneml.habitats.settings.resolve import resolve_settings
    from oneml.habitats.settings.sources import ProcessSources

    environ = {
        ("ONEML_SETTINGS__" if name == "retries" else "CHANGING_") + name.upper(): value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in environment.items()
    }
    nowhere = Path("/nonexistent")
    return resolve_settings(
        Changing, habitat="x", session=code, sources=ProcessSources(environ=environ, working_directory=nowhere)
    )
