"""Explanations: the value in force, the file and line or variable that gave it, and everything that it hid."""

import copy
import json
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, create_model
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import InvalidDocumentError, SettingsError, UnknownSettingError
from oneml.habitats.settings.default_places import default_place
from oneml.habitats.settings.explanations import Explanation, recorded_explanations, setting_explanations
from oneml.habitats.settings.layers import Layer, sets
from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.json_value import canonical_json

if TYPE_CHECKING:
    from conftest import Machine


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0)
    iterations: int = 200


class Base(PipelineSettings):
    inherited: int = 1


class Digits(Base):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7
    required: int = 0
    train: Train = Train(iterations=100)
    maybe: Train | None = None
    token: SecretStr | None = None


def _line_of(text: str, file: str = __file__) -> str:
    """Return where the only line that contains ``text`` stands in a file."""
    numbers = [number for number, line in enumerate(Path(file).read_text().splitlines(), 1) if line.strip() == text]
    assert len(numbers) == 1, text
    return f"{file}:{numbers[0]}"


def _here() -> str:
    frame = sys._getframe(1)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _told(explanation: Explanation) -> list[tuple[str, str, object]]:
    first = (explanation.origin.layer.value, explanation.origin.source, explanation.value)
    return [first, *((item.origin.layer.value, item.origin.source, item.value) for item in explanation.hidden)]


def test_a_value_names_its_layer_its_place_and_all_that_it_hides(machine: "Machine") -> None:
    user = machine.user("[habitats.digits-training]\nseed = 1\n")
    project = machine.project("\n[habitats.digits-training]\nseed = 2\n")
    dotenv = machine.dotenv("X=1\nDIGITS_SEED=3\n")
    machine.environ["DIGITS_SEED"] = "4"
    given = machine.file('seed = 6\n[nodes."//a"]\nseed = 10\n')
    effective = machine.resolve(Digits, file=given, assignments=["seed=8", "//a:seed=11"])
    effective = effective.revised({"seed": 5}, source="oneml settings change")
    (told,) = setting_explanations(effective, "//a", {"seed": 9}, ["seed"], author_source="pipeline.py:12")
    assert _told(told) == [
        ("--set", "--set //a:seed=11", 11),
        ("--settings", f"{given}:3", 10),
        ("node default", "pipeline.py:12", 9),
        ("--set", "--set seed=8", 8),
        ("--settings", f"{given}:1", 6),
        ("change", "oneml settings change", 5),
        ("environment", "DIGITS_SEED", "4"),
        (".env", f"{dotenv}:2", "3"),
        ("oneml.toml", f"{project}:3", 2),
        ("user file", f"{user}:2", 1),
        ("default", _line_of("seed: int = 7"), 7),
    ]
    assert told.origin.node == "//a"


def test_what_nothing_sets_is_told_with_the_line_of_its_default(machine: "Machine") -> None:
    told = {item.name: item for item in setting_explanations(machine.resolve(Digits))}
    assert {item.origin.layer for item in told.values()} == {Layer.DEFAULT}
    assert not any(item.hidden for item in told.values())
    assert told["seed"].origin.source == _line_of("seed: int = 7")
    assert told["inherited"].origin.source == _line_of("inherited: int = 1")
    assert told["train.c"].origin.source == _line_of("c: tuple[float, ...] = (0.1, 1.0)")
    assert told["train.iterations"].origin.source == _line_of("train: Train = Train(iterations=100)")
    assert told["maybe"].origin.source == _line_of("maybe: Train | None = None")
    models = sys.modules[PipelineSettings.__module__].__file__
    assert told["resources.cpus"].origin.source.startswith(f"{models}:")
    assert told["engine"].origin.source.startswith(f"{models}:")


def test_a_setting_without_a_default_hides_none(machine: "Machine") -> None:
    class Needy(PipelineSettings):
        model_config = SettingsConfigDict(env_prefix="NEEDY_")
        required: int

    machine.environ["NEEDY_REQUIRED"] = "1"
    (told,) = setting_explanations(machine.resolve(Needy), names=["required"])
    assert _told(told) == [("environment", "NEEDY_REQUIRED", 1)]


