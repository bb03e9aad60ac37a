"""Errors as documents: what a script reads in place of prose."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.cli.error_document import error_fields
from oneml.habitats.cli.failures import ReportedError
from oneml.habitats.cli.group import OnemlGroup
from oneml.habitats.cli.printing import print_document
from oneml.habitats.errors import (
    BackendError,
    DriftError,
    InvalidPipelineError,
    RefusalError,
    RunError,
    SettingsError,
    UnknownHabitatError,
    UnknownSessionError,
    UsageError,
)
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.place import Place
from oneml.habitats.values.problem import Problem
from oneml.habitats.values.setting_problem import SettingProblem

Invoke = Callable[..., Result]
DRIFT = Drift("distribution", "numpy", "version", "1.0", "2.0", "", "/site/numpy")


def run(error: BaseException | None, *arguments: str, documents: int = 0) -> Result:
    """Let a command of a group print documents and then raise."""

    def callback(as_json: bool, name: str | None) -> None:
        for _ in range(documents):
            print_document("thing", value=name)
        if error is not None:
            raise error

    params = [click.Option(["--json", "as_json"], is_flag=True), click.Option(["--name"])]
    group = OnemlGroup("oneml", lazy={}, text="A group.")
    group.add_command(click.Command("fail", callback=callback, params=list[click.Parameter](params)))
    return CliRunner().invoke(group, ["fail", *arguments])


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["describe", "prob", "--json"], "UnknownHabitatError", 2),
        (["check", "--json"], "UsageError", 2),
        (["settings", "show", "probe", "//no", "--json"], "UnknownNodeError", 2),
        (["sessions", "show", "nosuch", "--json"], "UnknownSessionError", 2),
        (["output", "nosuch", "//a", "--json"], "UnknownSessionError", 2),
        (["run-pipeline", "cyclic", "--json"], "InvalidPipelineError", 2),
        (["run-pipeline-node", "//make", "--json"], "UsageError", 2),
        (["sessions", "lst", "--json"], "UsageError", 2),
        (["list", "--bad", "--json"], "UsageError", 2),
        (["no-such-command", "--json"], "UsageError", 2),
    ],
)
def test_every_command_ends_with_one_document_and_keeps_the_prose(
    invoke: Invoke, arguments: list[str], kind: str, code: int
) -> None:
    result = invoke(*arguments)
    document = json.loads(result.stdout)
    assert (document["schema"], document["type"], document["exit_code"]) == ("oneml.error/1", kind, code)
    assert result.exit_code == code
    assert document["message"] in result.stderr


def test_without_json_standard_output_stays_empty(invoke: Invoke) -> None:
    assert invoke("describe", "prob").stdout == ""
    assert run(RunError("It is so."), "--name", "x", "--", "--json").stdout == ""


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (RunError("so"), "RunError", 1),
        (RefusalError("so"), "RefusalError", 3),
        (BackendError("so"), "BackendError", 4),
        (ReportedError("so", exit_code=1), "RunError", 1),
        (OSError(28, "No space left on device"), "BackendError", 4),
        (KeyboardInterrupt(), "Interrupted", 130),
        (SystemExit(3), "RunError", 1),
        (click.BadParameter("so"), "UsageError", 2),
    ],
)
def test_what_a_command_raises_is_told_by_type_and_exit_code(error: BaseException, kind: str, code: int) -> None:
    result = run(error, "--json")
    document = json.loads(result.stdout)
    assert (document["type"], document["exit_code"], result.exit_code) == (kind, code, code)
    assert result.stderr.endswith(f"{document['message']}\n")


def test_command_that_has_printed_its_document_prints_no_second_one() -> None:
    result = run(RunError("It is so."), "--json", "--name", "x", documents=1)
    assert json.loads(result.stdout) == {"schema": "oneml.thing/1", "value": "x"}
    assert (result.exit_code, result.stderr) == (1, "Error: It is so.\n")


def test_next_command_in_one_process_prints_its_own() -> None:
    assert json.loads(run(None, "--json", documents=1).stdout)["schema"] == "oneml.thing/1"
    assert json.loads(run(RunError("so"), "--json").stdout)["schema"] == "oneml.error/1"


def test_fields_of_an_error_are_members() -> None:
    assert error_fields(UnknownHabitatError(name="x", known=("a", "b")))["fields"] == {"name": "x", "known": ["a", "b"]}


def test_a_session_that_is_not_found_is_told_in_words_of_sessions() -> None:
    of: dict[str, Any] = {"session_id": "abc", "store": "file:///s"}
    fields = error_fields(UnknownSessionError(**of, fitting=["abcd-1", "abcd-2"], prefix_min_characters=8))["fields"]
    assert fields == {**of, "recipe_lost": False, "fitting": ["abcd-1", "abcd-2"]}
    assert error_fields(UnknownSessionError(**of, recipe_lost=True))["fields"] == {
        **of,
        "recipe_lost": True,
        "fitting": [],
    }


def test_problems_and_drifts_are_objects_with_their_attributes() -> None:
    problem = Problem(Place("a.py", 3), "wrong", ("//a",))
    assert error_fields(InvalidPipelineError(habitat="x", problems=[problem]))["fields"] == {
        "habitat": "x",
        "problems": [{"place": {"file": "a.py", "line": 3}, "message": "wrong", "nodes": ["//a"]}],
    }
    setting = error_fields(SettingsError(problems=[SettingProblem("lr", "wrong", "a.toml:1")]))["fields"]
    assert setting == {"problems": [{"setting": "lr", "message": "wrong", "source": "a.toml:1"}]}
    refusal = error_fields(DriftError(session_id="mine", node="//a", drifts=[DRIFT]))
    assert refusal["fields"] == {"session_id": "mine", "node": "//a", "drifts": [DRIFT.to_json()]}


@dataclass(frozen=True)
class Pair:
    left: object
    right: object


def test_whatever_an_error_carries_becomes_json() -> None:
    error = UsageError("so \udcff")
    error.__dict__.update(
        path=Path("/a/b"),
        pair=Pair({2, 1}, b"x"),
        mapping={1: float("nan"), "k": 1.5},
        kind=int,
        text="\udcff",
        _private=1,
    )
    found = error_fields(error)
    assert found["message"] == "so \\udcff"
    assert found["fields"] == {
        "path": "/a/b",
        "pair": {"left": [1, 2], "right": "b'x'"},
        "mapping": {"1": "nan", "k": 1.5},
        "kind": "<class 'int'>",
        "text": "\\udcff",
    }
    json.dumps(found, allow_nan=False).encode()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda items: (
        st.lists(items)
        | st.tuples(items)
        | st.dictionaries(st.text() | st.integers(), items)
        | st.builds(Pair, items, items)
    ),
    max_leaves=10,
)


@given(values)
def test_every_error_has_a_document(value: object) -> None:
    error = UsageError("so")
    error.__dict__["value"] = value
    text = json.dumps(error_fields(error), allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(text)["fields"].keys() == {"value"}


def test_endless_structure_ends() -> None:
    error, loop = UsageError("so"), list[object]()
    loop.append(loop)
    error.__dict__["loop"] = loop
    json.dumps(error_fields(error))


def test_check_tells_each_problem_with_its_fields(invoke: Invoke) -> None:
    rows = json.loads(invoke("check", "probe", "cyclic", "--json").stdout)["habitats"]
    assert (rows[0]["habitat"], rows[0]["problems"], rows[0]["exit_code"]) == ("probe", [], 0)
    assert (rows[1]["problems"][0]["part"], rows[1]["exit_code"]) == ("pipeline", 2)
    assert rows[1]["problems"][0]["nodes"] == ["//one", "//two"]
