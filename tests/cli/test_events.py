"""Events as lines of JSON, on standard error and in a file, and what stands in them."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from oneml.habitats.cli.events import EventLines, UntilBroken
from oneml.habitats.ports.observer import NodeEvent, NodeLog, SessionEvent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

Invoke = Callable[..., Result]
RUN = ("run-pipeline", "probe", "--input", 'name="me"', "--session-id", "mine")
ID = SessionId("some-session")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def events_in(text: str) -> list[dict[str, Any]]:
    lines = [line for line in text.splitlines() if line.startswith('{"schema": "oneml.event/1"')]
    return [json.loads(line) for line in lines]


def test_each_event_is_one_line_with_all_that_is_known() -> None:
    stream = io.StringIO()
    lines = EventLines(lambda: stream, label_of=lambda path: "times=1" if path == "//a" else "", now=lambda: NOW)
    lines(SessionEvent(ID, SessionState.RUNNING, NOW, 2))
    lines(NodeEvent(ID, NodePath("//a"), NodeState.FAILED, 2, "ValueError: x\ny", None, 0.5))
    lines(NodeLog(ID, NodePath("//b"), "a \udcff line"))
    session, node, log = events_in(stream.getvalue())
    head = {"schema": "oneml.event/1", "time": "2026-01-02T03:04:05.000000Z", "session_id": "some-session"}
    assert session == {**head, "event": "session", "state": "running", "ended": 0, "node_count": 2}
    assert log == {**head, "event": "log", "path": "//b", "label": "", "line": "a \udcff line"}
    assert node == {
        **head,
        "event": "node",
        "path": "//a",
        "label": "times=1",
        "state": "failed",
        "attempt": 2,
        "seconds": 0.5,
        "detail": "ValueError: x\ny",
        "reused_from": None,
        "ended": 1,
        "node_count": 2,
    }


def test_a_node_that_begins_anew_has_not_ended() -> None:
    stream = io.StringIO()
    lines = EventLines(lambda: stream, label_of=str)
    for state in (NodeState.FAILED, NodeState.RUNNING, NodeState.SUCCEEDED):
        lines(NodeEvent(ID, NodePath("//a"), state, 1, ""))
    assert [event["ended"] for event in events_in(stream.getvalue())] == [1, 0, 1]


def test_a_full_disk_is_told_once_and_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> io.StringIO:
        raise OSError(28, "No space left on device")

    observer = UntilBroken(EventLines(full, label_of=str))
    for _ in range(3):
        observer(NodeLog(ID, NodePath("//a"), "line"))
    assert capsys.readouterr().err == "Events are not written any more: No space left on device.\n"


def test_run_tells_events_on_standard_error_and_data_on_standard_output(invoke: Invoke) -> None:
    result = invoke(*RUN, "--progress", "json", "--json")
    events = events_in(result.stderr)
    assert json.loads(result.stdout)["schema"] == "oneml.run/1"
    assert [(event["event"], event.get("state")) for event in (events[0], events[-1])] == [
        ("session", "running"),
        ("session", "succeeded"),
    ]
    repeat = [event for event in events if event.get("path") == "//repeat/1"]
    assert [(event["state"], event["label"]) for event in repeat] == [("running", "times=2"), ("succeeded", "times=2")]
    assert repeat[-1]["seconds"] >= 0
    assert (events[-1]["ended"], events[-1]["node_count"]) == (5, 5)
    assert "[5/5]" not in result.stderr


def test_events_file_holds_events_alone_and_is_appended_to(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "events"
    result = invoke(*RUN, "--set", "fail=true", "--set", "engine=process", "--events-file", str(file))
    assert "[5/5] //nothing skipped" in result.stderr
    first = file.read_text()
    assert len(events_in(first)) == len(first.splitlines())
    assert {event["line"] for event in events_in(first) if event["event"] == "log"} >= {"printed by the body"}
    invoke("sessions", "run", "mine", "--quiet", "--events-file", str(file))
    assert file.read_text().startswith(first)
    again = events_in(file.read_text()[len(first) :])
    assert [event["path"] for event in again if event["event"] == "node" and event["state"] == "failed"] == ["//join"]
    assert (again[-1]["state"], again[-1]["ended"]) == ("failed", 5)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_events_file_on_a_full_disk_is_told_once_and_the_session_ends_as_it_would(invoke: Invoke) -> None:
    result = invoke(*RUN, "--quiet", "--json", "--events-file", "/dev/full")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "succeeded")
    assert result.stderr.count("Events are not written any more: No space left on device.") == 1


def test_events_file_that_cannot_be_written_runs_nothing(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke(*RUN, "--events-file", str(tmp_path / "no" / "events"))
    assert result.exit_code == 2
    assert f"{tmp_path / 'no' / 'events'} cannot be written: No such file or directory." in result.stderr
    assert "printed by the body" not in result.stderr


@pytest.mark.parametrize("options", [("--quiet",), ("--progress", "none")])
def test_nothing_is_shown_where_that_is_asked_for(invoke: Invoke, options: tuple[str, ...]) -> None:
    assert invoke(*RUN, *options).stderr == ""


def test_isolated_is_a_setting_of_a_new_session_and_a_revision_of_an_old_one(invoke: Invoke) -> None:
    shown = json.loads(
        invoke("run-pipeline", "probe", "--dry-run", "--isolated", "--input", 'name="me"', "--json").stdout
    )
    (row,) = (row for row in shown["settings"] if row["name"] == "isolated")
    assert (row["value"], row["source"]) == (True, "--set isolated=true")
    assert invoke("sessions", "create", "probe", "--input", 'name="me"', "--session-id", "old").exit_code == 0
    assert invoke("sessions", "run", "old", "--isolated", "--quiet").exit_code == 0
    explained = invoke("settings", "explain", "probe", "isolated", "--session", "old").stdout
    assert "value: true\n    from change" in explained


def test_session_that_sets_isolated_itself_says_so(invoke: Invoke) -> None:
    create = ("sessions", "create", "probe", "--input", 'name="me"', "--session-id", "old", "--set", "isolated=false")
    assert invoke(*create).exit_code == 0
    result = invoke("sessions", "run", "old", "--isolated")
    assert result.exit_code == 2
    assert "Session old sets isolated itself" in result.stderr


def test_options_of_an_unknown_engine_are_refused_with_what_is_known(invoke: Invoke) -> None:
    result = invoke(*RUN, "--set", "engines.daks.address=tcp://here:1")
    assert result.exit_code == 2
    assert "engines.daks: there is no such engine." in result.stderr
    assert 'Did you mean "dask"? (--set engines.daks.address=tcp://here:1)' in result.stderr
    assert invoke(*RUN, "--quiet", "--set", "engines.dask.address=tcp://here:1").exit_code == 0


def test_doctor_tells_of_each_engine_whether_what_it_needs_is_here(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneml.habitats.cli.commands.doctor.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    checks = {
        row["name"]: row for row in json.loads(invoke("doctor", "--json").stdout.split("\n}\n")[0] + "\n}")["checks"]
    }
    assert checks["engine in-process"]["detail"] == "built in"
    assert "pip install 'oneml-habitats[dask]'" in checks["engine dask"]["detail"]
    assert "sbatch, which is not on the PATH" in checks["engine slurm"]["detail"]


@pytest.mark.parametrize("engine", ["in-process", "process"])
def test_lines_of_a_node_are_told_before_its_end(invoke: Invoke, tmp_path: Path, engine: str) -> None:
    file = tmp_path / "events"
    invoke(*RUN, "--quiet", "--engine", engine, "--events-file", str(file))
    told = [
        event.get("line", event.get("state")) for event in events_in(file.read_text()) if event.get("path") == "//make"
    ]
    assert (told[0], told[-1], sorted(told[1:-1])) == (
        "running",
        "succeeded",
        ["printed by a child", "printed by the body"] if engine == "process" else ["printed by the body"],
    )


@pytest.mark.parametrize("progress", ["json", "plain"])
def test_what_nodes_print_in_the_driver_shows_no_secret(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, progress: str
) -> None:
    monkeypatch.setenv("WORD", "printed")
    result = invoke(*RUN, "--progress", progress, "--set", "token=env:WORD")
    assert "********** by the body" in result.stderr
    assert "printed" not in result.stderr
    if progress == "json":
        assert all(line.startswith("{") for line in result.stderr.splitlines())
