"""Progress of a running session on standard error: a bar on a terminal, lines elsewhere, events as JSON."""

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import click

from oneml.habitats.cli.events import EventLines, UntilBroken
from oneml.habitats.cli.named_files import writing
from oneml.habitats.cli.progress_bar import ProgressBar, at_the_foot
from oneml.habitats.cli.tally import Tally, is_news
from oneml.habitats.ports.observer import Event, NodeLog, Observer, SessionEvent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import FINAL_NODE_STATES, SessionState

LINES_OF_SUCCESS = 100
"""About so many nodes get a line of their own for having succeeded, however many there are."""


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
        ReportedError: The file cannot be opened.
    """
    with ExitStack() as stack:
        observers: list[Observer] = []
        if events_file is not None:
            with writing(events_file):
                file = events_file.open("a", encoding="utf-8")
            lines = UntilBroken(EventLines(lambda: file, label_of=label_of, ended=ended))
            stack.callback(lines.attempt, file.close)
            observers.append(lines)
        if shown is Shown.JSON:
            observers.append(UntilBroken(EventLines(lambda: sys.stderr, label_of=label_of, ended=ended)))
        elif shown is Shown.NONE:
            observers.append(_ignore)
        else:
            observers.append(stack.enter_context(progress_text(sys.stderr, shown, ended=ended)))
        yield observers


@contextmanager
def progress_text(
    stream: TextIO, shown: Shown = Shown.AUTO, *, ended: int = 0
) -> "Generator[ProgressBar | ProgressLines]":
    """Give the observer that tells people of progress while the block runs: a bar on a terminal that is not dumb."""
    if shown is Shown.AUTO and stream.isatty() and os.environ.get("TERM") != "dumb":
        with at_the_foot(ProgressBar(stream, ended=ended)) as bar:
            yield bar
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


def _ignore(_: Event) -> None:
    """Show nothing, neither what nodes print."""


def _counted(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"
