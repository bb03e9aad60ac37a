"""``oneml graph``: every format, of habitats and sessions, and what is said where it cannot be."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]


def test_a_habitat_is_drawn_as_mermaid_unless_something_else_is_wanted(invoke: Invoke) -> None:
    assert invoke("graph", "probe").stdout.splitlines()[:14] == [
        "---",
        'title: "probe"',
        "---",
        "flowchart TD",
        '  n0(["name"])',
        '  n1["make"]',
        '  n2[["repeat #215;2<br/>times=1 #8230; times=2"]]',
        '  n3["join"]',
        '  n4["nothing"]',
        '  n5(["joined"])',
        '  n6(["raw"])',
        '  n7(["number"])',
        "  n0 --> n1",
        '  n1 -->|"text"| n2',
    ]


@pytest.mark.parametrize(
    ("form", "start"),
    [("dot", b"digraph"), ("svg", b"<svg "), ("png", b"\x89PNG"), ("json", b"{"), ("mermaid", b"---")],
)
def test_a_file_has_the_format_of_its_suffix(form: str, start: bytes, invoke: Invoke, environment: Path) -> None:
    file = f"graph.{form}"
    result = invoke("graph", "probe", "-o", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{file}: 8 boxes, 7 links.\n"
    assert (environment / file).read_bytes().startswith(start)


def test_standard_output_holds_the_bytes_of_the_format(invoke: Invoke, environment: Path) -> None:
    invoke("graph", "probe", "-o", "graph.svg")
    assert invoke("graph", "probe", "--format", "svg").stdout_bytes == (environment / "graph.svg").read_bytes()


def test_json_is_a_format_as_any_other_command_names_it(invoke: Invoke, environment: Path) -> None:
    drawn = invoke("graph", "probe", "--format", "json").stdout
    assert (
        invoke("graph", "probe", "--json").stdout
        == invoke("graph", "probe", "--json", "--format", "json").stdout
        == drawn
    )
    assert invoke("graph", "probe", "--json", "-o", "graph.txt").exit_code == 0
    assert (environment / "graph.txt").read_text() == drawn
    both = invoke("graph", "probe", "--json", "--format", "dot")
    assert both.exit_code == 2
    assert "--json and --format dot are two formats: give one." in both.stderr
    assert json.loads(both.stdout)["schema"] == "oneml.error/1"


def test_members_and_settings_are_drawn_as_asked_for(invoke: Invoke) -> None:
    arguments = ("--expand", "--set", "times=[5,6,7]", "--direction", "right", "--format", "json")
    boxes = json.loads(invoke("graph", "probe", *arguments).stdout)["boxes"]
    assert [box["lines"] for box in boxes if box["frame"]] == [["times=5"], ["times=6"], ["times=7"]]
    assert "flowchart LR" in invoke("graph", "probe", "--direction", "right").stdout


def test_objects_are_drawn_with_what_keeps_them(invoke: Invoke) -> None:
    document = json.loads(invoke("graph", "probe", "--objects", "--format", "json").stdout)
    tones = {box["name"]: box["tone"] for box in document["boxes"]}
    assert document["subject"] == "objects"
    assert (tones["make"], tones["settings.node.greeting"]) == ("each use", "node")


def test_a_session_is_drawn_with_states_by_the_start_of_its_id(invoke: Invoke) -> None:
    ran = invoke("run-pipeline", "probe", "--input", 'name="x"', "--set", "fail=true", "--json", "--quiet")
    session = json.loads(ran.stdout)["session_id"]
    document = json.loads(invoke("graph", "--session", session[:13], "--format", "json").stdout)
    states = {box["name"]: box["states"] for box in document["boxes"]}
    assert states["//repeat"] == {"succeeded": 2}
    assert (states["//join"], states["//nothing"]) == ({"failed": 1}, {"skipped": 1})
    objects = json.loads(invoke("graph", "--session", session, "--objects", "--format", "json").stdout)
    assert objects["subtitle"] == f"objects of session {session} \N{MIDDLE DOT} failed"
    wrong = invoke("graph", "other", "--session", session)
    assert (wrong.exit_code, f"Session {session} is one of probe, not of other" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name a habitat"),
        (["probe", "-o", "graph.jpeg"], "graph.jpeg: its suffix tells no format. Known: .mmd, .mermaid, .dot"),
        (["--session", "0" * 12, "--set", "a=1"], "The settings of a session are what it was created with."),
        (["--session", "0" * 12], "There is no session"),
    ],
)
def test_what_cannot_be_drawn_is_told(arguments: list[str], message: str, invoke: Invoke) -> None:
    result = invoke("graph", *arguments)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_file_that_cannot_be_written_is_named(invoke: Invoke) -> None:
    result = invoke("graph", "probe", "-o", "no/graph.svg")
    assert result.exit_code == 2
    assert result.stderr == "Error: no/graph.svg cannot be written: No such file or directory.\n"


def test_a_png_is_not_written_to_a_terminal(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneml.habitats.cli.commands.graph._stdout_is_terminal", lambda: True)
    result = invoke("graph", "probe", "--format", "png")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "-o graph.png" in result.stderr
