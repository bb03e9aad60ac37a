"""``diff`` and ``reproduce``: two sessions, and a node computed once more."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]
AtTerminal = Callable[..., tuple[int, str, bytes]]
RUN = ("run-pipeline", "probe", "--quiet", "--input", 'name="me"', "--session-id")


@pytest.fixture
def both(invoke: Invoke) -> tuple[str, str]:
    assert invoke(*RUN, "one").exit_code == 0
    assert invoke(*RUN, "two", "--set", "greeting=Hi").exit_code == 0
    return "one", "two"


def test_difference_of_two_sessions_is_drawn_by_section(invoke: Invoke, both: tuple[str, str]) -> None:
    result = invoke("diff", *both)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("first   one of probe, ")
    assert lines[1].startswith("second  two of probe, ")
    at = lines.index("settings: 1 difference")
    assert lines[at + 1] == "  setting greeting:"
    assert lines[at + 2].split()[:2] == ["first", "Hello"]
    assert lines[at + 3].split() == ["second", "Hi", "--set", "greeting=Hi"]
    assert {"graph: the same", "code: the same", "packages: the same", "plan: the same"} <= set(lines)
    assert "outputs: 4 differences" in lines


def test_sections_are_chosen_and_the_exit_code_tells_where_it_is_asked_for(
    invoke: Invoke, both: tuple[str, str]
) -> None:
    assert invoke("diff", *both, "--exit-code").exit_code == 1
    result = invoke("diff", *both, "--section", "code", "--section", "graph", "--exit-code", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["schema"], document["same"]) == (0, "oneml.diff/1", True)
    assert (document["code"], document["graph"]) == ([], [])
    assert "settings" not in document
    assert invoke("diff", "one", "one", "--exit-code").exit_code == 0


def test_document_of_a_difference_has_every_side(invoke: Invoke, both: tuple[str, str]) -> None:
    result = invoke("diff", *both, "--json", "--exit-code")
    document = json.loads(result.stdout)
    (setting,) = document["settings"]
    assert (setting["subject"], setting["expected"], setting["found"]) == ("greeting", "Hello", "Hi")
    assert (document["first"]["session_id"], document["second"]["session_id"]) == ("one", "two")
    assert result.exit_code == 1


def test_unknown_section_or_session_is_told(invoke: Invoke, both: tuple[str, str]) -> None:
    assert "'cod' is not one of" in invoke("diff", *both, "--section", "cod").stderr
    assert invoke("diff", "one", "nosuch").exit_code == 2


def test_same_outputs_end_with_0(invoke: Invoke) -> None:
    assert invoke(*RUN, "one").exit_code == 0
    result = invoke("reproduce", "one", "//make")
    assert result.exit_code == 0
    assert result.stdout.startswith("//make of session one: the same as in attempt 1 (")
    assert [line.split()[:2] for line in result.stdout.splitlines()[3:]] == [
        ["number", "same"],
        ["raw", "same"],
        ["text", "same"],
    ]
    assert "printed by the body" in result.stderr


def test_other_outputs_end_with_1_and_leave_the_session_as_it_is(invoke: Invoke, environment: Path) -> None:
    assert invoke(*RUN, "one").exit_code == 0
    (environment / "outside").write_text("the world has changed")
    result = invoke("reproduce", "one", "//repeat/0", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["schema"], document["same"]) == (1, "oneml.reproduction/1", False)
    assert document["ports"][0]["status"] == "different"
    assert "//repeat/0 of session one came out otherwise here: output output is different" in result.stderr
    assert invoke("output", "one", "//repeat/0").stdout == "Hello, me!\n"


def test_same_error_is_the_same(invoke: Invoke) -> None:
    assert invoke(*RUN, "one", "--set", "fail=true").exit_code == 1
    result = invoke("reproduce", "one", "//join")
    assert result.exit_code == 0
    assert "//join raised here:\nTraceback (most recent call last):" in result.stderr


def test_inputs_that_are_missing_are_told(invoke: Invoke) -> None:
    assert invoke("sessions", "create", "probe", "--input", 'name="me"', "--session-id", "one").exit_code == 0
    result = invoke("reproduce", "one", "//join", "--json")
    assert (result.exit_code, json.loads(result.stdout)["type"]) == (2, "InputsMissingError")


def test_debugger_needs_a_terminal(invoke: Invoke) -> None:
    assert invoke(*RUN, "one").exit_code == 0
    result = invoke("reproduce", "one", "//make", "--pdb")
    assert result.exit_code == 2
    assert "--pdb needs a terminal" in result.stderr


def test_debugger_stops_at_the_first_line_and_data_stays_plain(invoke: Invoke, at_terminal: AtTerminal) -> None:
    assert invoke(*RUN, "one").exit_code == 0
    code, shown, data = at_terminal("p times * 1000\nc\n", "reproduce", "one", "//repeat/1", "--pdb", "--json")
    assert '-> outside = Path("outside")' in shown
    assert "2000" in shown
    assert (code, json.loads(data)["same"]) == (0, True)


def test_debugger_stops_where_a_body_raises(invoke: Invoke, at_terminal: AtTerminal) -> None:
    assert invoke(*RUN, "one", "--set", "fail=true").exit_code == 1
    code, shown, data = at_terminal("c\np message\nq\n", "reproduce", "one", "//join", "--pdb")
    assert "-> raise ValueError(message)" in shown
    assert "'asked to fail'" in shown
    assert (code, data.startswith(b"//join of session one: the same as in attempt 1 (")) == (0, True)


def test_debugger_that_is_left_ends_with_130(invoke: Invoke, at_terminal: AtTerminal) -> None:
    assert invoke(*RUN, "one").exit_code == 0
    code, shown, data = at_terminal("q\n", "reproduce", "one", "//make", "--pdb")
    assert (code, data) == (130, b""), shown
    assert "Traceback" not in shown