def test_a_class_without_source_has_no_place_of_its_defaults(machine: "Machine") -> None:
    made = create_model("Made", __base__=PipelineSettings, x=(int, 1))
    (told,) = setting_explanations(machine.resolve(made), names=["x"])
    assert told.origin == (Layer.DEFAULT, "", None)


def test_a_class_in_a_function_is_found_too() -> None:
    class Local(PipelineSettings):
        only_here: int = 1

    assert default_place(Local, ("only_here",)) == _line_of("only_here: int = 1")


def test_code_is_named_by_the_line_that_gave_the_mapping(machine: "Machine") -> None:
    given, sources = {"seed": 3, "nodes": {"//a": {"seed": 4}}}, machine.sources
    effective, line = resolve_settings(Digits, habitat="x", session=given, sources=sources), _here()
    for path in (None, "//a"):
        (told,) = setting_explanations(effective, path, names=["seed"])
        assert (told.origin.layer, told.origin.source) == (Layer.CODE, line)


def test_a_model_of_settings_is_named_by_the_line_that_made_it(machine: "Machine") -> None:
    on_a, line_of_a = PipelineNodeSettings(retries=1), _here()
    session, line = PipelineSessionSettings(retries=2, nodes={"//a": on_a}), _here()
    effective = machine.resolve(Digits, session=session)
    for path, expected in ((None, line), ("//a", line_of_a)):
        (told,) = setting_explanations(effective, path, names=["retries"])
        assert told.origin.source == expected
    assert (session.source, on_a.source) == (line, line_of_a)


def test_where_settings_were_made_is_no_part_of_them() -> None:
    one = PipelineNodeSettings(retries=1)
    other = PipelineNodeSettings(retries=1)
    assert one.source != other.source
    assert one == other
    assert pickle.dumps(one) == pickle.dumps(other)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one  # noqa: S301  # our own
    assert "test_explanations" not in f"{one!r}{one.entries()}{one.model_dump()}"


def test_a_mistake_in_code_is_named_by_its_line(machine: "Machine") -> None:
    with pytest.raises(SettingsError) as raised:
        PipelineNodeSettings(retries=-1)
    assert raised.value.problems[0].source.startswith(f"{__file__}:")
    with pytest.raises(UnknownSettingError) as unknown:
        resolve_settings(Digits, habitat="x", session={"sede": 3}, sources=machine.sources)
    assert unknown.value.problems[0].source.startswith(f"{__file__}:")


def test_a_relative_file_is_told_so_that_it_is_found(machine: "Machine", monkeypatch: pytest.MonkeyPatch) -> None:
    given = machine.file("seed = 6\n")
    monkeypatch.chdir(machine.work)
    (told,) = setting_explanations(machine.resolve(Digits, file=Path(given.name)), names=["seed"])
    assert told.origin.source == f"{given}:1"


def test_a_model_that_was_unset_hides_what_was_set_in_it(machine: "Machine") -> None:
    machine.environ["DIGITS_MAYBE__ITERATIONS"] = "5"
    effective = machine.resolve(Digits, session={"maybe": None}, assignments=["//a:maybe.c=[1]"])
    (told,) = setting_explanations(effective, names=["maybe"])
    assert (told.value, told.origin.layer) == (None, Layer.CODE)
    assert [item.value for item in told.hidden] == [{"iterations": "5"}, None]
    by_name = {item.name: item for item in setting_explanations(effective, "//a", names=["maybe.c", "maybe"])}
    assert by_name.keys() == {"maybe.c", "maybe.iterations"}
    assert by_name["maybe.c"].origin.source == "--set //a:maybe.c=[1]"
    assert [item.origin.layer for item in by_name["maybe.iterations"].hidden] == [Layer.ENVIRONMENT, Layer.DEFAULT]


def test_names_choose_settings_and_models_with_everything_in_them(machine: "Machine") -> None:
    effective = machine.resolve(Digits)
    assert [item.name for item in setting_explanations(effective, names=["train", "seed"])] == [
        "seed", "train.c", "train.iterations",
    ]  # fmt: skip
    assert [item.name for item in setting_explanations(effective, names=["maybe.c"])] == ["maybe"]
    for name in ("train.itrations", "sede", ""):
        with pytest.raises(UnknownSettingError):
            setting_explanations(effective, names=[name])


