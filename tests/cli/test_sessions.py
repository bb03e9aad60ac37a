"""``oneml sessions`` and ``oneml output``: what is kept of a session, and what its nodes published."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]
RUN = ("run-pipeline", "probe", "--quiet", "--input", 'name="me"', "--session-id")


@pytest.fixture
def good(invoke: Invoke) -> str:
    assert invoke(*RUN, "good-session").exit_code == 0
    return "good-session"


@pytest.fixture
def bad(invoke: Invoke) -> str:
    assert invoke(*RUN, "bad-session", "--set", "fail=true").exit_code == 1
    return "bad-session"


def test_create_prints_the_id_and_nothing_else(invoke: Invoke) -> None:
    result = invoke("sessions", "create", "probe", "--session-id", "mine", "--input", 'name="me"')
    assert (result.exit_code, result.stdout, result.stderr) == (0, "mine\n", "")


def test_a_secret_that_is_not_there_is_a_wrong_setting_at_first_and_a_refusal_of_what_is_recorded(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ("sessions", "create", "probe", "--set", "token=env:PROBES_TOKEN", "--input", 'name="me"', "--session-id")
    result = invoke(*create, "mine")
    assert (result.exit_code, "Refused" in result.stderr) == (2, False)
    assert "the variable PROBES_TOKEN is not set here. Set it where the session is created, and" in result.stderr
    monkeypatch.setenv("PROBES_TOKEN", "secret")
    assert invoke(*create, "mine").exit_code == 0
    monkeypatch.delenv("PROBES_TOKEN")
    worker = ("run-pipeline-node", "--pipeline", "probe", "--session-id", "mine", "//make")
    for again in (worker, ("sessions", "run", "mine"), ("prove", "mine", "//make")):
        result = invoke(*again)
        assert (result.exit_code, "Refused: the session was created with it" in result.stderr) == (3, True)


def test_list_is_empty_at_first_and_says_what_makes_a_session(invoke: Invoke) -> None:
    result = invoke("sessions", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "There is no session yet: oneml run-pipeline HABITAT makes one.\n"


@pytest.mark.parametrize("place", ["/proc/nope/store", "/dev/null/store"])
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has a folder in which nobody can make one")
def test_list_of_a_store_that_cannot_be_made_is_a_failure_and_not_empty(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("ONEML_STORE_URL", f"file://{place}")
    result = invoke("sessions", "list", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["type"], document["exit_code"]) == (4, "StoreError", 4)
    assert f"{place}: cannot be made: " in result.stderr


def test_list_of_a_store_that_is_not_there_yet_is_empty_and_makes_nothing(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONEML_STORE_URL", str(tmp_path / "a" / "b"))
    before = sorted(tmp_path.rglob("*"))
    assert invoke("sessions", "list").exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_list_shows_newest_first(invoke: Invoke, good: str, bad: str) -> None:
    lines = [line.split() for line in invoke("sessions", "list").stdout.splitlines()]
    assert lines[0] == ["SESSION", "HABITAT", "STATE", "CREATED", "NODES", "PARENT"]
    assert [line[:3] for line in lines[1:]] == [[bad, "probe", "failed"], [good, "probe", "succeeded"]]
    document = json.loads(invoke("sessions", "list", "--json").stdout)
    assert document["schema"] == "oneml.sessions/1"
    assert [(row["session_id"], row["state"], row["node_count"]) for row in document["sessions"]] == [
        (bad, "failed", 5),
        (good, "succeeded", 5),
    ]


def test_list_knows_of_a_session_that_workers_alone_have_run(invoke: Invoke) -> None:
    worker = ("run-pipeline-node", "--pipeline", "probe", "--session-id", "by-workers")
    invoke("sessions", "create", "probe", "--session-id", "by-workers", "--input", 'name="me"')
    states: list[str] = []
    for node in ("//make", "//repeat/0", "//repeat/1", "//join", "//nothing"):
        states.append(json.loads(invoke("sessions", "list", "--json").stdout)["sessions"][0]["state"])
        assert invoke(*worker, node).exit_code == 0
    assert set(states) == {"created"}
    assert json.loads(invoke("sessions", "list", "--json").stdout)["sessions"][0]["state"] == "succeeded"


def test_show_says_why_a_node_is_in_its_state(invoke: Invoke, bad: str) -> None:
    shown = invoke("sessions", "show", bad).stdout
    assert shown.startswith(f"Session {bad} of probe: failed.\n")
    assert "//repeat/1 (times=2)  succeeded  1 " in shown
    assert "because //join failed\n" in shown
    assert shown.endswith("\n3 succeeded, 1 failed, 1 skipped\n")


def test_show_of_a_session_that_has_not_run_counts_what_is_pending(invoke: Invoke) -> None:
    session = invoke("sessions", "create", "probe", "--input", 'name="me"').stdout.strip()
    assert invoke("sessions", "show", session).stdout.endswith("\n5 pending\n")
    document = json.loads(invoke("sessions", "show", session[:8], "--json").stdout)
    assert (document["session_id"], document["state"]) == (session, "created")
    assert document["nodes"]["//make"]["state"] == "pending"


def test_show_of_a_node_tells_what_it_raised(invoke: Invoke, bad: str) -> None:
    shown = invoke("sessions", "show", bad, "//join").stdout
    assert shown.startswith(f"//join of session {bad}: failed in attempt 1, ")
    assert "input texts    [//repeat/0 ... //repeat/1]\n" in shown
    assert "Traceback (most recent call last):" in shown
    document = json.loads(invoke("sessions", "show", bad, "//join", "--json").stdout)
    assert document["schema"] == "oneml.session-node/1"
    assert (document["error"]["type"], document["error"]["text"]) == ("ValueError", "asked to fail")
    assert document["ports"] == {}


def test_show_of_a_node_tells_what_it_published(invoke: Invoke, good: str) -> None:
    shown = invoke("sessions", "show", good, "//make").stdout
    assert "output raw     bytes, 6 bytes, sha256 " in shown
    ports = json.loads(invoke("sessions", "show", good, "//make", "--json").stdout)["ports"]
    assert {port: each["serializer"] for port, each in ports.items()} == {
        "number": "json",
        "raw": "bytes",
        "text": "text",
    }


def test_show_of_a_node_that_was_skipped_tells_why(invoke: Invoke, bad: str) -> None:
    assert invoke("sessions", "show", bad, "//nothing").stdout.endswith("because //join failed\n")


def test_unknown_node_of_a_session_names_the_nearest(invoke: Invoke, good: str) -> None:
    result = invoke("sessions", "show", good, "//mak")
    assert result.exit_code == 2
    assert 'There is no node "//mak".' in result.stderr
    assert 'Did you mean "//make"?' in result.stderr


def test_removed_sessions_are_told_as_a_document(invoke: Invoke, good: str, bad: str) -> None:
    removed = invoke("sessions", "rm", good, bad, "--json")
    assert json.loads(removed.stdout) == {"schema": "oneml.removed/1", "session_ids": [good, bad]}
    assert invoke("sessions", "rm", good, "--json").exit_code == 2


def test_removed_session_is_gone(invoke: Invoke, good: str, bad: str) -> None:
    result = invoke("sessions", "rm", good, bad)
    assert result.exit_code == 0
    assert result.stderr == f"Session {good} is removed.\nSession {bad} is removed.\n"
    assert json.loads(invoke("sessions", "list", "--json").stdout)["sessions"] == []
    assert invoke("sessions", "show", good).exit_code == 2


@pytest.mark.parametrize(
    ("node", "port", "shown"),
    [
        ("//make", "text", b"Hello, me!\n"),
        ("//make", "number", b"0.5\n"),
        ("//make", "raw", b"\x89PNG\x00\xff"),
        ("//repeat/0", None, b"Hello, me!\n"),
        ("//join", "output", b'{\n  "texts": [\n    "Hello, me!",\n    "Hello, me! Hello, me!"\n  ]\n}\n'),
    ],
)
def test_output_is_plain_text_json_or_the_stored_bytes(
    invoke: Invoke, good: str, node: str, port: str | None, shown: bytes
) -> None:
    result = invoke("output", good, node, *([port] if port else []))
    assert result.exit_code == 0
    assert result.stdout_bytes == shown


def test_output_of_several_ports_lists_them(invoke: Invoke, good: str) -> None:
    assert invoke("output", good, "//make").stdout.splitlines() == [
        "PORT    VALUE",
        "number  0.5",
        f"raw     bytes, 6 B: oneml output {good} //make raw",
        "text    Hello, me!",
    ]


def test_document_of_outputs_is_the_same_for_every_run(invoke: Invoke, good: str) -> None:
    assert invoke(*RUN, "another").exit_code == 0
    for node in ("//make", "//join", "//nothing"):
        first = invoke("output", good, node, "--json")
        assert first.stdout == invoke("output", "another", node, "--json").stdout
        assert json.loads(first.stdout)["schema"] == "oneml.output/1"
    ports = json.loads(invoke("output", good, "//make", "--json").stdout)["ports"]
    assert ports["text"]["value"] == "Hello, me!"
    assert (ports["raw"]["value"], ports["raw"]["size"], ports["raw"]["serializer"]) == (None, 6, "bytes")
    one = json.loads(invoke("output", good, "//make", "text", "--json").stdout)["ports"]
    assert one == {"text": ports["text"]}


def test_output_is_saved_as_it_is_stored(invoke: Invoke, good: str, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    assert invoke("output", good, "//make", "raw", "--to", str(file)).stdout == ""
    assert file.read_bytes() == b"\x89PNG\x00\xff"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["//make", "--to", "file"], 2, "--to takes one port of //make. Known: number, raw, text."),
        (["//make", "txt"], 2, 'Node "//make" has no output "txt". Known: number, raw, text. Did you mean "text"?'),
        (["//mak"], 2, 'There is no node "//mak". Known: //join, //make'),
        (["//repeat"], 2, '"//repeat" is a fan-out: name a member, //repeat/0 ... //repeat/1.'),
        (["mak"], 2, "'mak' is not a node path."),
        (
            ["//make", "raw", "--to", "no/such/folder"],
            2,
            "no/such/folder cannot be written: No such file or directory.",
        ),
    ],
)
def test_output_that_there_is_none_of_says_so(
    invoke: Invoke, good: str, arguments: list[str], code: int, message: str
) -> None:
    result = invoke("output", good, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_output_of_a_node_that_did_not_succeed_says_why(invoke: Invoke, bad: str) -> None:
    result = invoke("output", bad, "//nothing")
    assert result.exit_code == 1
    assert result.stderr == ("Error: //nothing has no output: skipped, because //join failed.\n")


def test_node_that_publishes_nothing_is_told(invoke: Invoke, good: str) -> None:
    result = invoke("output", good, "//nothing")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "//nothing has succeeded and publishes nothing.\n"


def test_outputs_kept_in_memory_are_shown_after_the_run_and_gone_afterwards(invoke: Invoke) -> None:
    result = invoke(*RUN, "mine", "--set", "store=memory:", "--json")
    assert result.exit_code == 0
    outputs = json.loads(result.stdout)["outputs"]
    assert (outputs["number"]["value"], outputs["number"]["digest"]) == (0.5, None)
    gone = invoke("output", "mine", "//make", "number")
    assert gone.exit_code == 1
    assert "memory" in gone.stderr
