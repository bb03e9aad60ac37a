"""``oneml sessions watch``: following what another process drives, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from oneml.habitats.cli.following import Follower
from oneml.habitats.ports.observer import Event, NodeEvent
from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import NodeState, SessionState

Invoke = Callable[..., Result]
RUN = ("run-pipeline", "probe", "--quiet", "--input", 'name="me"', "--session-id")
ONEML = (sys.executable, "-m", "oneml.habitats")


def row(path: str, state: NodeState, second: int = 0, detail: str = "") -> NodeRow:
    return NodeRow(NodePath(path), state, 1, datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), None, detail)


class Recorded:
    """A session that stands otherwise at each look."""

    session_id = "some-session"

    def __init__(self, *looks: tuple[SessionState, list[NodeRow]]) -> None:
        self.looks = list(looks)
        self.plan = type("Plan", (), {"nodes": {"//a": None, "//b": None}})()

    @property
    def state(self) -> SessionState:
        return self.looks[0][0]

    def node_rows(self) -> dict[NodePath, NodeRow]:
        _, rows = self.looks.pop(0)
        return {one.path: one for one in rows}


def followed(*looks: tuple[SessionState, list[NodeRow]], **more: Any) -> list[str]:
    seen: list[str] = []

    def observe(event: Event) -> None:
        path = f"{event.path} " if isinstance(event, NodeEvent) else ""
        seen.append(f"{path}{event.state}")  # type: ignore[union-attr]  # there are no lines of nodes

    session: Any = Recorded(*looks)
    Follower(session, [observe]).follow(**{"interval_seconds": 1, "after_look": lambda: None, **more})
    return seen


def test_every_change_is_told_once_in_the_order_of_time_and_the_end_last() -> None:
    slept: list[float] = []
    seen = followed(
        (SessionState.CREATED, []),
        (SessionState.RUNNING, [row("//a", NodeState.SUCCEEDED, 9), row("//b", NodeState.RUNNING, 5)]),
        (SessionState.RUNNING, [row("//a", NodeState.SUCCEEDED, 9), row("//b", NodeState.RUNNING, 5)]),
        (SessionState.FAILED, [row("//a", NodeState.SUCCEEDED, 9), row("//b", NodeState.FAILED, 10)]),
        sleep=slept.append,
        monotonic=lambda: 0,
    )
    assert seen == ["created", "running", "//b running", "//a succeeded", "//b failed", "failed"]
    assert slept == [1, 1, 1]


def test_looks_that_take_long_are_made_seldom() -> None:
    slept: list[float] = []
    looks = [(SessionState.RUNNING, [])] * 2 + [(SessionState.SUCCEEDED, [])]
    followed(*looks, sleep=slept.append, monotonic=iter(range(0, 99, 7)).__next__)
    assert slept == [7, 7]


def test_session_that_has_ended_is_told_as_its_run_was(invoke: Invoke) -> None:
    assert invoke(*RUN, "good").exit_code == 0
    result = invoke("sessions", "watch", "good")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert (lines[0], lines[-2]) == ("[1/5] //make succeeded", "[5/5] //nothing succeeded")
    assert lines[-1] == "Session good succeeded: 5 succeeded."


def test_session_that_failed_ends_with_1_and_shows_why(invoke: Invoke) -> None:
    assert invoke(*RUN, "bad", "--set", "fail=true").exit_code == 1
    result = invoke("sessions", "watch", "bad")
    assert result.exit_code == 1
    assert "[4/5] //join failed: ValueError: asked to fail\n" in result.stdout
    assert "Error: session bad failed: 3 succeeded, 1 failed, 1 skipped." in result.stderr
    assert "Traceback" in result.stderr


def test_events_are_lines_of_standard_output_and_no_document_of_an_error_follows(invoke: Invoke) -> None:
    assert invoke(*RUN, "bad", "--set", "fail=true").exit_code == 1
    result = invoke("sessions", "watch", "bad", "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert {event["schema"] for event in events} == {"oneml.event/1"}
    states = {event["path"]: event["state"] for event in events if event["event"] == "node"}
    assert (states["//join"], states["//nothing"], len(states)) == ("failed", "skipped", 5)
    assert (events[-1]["event"], events[-1]["state"], events[-1]["ended"]) == ("session", "failed", 5)
    assert result.exit_code == 1


def test_once_tells_of_a_session_that_nobody_runs_and_ends(invoke: Invoke) -> None:
    assert invoke("sessions", "create", "probe", "--input", 'name="me"', "--session-id", "new").exit_code == 0
    result = invoke("sessions", "watch", "new", "--once")
    assert (result.exit_code, result.stdout) == (0, "Session new created: 5 pending.\n")


def test_unknown_session_is_an_error_as_elsewhere(invoke: Invoke) -> None:
    result = invoke("sessions", "watch", "nothing", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["schema"] == "oneml.error/1"


@contextmanager
def driven(environment: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give a driver whose last but one node waits."""
    command = [*ONEML, *RUN, "mine", "--set", "wait=true"]
    driver = subprocess.Popen(command, cwd=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (environment / "waiting").exists():
            assert driver.poll() is None
            time.sleep(0.02)
        yield driver
    finally:
        driver.kill()
        driver.wait()


def test_ctrl_c_ends_the_watching_and_not_the_session(environment: Path) -> None:
    with driven(environment) as driver:
        command = [*ONEML, "sessions", "watch", "mine", "--interval", "0.1"]
        pipe = subprocess.PIPE
        watcher = subprocess.Popen(command, cwd=environment, stdout=pipe, stderr=pipe, text=True)
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "Session mine runs 5 nodes.\n"
        watcher.send_signal(signal.SIGINT)
        _, told = watcher.communicate(timeout=20)
        assert watcher.returncode == 130
        assert told == "Error: session mine is no longer watched; whoever drives it goes on.\n"
        assert driver.poll() is None


def test_session_whose_driver_is_killed_ends_the_watching_with_130(environment: Path) -> None:
    with driven(environment) as driver:
        command = [*ONEML, "sessions", "watch", "mine", "--interval", "0.1"]
        pipe = subprocess.PIPE
        watcher = subprocess.Popen(command, cwd=environment, stdout=pipe, stderr=pipe, text=True)
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "Session mine runs 5 nodes.\n"
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        _, told = watcher.communicate(timeout=20)
    assert watcher.returncode == 130
    assert told.startswith("Error: session mine was interrupted, nobody drives it any more: ")
    assert told.endswith(" Run what is left: oneml sessions run mine\n")


@pytest.mark.parametrize("interval", ["0", "-1", "0.01"])
def test_store_is_not_looked_at_without_pause(invoke: Invoke, interval: str) -> None:
    assert invoke("sessions", "watch", "x", "--interval", interval).exit_code == 2