def test_a_secret_is_told_by_its_references(machine: "Machine") -> None:
    machine.environ |= {"DIGITS_TOKEN": "canary", "OTHER": "canary"}
    (told,) = setting_explanations(machine.resolve(Digits, assignments=["token=env:OTHER"]), names=["token"])
    assert told.secret
    assert [value for _, _, value in _told(told)] == ["env:OTHER", "env:DIGITS_TOKEN", None]
    assert "canary" not in repr(told)


def _json(document: object) -> Any:
    return json.loads(canonical_json(document))  # type: ignore[arg-type]


def test_a_session_of_the_past_is_explained_as_it_was_without_its_secrets(machine: "Machine") -> None:
    machine.user("[habitats.digits-training]\nseed = 1\ntrain.iterations = 9\n")
    machine.environ |= {"DIGITS_TOKEN": "canary", "DIGITS_REQUIRED": "5"}
    given = machine.file('required = 6\n[nodes."//a"]\nseed = 10\n')
    effective = machine.resolve(Digits, file=given, assignments=["//a/b:train.c=[3]"])
    author = {"retries": 2}
    here = setting_explanations(effective, "//a/b", author, author_source="p.py:1")
    snapshot, sources = _json(effective.snapshot()), _json(effective.snapshot_sources())
    entries = _json(effective.node_entry_documents())
    there = recorded_explanations(
        Digits, snapshot, sources, entries, path="//a/b", author=author, author_source="p.py:1"
    )
    assert [item.name for item in there] == [item.name for item in here]
    for ours, theirs in zip(here, there, strict=True):
        assert _json(theirs) == _json(ours)
    assert [item.name for item in recorded_explanations(Digits, snapshot, sources, names=["seed"])] == ["seed"]
    assert "canary" not in repr([snapshot, sources, entries, there])


def test_places_of_defaults_are_recorded_and_not_looked_for_again(
    machine: "Machine", monkeypatch: pytest.MonkeyPatch
) -> None:
    effective = machine.resolve(Digits)
    snapshot, sources = effective.snapshot(), effective.snapshot_sources()
    monkeypatch.setattr("oneml.habitats.settings.explanations.default_place", None)
    (told,) = recorded_explanations(Digits, snapshot, sources, names=["seed"])
    assert told.origin.source == _line_of("seed: int = 7")


@pytest.mark.parametrize(
    "damage",
    [
        {"process": []},
        {"session": [{}]},
        {"defaults": {"seed": 3}},
        {"defaults": []},
        {"nodes": []},
        {"nodes": {}},
        {"process": [{"seed": 3}]},
        {"process": None},
    ],
)
def test_sources_of_another_form_are_refused(machine: "Machine", damage: Mapping[str, Any]) -> None:
    machine.environ["DIGITS_SEED"] = "4"
    effective = machine.resolve(Digits, assignments=["//a:seed=1"])
    sources = {**effective.snapshot_sources(), **damage}
    with pytest.raises(InvalidDocumentError, match="The settings of the recipe cannot be read"):
        recorded_explanations(Digits, effective.snapshot(), sources, effective.node_entry_documents(), path="//a")


TREES = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(-9, 9),
        "train": st.fixed_dictionaries({}, optional={"iterations": st.integers(0, 9)}),
        "maybe": st.none() | st.fixed_dictionaries({}, optional={"iterations": st.integers(0, 9)}),
    },
)


@settings(deadline=None, max_examples=60)
@given(TREES, TREES, TREES, TREES)
def test_what_is_told_is_what_each_layer_says_in_their_order(
    change: Mapping[str, Any], code: Mapping[str, Any], author: Mapping[str, Any], entry: Mapping[str, Any]
) -> None:
    with TemporaryDirectory() as folder:
        sources = ProcessSources(environ={}, working_directory=Path(folder))
        effective = resolve_settings(Digits, habitat="x", session={**code, "nodes": {"//a": entry}}, sources=sources)
    effective = effective.revised(change, source="change")
    trees = (entry, author, code, change)
    for told in setting_explanations(effective, "//a", author):
        name = tuple(told.name.split("."))
        saying = [tree for tree in trees if sets(tree, name)]
        assert 1 + len(told.hidden) == len(saying) + 1
        assert (told.origin.layer is Layer.DEFAULT) is (not saying)
