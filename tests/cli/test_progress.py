"""Progress: a bar that keeps one line, plain lines elsewhere, and little of it for very many nodes."""

import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from oneml.habitats.cli.progress import ProgressBar, ProgressLines, Shown, progress
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog, Observer, SessionEvent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

ID = SessionId("some-session")
S = NodeState


def started(nodes: int) -> SessionEvent:
    return SessionEvent(ID, SessionState.RUNNING, datetime.now(UTC), nodes)


def node(path: str, state: NodeState, detail: str = "") -> NodeEvent:
    return NodeEvent(ID, NodePath(path), state, 1, detail)


def tell(observer: Observer, events: Iterable[Event]) -> None:
    for event in events:
        observer(event)


class Terminal(io.StringIO):
    """A terminal that knows what it shows."""

    def screen(self) -> list[str]:
        lines: list[str] = []
        for line in self.getvalue().split("\n"):
            shown = ""
            for piece in line.split("\r"):
                shown = piece + shown[len(piece) :]
            lines.append(shown.rstrip())
        return lines


RUN = [
    started(3),
    node("//a", S.RUNNING),
    NodeLog(ID, NodePath("//a"), "a line"),
    node("//a", S.SUCCEEDED),
    node("//b", S.RUNNING),
    node("//b", S.PENDING, "attempt 1 of 2 failed (ValueError: x); it will be tried again"),
    node("//b", S.FAILED, "ValueError: x"),
    node("//c", S.SKIPPED, "because //b failed"),
    SessionEvent(ID, SessionState.FAILED, datetime.now(UTC), 3),
]


def test_plain_lines_tell_of_every_end_and_of_every_retry(capsys: pytest.CaptureFixture[str]) -> None:
    tell(ProgressLines(), RUN)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.splitlines() == [
        "Session some-session runs 3 nodes.",
        "//a | a line",
        "[1/3] //a succeeded",
        "[1/3] //b pending: attempt 1 of 2 failed (ValueError: x); it will be tried again",
        "[2/3] //b failed: ValueError: x",
        "[3/3] //c skipped, because //b failed",
    ]


def test_plain_lines_of_very_many_nodes_are_few_but_leave_out_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    count = 10_000
    lines = ProgressLines()
    lines(started(count))
    for number in range(count):
        failed = number in {4_321, 4_322}
        lines(node(f"//n/{number}", S.FAILED if failed else S.SUCCEEDED))
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) < 110
    assert sum("failed" in line for line in shown) == 2
    assert shown[-1] == "[10000/10000] //n/9999 succeeded"


def test_bar_keeps_one_line_and_prints_news_above_it() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal, monotonic=iter(range(100)).__next__)
    tell(bar, RUN[:5])
    assert terminal.screen() == ["//a | a line", f"[{'#' * 10}{'-' * 20}]  1/3  //b"]
    tell(bar, RUN[5:])
    assert terminal.screen()[-2:] == ["[2/3] //b failed: ValueError: x", f"[{'#' * 30}]  3/3"]
    bar.erase()
    assert terminal.screen()[-1] == ""


def test_bar_is_not_redrawn_more_often_than_eyes_follow() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal, monotonic=lambda: 5.0)
    bar(started(1000))
    tell(bar, [node(f"//n/{number}", S.SUCCEEDED) for number in range(1000)])
    assert terminal.getvalue().count("\r") == 1


def test_bar_that_is_refreshed_shows_what_is_so_by_now() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal, monotonic=lambda: 5.0)
    tell(bar, [started(2), node("//a", S.SUCCEEDED), node("//b", S.SUCCEEDED)])
    assert terminal.screen()[-1].endswith("0/2")
    bar.refresh()
    assert terminal.screen()[-1].endswith("2/2")


def test_bar_counts_what_else_is_running_and_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    bar = ProgressBar(terminal, monotonic=iter(range(100)).__next__)
    tell(bar, [started(2), node("//a", S.RUNNING), node("//b", S.RUNNING)])
    assert terminal.screen()[-1].endswith("0/2  //a and 1 more")
    bar(node(f"//{'long' * 16}", S.RUNNING))
    tell(bar, [node("//a", S.SUCCEEDED), node("//b", S.SUCCEEDED)])
    assert max(len(line) for line in re.split(r"[\r\n]", terminal.getvalue())) <= 60


def test_bar_before_anything_is_known_draws_nothing() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal)
    bar.erase()
    bar(node("//a", S.RUNNING))
    assert terminal.getvalue() == ""


def test_node_that_was_reused_says_from_which_session(capsys: pytest.CaptureFixture[str]) -> None:
    reused = NodeEvent(ID, NodePath("//a"), S.SUCCEEDED, 0, "", SessionId("another"))
    tell(ProgressLines(), [started(1), reused])
    assert capsys.readouterr().err.splitlines()[1:] == ["[1/1] //a reused from another"]


class TtyError(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("term", "kind"), [("xterm", ProgressBar), ("dumb", ProgressLines)])
def test_terminal_gets_a_bar_unless_it_is_dumb(monkeypatch: pytest.MonkeyPatch, term: str, kind: type) -> None:
    monkeypatch.setattr("sys.stderr", TtyError())
    monkeypatch.setenv("TERM", term)
    with progress() as (observer,):
        assert isinstance(observer, kind)


def test_no_terminal_gets_lines_and_quiet_gets_nothing() -> None:
    with progress() as (observer,):
        assert isinstance(observer, ProgressLines)
    with progress(Shown.NONE) as observers:
        assert not observers
