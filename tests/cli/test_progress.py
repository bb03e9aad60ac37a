"""Progress: a bar that keeps one line, plain lines elsewhere, and little of it for very many nodes."""

import io
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from oneml.habitats.cli.progress import ProgressLines, Shown, progress
from oneml.habitats.cli.progress_bar import AboveBar, ProgressBar, at_the_foot
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

    def __init__(self, *, tty: bool = False) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

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


def test_what_nodes_print_stands_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(tty=True)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("sys.stderr", terminal)
    with at_the_foot(ProgressBar(terminal, monotonic=iter(range(100)).__next__)) as bar:
        tell(bar, [started(2), node("//a", S.RUNNING)])
        print("first")  # noqa: T201  # as nodes do
        print("second", file=sys.stderr)  # noqa: T201  # likewise
        assert terminal.screen() == ["first", "second", f"[{'-' * 30}]  0/2  //a"]
    assert terminal.screen() == ["first", "second", ""]
    assert sys.stdout is terminal


def test_lines_of_several_threads_stay_whole_unless_they_are_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(tty=True)
    monkeypatch.setattr("sys.stdout", terminal)
    with at_the_foot(ProgressBar(terminal)):
        sys.stdout.write("mine ")
        other = threading.Thread(target=print, args=("another's",))
        other.start()
        other.join()
        sys.stdout.write("goes on\n45 %")
        sys.stdout.flush()
        assert terminal.screen() == ["another's", "mine goes on", "45 %"]
        sys.stdout.write(", begun")
    assert terminal.screen() == ["another's", "mine goes on", "45 %, begun", ""]


def test_bar_waits_for_the_end_of_a_line_and_a_node_that_ends_ends_its_line() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal, monotonic=iter(range(100)).__next__)
    tell(bar, [started(2), node("//a", S.RUNNING)])
    for text in ("half ", "a line"):
        bar.write_above(terminal, text)
    bar(node("//b", S.RUNNING))
    assert terminal.screen() == ["half a line"]
    bar(node("//a", S.SUCCEEDED))
    assert terminal.screen() == ["half a line", f"[{'#' * 15}{'-' * 15}]  1/2  //b"]


def test_bar_catches_up_with_what_came_too_soon_to_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneml.habitats.cli.progress_bar.CATCH_UP_SECONDS", 0.01)
    terminal = Terminal()
    with at_the_foot(ProgressBar(terminal, monotonic=lambda: 5.0)) as bar:
        tell(bar, [started(2), node("//a", S.SUCCEEDED)])
        deadline = time.monotonic() + 10
        while not terminal.screen()[-1].endswith("1/2") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert terminal.screen()[-1].endswith("1/2")


def test_stream_that_was_kept_writes_on_when_the_bar_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(tty=True)
    monkeypatch.setattr("sys.stdout", terminal)
    with at_the_foot(ProgressBar(terminal)) as bar:
        kept = sys.stdout
        bar(started(2))
    kept.writelines(["later\n", "still\n"])
    assert terminal.screen() == ["later", "still", ""]


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_process_writes_although_the_bar_is_locked() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal)
    above = AboveBar(terminal, bar)
    locked, done = threading.Event(), threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str, /) -> int:
            locked.set()
            done.wait(10)
            return len(text)

    holder = threading.Thread(target=bar.write_above, args=(Slow(), "x"))
    holder.start()
    locked.wait(10)
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        above.write("from the child\n")
        above.flush()
        os._exit(0 if terminal.screen()[0] == "from the child" else 1)
    status = os.waitpid(child, 0)[1]
    done.set()
    holder.join()
    assert status == 0


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


def test_no_terminal_gets_lines_and_quiet_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as (observer,):
        assert isinstance(observer, ProgressLines)
    with progress(Shown.NONE) as (nothing,):
        nothing(NodeLog(ID, NodePath("//a"), "a line"))
    assert "".join(capsys.readouterr()) == ""
