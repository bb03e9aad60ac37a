"""Parts of pipelines, and outputs of other sessions as inputs, on the command line."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

Invoke = Callable[..., Result]
RUN = ("run-pipeline", "probe", "--input", 'name="me"', "-q")


@pytest.fixture
def whole(invoke: Invoke) -> str:
    assert invoke(*RUN, "--session-id", "whole-session").exit_code == 0
    return "whole-session"


def test_from_takes_over_says_from_where_and_is_shown(invoke: Invoke, whole: str) -> None:
    done = invoke("run-pipeline", "probe", "--from", "//repeat", "--session-id", "child-session", "--json")
    assert done.exit_code == 0, done.stderr
    assert "[5/5] //nothing succeeded" in done.stderr
    assert "Takes over //make from session whole-session." in done.stderr
    assert json.loads(done.stdout)["reused_from"] == {"//make": whole}
    shown = invoke("sessions", "show", "child-session").stdout
    assert "--from //repeat; parent whole-session" in shown
    document = json.loads(invoke("sessions", "show", "child-session", "--json").stdout)
    assert document["parent"] == {"session_id": whole, "node": None, "attempt": 0}
    assert document["selection"] == {"from": ["//repeat"], "to": [], "only": []}
    listed = json.loads(invoke("sessions", "list", "--json").stdout)["sessions"]
    assert {row["session_id"]: row["parent"] for row in listed} == {"child-session": whole, whole: None}


def test_to_runs_what_is_above_and_a_dry_run_writes_nothing(invoke: Invoke, whole: str) -> None:
    done = invoke(*RUN, "--to", "//make", "--session-id", "upper")
    assert done.exit_code == 0
    assert "1 succeeded" in done.stdout
    dry = invoke("run-pipeline", "probe", "--only", "//join", "--parent", whole[:8], "--dry-run")
    assert "probe would run 1 nodes and take over 3 from session whole-session." in dry.stdout
    document = json.loads(invoke("run-pipeline", "probe", "--only", "//join", "--dry-run", "--json").stdout)
    assert document["selection"]["only"] == ["//join"]
    assert document["parent"]["session_id"] == whole
    assert len(json.loads(invoke("sessions", "list", "--json").stdout)["sessions"]) == 2


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--from", "//repaet"], 2, 'There is no node "//repaet".'),
        (["--from", "//join", "--to", "//make"], 2, "nothing lies between: //make does not come after //join"),
        (["--only", "//join", "--from", "//make"], 2, "cannot be given beside it"),
        (["--only", "//join", "--parent", "nobody-there"], 2, 'There is no session "nobody-there"'),
        (["--only", "//join", "--set", "greeting=Hi"], 3, "  //make is not what was run there"),
        (["--only", "//join", "--set", "greeting=Hi"], 3, "  setting greeting"),
    ],
)
def test_what_cannot_be_selected_says_why(
    invoke: Invoke, whole: str, options: list[str], code: int, message: str
) -> None:
    done = invoke("run-pipeline", "probe", *options)
    assert done.exit_code == code, done.stderr
    assert message in done.stderr


def test_an_output_of_a_session_is_an_input(invoke: Invoke, whole: str) -> None:
    done = invoke("run-pipeline", "probe", "--input", f"name=session:{whole[:8]}//make.text", "-q")
    assert done.exit_code == 0, done.stderr
    assert "Hello, Hello, me!!" in done.stdout
    for source, message in (
        ("nobody-there//make.text", 'There is no session "nobody-there"'),
        (f"{whole}//make", "//make has several outputs. Name one: //make.number. Known: number, raw, text."),
        (f"{whole}//make.number", "string"),
    ):
        refused = invoke("run-pipeline", "probe", "--input", f"name=session:{source}")
        assert (refused.exit_code, message in refused.stderr) == (2, True), refused.stderr


def test_what_a_part_has_not_is_told_apart_from_what_is_unknown(invoke: Invoke) -> None:
    assert invoke(*RUN, "--to", "//make", "--session-id", "upper").exit_code == 0
    missing = invoke("output", "upper", "//join")
    assert missing.exit_code == 2
    assert "which has only --to //make of its pipeline" in missing.stderr
