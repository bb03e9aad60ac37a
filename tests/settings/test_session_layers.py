"""The layers of a session: a file, code and assignments, and how an assignment is read."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum, IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import InvalidNodePathError, SettingsError, UnknownSettingError
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.session import parse_assignment
from oneml.habitats.settings.text_values import text_value
from oneml.habitats.settings.variables import prefix_of

if TYPE_CHECKING:
    from conftest import Machine


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0)
    iterations: int = 200


class Client(BaseModel):
    url: str = "x"
    token: SecretStr | None = None


class Digits(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7
    name: str = "n"
    note: str | None = None
    train: Train = Train()
    client: Client = Client()


class Word(Enum):
    A = "a"


class Number(IntEnum):
    ONE = 1


def test_file_code_and_assignments_win_in_that_order_over_the_process(machine: "Machine") -> None:
    machine.environ |= {"DIGITS_SEED": "1", "DIGITS_NAME": "1", "DIGITS_TRAIN__ITERATIONS": "1", "DIGITS_NOTE": "1"}
    path = machine.file('seed = 2\nname = "2"\ntrain.iterations = 2\n')
    code = PipelineSessionSettings(fields={"seed": 3, "name": "3"})
    settings = machine.resolve(Digits, file=path, session=code, assignments=["seed=4"])
    session = settings.session
    assert (session.seed, session.name, session.train.iterations, session.note) == (4, "3", 2, "1")
    assert settings.process.seed == 1


@pytest.mark.parametrize("name", ["name", "seed", "//train:note"])
def test_an_assignment_that_is_no_unicode_is_refused_by_name(machine: "Machine", name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name.rpartition(':')[2]}: is not Unicode text"):
        machine.resolve(Digits, assignments=[f"{name}=\udcff"])


def test_a_session_that_sets_nothing_has_the_settings_of_the_process(machine: "Machine") -> None:
    settings = machine.resolve(Digits, file=machine.file(""), session={}, assignments=[])
    assert settings.session is settings.process


def test_code_may_give_reserved_and_own_fields_side_by_side(machine: "Machine") -> None:
    on_train: Mapping[str, object] = {"retries": 2, "train": Train(iterations=5)}
    nodes = {"//train": on_train, "//split": PipelineNodeSettings(image="x")}
    settings = machine.resolve(Digits, session={"seed": 3, "engine": "process", "nodes": nodes})
    assert (settings.session.seed, settings.session.engine) == (3, "process")
    assert settings.node("//train").train == Train(iterations=5)
    assert settings.node("//split").image == "x"


@pytest.mark.parametrize(
    ("session", "error", "message"),
    [
        ({"sede": 3}, UnknownSettingError, 'mean "seed"'),
        ({"nodes": {"//train": {"retires": 3}}}, UnknownSettingError, 'mean "retries"'),
        ({"nodes": {"//train": {"workers": 3}}}, SettingsError, "workers: is shared by the whole session"),
        ({"nodes": {"train": {"retries": 3}}}, InvalidNodePathError, "is not a node path"),
        ({"nodes": ["//train"]}, SettingsError, "nodes: must be a table"),
        ({"nodes": {"//train": 3}}, SettingsError, "//train: must be a table"),
        ({"store": "file:///x"}, SettingsError, "ONEML_STORE_URL"),
        ({"store": ["memory:"]}, SettingsError, "ONEML_STORE_URL"),
        ({"nodes": {"//train": {"store": "s3://x"}}}, SettingsError, "ONEML_STORE_URL"),
        ({"seed": object()}, SettingsError, "seed: is a object, which has no form in JSON"),
        ({"retries": -1}, SettingsError, "retries: Input should be greater than or equal to 0"),
        ({"client": {"token": "canary-value"}}, SettingsError, "client.token: is a secret: give a reference"),
    ],
)
def test_what_code_gives_wrongly_is_refused(
    machine: "Machine", session: Mapping[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        machine.resolve(Digits, session=session)
    assert "canary" not in str(raised.value)


def test_an_explicit_none_unsets_and_an_absent_one_does_not(machine: "Machine") -> None:
    machine.environ |= {"ONEML_SETTINGS__IMAGE": "x", "ONEML_SETTINGS__TIMEOUT_SECONDS": "5"}
    session = machine.resolve(Digits, session=PipelineSessionSettings(image=None)).session
    assert (session.image, session.timeout_seconds) == (None, 5.0)


def test_a_settings_file_gives_session_and_nodes(machine: "Machine") -> None:
    path = machine.file('engine = "process"\nseed = 3\n[nodes."//train"]\nretries = 2\ntrain.iterations = 9\n')
    settings = machine.resolve(Digits, file=path)
    assert (settings.session.engine, settings.session.seed, settings.session.retries) == ("process", 3, 0)
    assert (settings.node("//train").retries, settings.node("//train").train.iterations) == (2, 9)
    assert settings.node_entries("//train")["retries"] == ("--settings", f"{path}:4", "//train")


def test_a_settings_file_that_is_not_there_is_named(machine: "Machine") -> None:
    with pytest.raises(SettingsError, match=r"absent.toml cannot be read: there is no such file"):
        machine.resolve(Digits, file=machine.work / "absent.toml")


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("\nsede = 3\n", "sede", 2),
        ('[nodes."//train"]\nsede = 3\n', "sede", 2),
        ('[nodes."//train"]\nallow_pickle = true\n', "allow_pickle", 2),
        ('[nodes."train"]\nseed = 3\n', "train", 1),
        ('store = "file:///x"\n', "store", 1),
        ('client.token = "canary-value"\n', "client.token", 1),
        ("fields = {seed = 3}\n", "fields", 1),
    ],
)
def test_what_a_settings_file_gives_wrongly_is_refused_with_its_line(
    machine: "Machine", text: str, name: str, line: int
) -> None:
    path = machine.file(text)
    with pytest.raises(SettingsError) as raised:
        machine.resolve(Digits, file=path)
    assert [(problem.setting, problem.source) for problem in raised.value.problems] == [(name, f"{path}:{line}")]
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("seed=3", (None, ("seed",), "3")),
        ("train.c=[1]", (None, ("train", "c"), "[1]")),
        ("name=a=b:c", (None, ("name",), "a=b:c")),
        ("//train:lr=0.1", ("//train", ("lr",), "0.1")),
        ("//prep/train/0:train.c=//x:y", ("//prep/train/0", ("train", "c"), "//x:y")),
        ("name=", (None, ("name",), "")),
    ],
)
def test_an_assignment_ends_its_path_at_the_first_colon_and_its_name_at_the_first_equals(
    text: str, parts: Sequence[object]
) -> None:
    assert parse_assignment(text) == parts


@pytest.mark.parametrize(
    "text", ["seed", "=3", "train..c=3", "//train", "//train=3", "//train.seed=3", "//train:=3", ""]
)
def test_what_is_no_assignment_says_how_one_is_written(text: str) -> None:
    with pytest.raises(SettingsError, match="write --set NAME=VALUE, or --set //NODE:NAME=VALUE"):
        parse_assignment(text)


def test_assignments_reach_session_and_nodes_and_the_later_one_counts(machine: "Machine") -> None:
    given = ["seed=1", "//train:train.iterations=5", "seed=2", "//train:seed=9", "//train:train.iterations=6", "name=8"]
    settings = machine.resolve(Digits, assignments=given)
    assert (settings.session.seed, settings.session.name) == (2, "8")
    node = settings.node("//train")
    assert (node.seed, node.train.iterations) == (9, 6)


def test_an_assignment_to_a_key_of_a_mapping_adds_to_those_beside_it(machine: "Machine") -> None:
    machine.environ["ONEML_SETTINGS__SERIALIZERS"] = '{"gone": "x"}'
    given = ["serializers.model=skops", "serializers.Report=png"]
    assert machine.resolve(Digits, assignments=given).session.serializers == {"model": "skops", "Report": "png"}
    given.append('serializers={"all": "json"}')
    assert machine.resolve(Digits, assignments=given).session.serializers == {"all": "json"}


def test_null_unsets_an_optional_text_and_is_a_text_otherwise(machine: "Machine") -> None:
    machine.environ["DIGITS_NOTE"] = "x"
    session = machine.resolve(Digits, assignments=["note=null", "name=null"]).session
    assert (session.note, session.name) == (None, "null")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("seed=seven", r"seed: needs JSON, such as 3 \(--set seed=seven\)"),
        ("seed=1.5", r"seed: Input should be a valid integer.*\(--set seed=1.5\)"),
        ("train.c=[NaN]", r"train.c: needs JSON"),
        ("train.c=[1e400]", r"train.c: needs JSON"),
        (
            f"train.c=[{'1' * 70_000}]",
            r"^train.c: has 70,002 bytes, and at most .* \(--set train.c=\[1{68}\.\.\.\)$",
        ),
        ("sede=3", r'No setting "sede".*mean "seed"\? \(--set sede\)'),
        ("seed.x=3", r'No setting "seed.x"'),
        ("train.itrations=3", r'No setting "train.itrations".*mean "iterations"'),
        ('train={"itrations": 3}', r'No setting "train.itrations"'),
        ("//train:workers=3", r"workers: is shared by the whole session.*\(--set //train:workers=3\)"),
        ("store=file:///x", r"store: only \"memory:\".*\(--set store=file:///x\)"),
        ("//../x:seed=3", r"is not a node path"),
        ("client.token=canary-value", r"client.token: is a secret.*\(--set client.token=...\)"),
        ('client={"token": "canary-value"}', r"client.token: is a secret.*\(--set client=...\)"),
        ("client.tokn=canary-value", r'No setting "client.tokn"'),
    ],
)
def test_an_assignment_that_is_wrong_is_named_and_shows_no_secret(
    machine: "Machine", assignment: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        machine.resolve(Digits, assignments=[assignment])
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "12", "12"),
        (str, '"a"', '"a"'),
        (str | None, "null", None),
        (int, "12", 12),
        (int | None, "null", None),
        (float, "1e3", 1000.0),
        (bool, "true", True),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Literal["1", "b"], "1", "1"),
        (Literal[1, 2], "1", 1),
        (Word, "a", "a"),
        (Number, "1", 1),
        (Path, "/data/1", "/data/1"),
        (Path | None, "12", "12"),
        (date, "2024-01-02", "2024-01-02"),
        (int | str, "12", 12),
        (int | str, "x12", "x12"),
        (list[str] | str, "a,b", "a,b"),
        (Any, '{"a": null}', {"a": None}),
    ],
)
def test_the_declared_type_decides_what_a_text_means(annotation: object, text: str, value: object) -> None:
    assert text_value(annotation, text) == value


@pytest.mark.parametrize("text", ["", "nope", "{", '{"a": 1, "a": 2}', "[" * 100, "Infinity", "1" * 500])
def test_what_must_be_json_is_read_strictly(text: str) -> None:
    with pytest.raises(ValueError, match="needs JSON"):
        text_value(dict[str, int], text)


class NeedyInner(BaseModel):
    url: str
    depth: int = 1


class Needy(PipelineSettings):
    rate: float
    inner: NeedyInner


def test_the_session_may_give_what_has_no_default(machine: "Machine") -> None:
    effective = machine.resolve(Needy, session={"rate": 0.5, "inner": {"url": "here"}})
    assert (effective.session.rate, effective.session.inner) == (0.5, NeedyInner(url="here"))
    assert effective.process.rate == 0.5
    assert effective.origins()["rate"].layer is Layer.CODE


def test_what_the_process_sets_stays_its_own(machine: "Machine") -> None:
    name = prefix_of(Needy)
    machine.environ = {f"{name}RATE": "0.1", f"{name}INNER__URL": "there"}
    effective = machine.resolve(Needy, session={"rate": 0.5})
    assert (effective.process.rate, effective.session.rate) == (0.1, 0.5)


def test_what_nobody_gives_is_asked_for(machine: "Machine") -> None:
    with pytest.raises(SettingsError, match="inner: needs a value"):
        machine.resolve(Needy, session={"rate": 0.5})
