"""Progress of a running session on standard error: a bar on a terminal, plain lines elsewhere."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import click

from oneml.habitats.cli.events import EventLines, UntilBroken
from oneml.habitats.cli.tally import Tally
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog, Observer, SessionEvent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import FINAL_NODE_STATES, NodeState, SessionState

LINES_OF_SUCCESS = 100
"""About so many nodes get a line of their own for having succeeded, however many there are."""

REDRAW_SECONDS = 0.05
BAR_WIDTH = 30


class Shown(StrEnum):
    """How progress is shown."""

    AUTO = "auto"
    """A bar on a terminal, lines elsewhere."""
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


@contextmanager
def progress(
    shown: Shown = Shown.AUTO,
    *,
    events_file: Path | None = None,
    label_of: Callable[[NodePath], str] = lambda _: "",
    ended: int = 0,
) -> Generator[Sequence[Observer]]:
    """Give the observers that show progress on standard error while the block runs.

    Args:
        shown: How.
        events_file: A file that events are appended to as lines of JSON, beside what is shown.
        label_of: Gives the values of a node of a fan-out; empty for other nodes.
        ended: How many nodes have ended before.

    Raises:
        OSError: The file cannot be opened.
    """
    with ExitStack() as stack:
        observers: list[Observer] = []
        if events_file is not None:
            file = stack.enter_context(events_file.open("a", encoding="utf-8"))
            observers.append(UntilBroken(EventLines(lambda: file, label_of=label_of, ended=ended)))
        if shown is Shown.JSON:
            observers.append(UntilBroken(EventLines(lambda: sys.stderr, label_of=label_of, ended=ended)))
        elif shown is not Shown.NONE:
            observers.append(stack.enter_context(progress_text(sys.stderr, shown, ended=ended)))
        yield observers


@contextmanager
def progress_text(
    stream: TextIO, shown: Shown = Shown.AUTO, *, ended: int = 0
) -> "Generator[ProgressBar | ProgressLines]":
    """Give the observer that tells people of progress while the block runs: a bar on a terminal that is not dumb."""
    if shown is Shown.AUTO and stream.isatty() and os.environ.get("TERM") != "dumb":
        bar = ProgressBar(stream, ended=ended)
        try:
            yield bar
        finally:
            bar.erase()
    else:
        yield ProgressLines(stream, ended=ended)


class ProgressLines:
    """An observer that prints a line whenever a node ends; of very many, only some of those that succeed.

    Args:
        stream: Where to; None for standard error.
        ended: How many nodes have ended before.
    """

    def __init__(self, stream: TextIO | None = None, *, ended: int = 0) -> None:
        self._stream = stream
        self._tally = Tally(ended)

    def __call__(self, event: Event) -> None:
        """Print what is worth a line."""
        if isinstance(event, NodeLog):
            self._print(f"{event.path} | {event.line}")
            return
        self._tally.take(event)
        if isinstance(event, SessionEvent):
            if event.state is SessionState.RUNNING:
                self._print(f"Session {event.session_id} runs {_counted(event.node_count)}.")
        elif is_news(event) or (event.state in FINAL_NODE_STATES and self._is_sampled()):
            self._print(self._tally.line(event))

    def refresh(self) -> None:
        """Do nothing: what is worth a line has one."""

    def _print(self, line: str) -> None:
        click.echo(line, file=self._stream, err=True)

    def _is_sampled(self) -> bool:
        step = max(1, self._tally.total // LINES_OF_SUCCESS)
        return self._tally.ended % step == 0 or self._tally.ended == self._tally.total


class ProgressBar:
    """An observer that keeps one line of a terminal up to date, and prints above it what is news.

    Args:
        stream: The terminal.
        ended: How many nodes have ended before.
        monotonic: Seconds, so that it is not redrawn more often than eyes follow.
    """

    def __init__(self, stream: TextIO, *, ended: int = 0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._tally = Tally(ended)
        self._running: dict[NodePath, None] = {}
        self._drawn = 0
        self._redraw_at = 0.0

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        if isinstance(event, NodeLog):
            self._print(f"{event.path} | {event.line}")
            return
        self._tally.take(event)
        if isinstance(event, NodeEvent):
            self._running.pop(event.path, None)
            if event.state is NodeState.RUNNING:
                self._running[event.path] = None
            if is_news(event):
                self._print(self._tally.line(event))
        self._draw()

    def refresh(self) -> None:
        """Draw what is so by now, however short a time ago it was drawn."""
        self._redraw_at = 0.0
        self._draw()

    def erase(self) -> None:
        """Leave an empty line where the bar was."""
        if self._drawn:
            self._stream.write(f"\r{' ' * self._drawn}\r")
            self._stream.flush()
            self._drawn = 0

    def _print(self, line: str) -> None:
        self.erase()
        click.echo(line, file=self._stream)
        self._redraw_at = 0.0
        self._draw()

    def _draw(self) -> None:
        tally, now = self._tally, self._monotonic()
        if not tally.total or now < self._redraw_at:
            return
        self._redraw_at = now + REDRAW_SECONDS
        filled = BAR_WIDTH * tally.ended // tally.total
        bar = f"[{'#' * filled}{'-' * (BAR_WIDTH - filled)}]  {tally.ended}/{tally.total}  {self._current()}"
        line = bar[: shutil.get_terminal_size().columns - 1].rstrip()
        self._stream.write(f"\r{line}{' ' * (self._drawn - len(line))}")
        self._stream.flush()
        self._drawn = len(line)

    def _current(self) -> str:
        if not self._running:
            return ""
        more = f" and {len(self._running) - 1} more" if len(self._running) > 1 else ""
        return f"{next(iter(self._running))}{more}"


def is_news(event: NodeEvent) -> bool:
    """Tell whether a person wants to read of it whatever the number of nodes: a failure, or another try."""
    again = event.state is NodeState.PENDING and bool(event.detail)
    return again or event.state in {NodeState.FAILED, NodeState.REFUSED}


def _counted(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"
