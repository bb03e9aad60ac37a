"""A line at the foot of a terminal that is kept up to date, and stays there whatever else is written."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO, cast

import click

from oneml.habitats.cli.tally import Tally, is_news
from oneml.habitats.engines.task_lines import printed_as_it_is
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import FINAL_NODE_STATES, NodeState

REDRAW_SECONDS = 0.05
CATCH_UP_SECONDS = 0.2
"""What was not drawn because it was drawn a moment before is, at the latest, after so long."""
BAR_WIDTH = 30


class ProgressBar:
    """An observer that keeps one line of a terminal up to date, and prints above it what is news.

    Nodes may print from any thread, by what `at_the_foot` puts in the place of the standard streams.

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
        self._lock = threading.RLock()
        self._drawn = 0
        self._redraw_at = 0.0
        self._is_late = False
        self._is_mid_line = False

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        with self._lock:
            if isinstance(event, NodeLog):
                self._print(f"{event.path} | {event.line}")
                return
            self._tally.take(event)
            if isinstance(event, NodeEvent):
                self._running.pop(event.path, None)
                if event.state is NodeState.RUNNING:
                    self._running[event.path] = None
                if event.state in FINAL_NODE_STATES:
                    self._end_line()
                if is_news(event):
                    self._print(self._tally.line(event))
            self._draw()

    def refresh(self) -> None:
        """Draw what is so by now, however short a time ago it was drawn."""
        with self._lock:
            self._redraw_at = 0.0
            self._draw()

    def catch_up(self) -> None:
        """Draw what was not drawn when it came, if anything was not."""
        with self._lock:
            if self._is_late:
                self.refresh()

    def erase(self) -> None:
        """Leave an empty line where the bar was."""
        with self._lock:
            if self._drawn:
                self._stream.write(f"\r{' ' * self._drawn}\r")
                self._stream.flush()
                self._drawn = 0
            self._end_line()

    def write_above(self, stream: TextIO, text: str) -> int:
        """Write what somebody else has to say; the bar comes back below it once its line is whole.

        Args:
            stream: Where to, the same terminal.
            text: What is written; need not end a line.
        """
        with self._lock:
            if not self._is_mid_line:
                self.erase()
            written = stream.write(text)
            if text:
                self._is_mid_line = not text.endswith("\n")
            self._draw()
            return written

    def _print(self, line: str) -> None:
        self.erase()
        click.echo(line, file=self._stream)
        self.refresh()

    def _end_line(self) -> None:
        if self._is_mid_line:
            self._stream.write("\n")
            self._stream.flush()
            self._is_mid_line = False

    def _draw(self) -> None:
        tally, now = self._tally, self._monotonic()
        if not tally.total or self._is_mid_line:
            return
        self._is_late = now < self._redraw_at
        if self._is_late:
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


class AboveBar:
    """A standard stream whose text stands above a bar; in all else it is the stream.

    A line is written when it is whole, or flushed, so that those of several threads do not run into each other.

    Args:
        stream: The stream, of the terminal of the bar.
        bar: The bar.
    """

    def __init__(self, stream: TextIO, bar: ProgressBar) -> None:
        self._stream = stream
        self._bar: ProgressBar | None = bar
        self._process_id = os.getpid()
        self._begun: dict[int, str] = {}

    def write(self, text: str) -> int:
        """Write above the bar, while there is one."""
        bar = self._bar_here()
        if bar is None:
            return self._stream.write(text)
        thread = threading.get_ident()
        whole, end, rest = (self._begun.pop(thread, "") + text).rpartition("\n")
        if rest:
            self._begun[thread] = rest
        if end:
            bar.write_above(self._stream, whole + end)
        return len(text)

    def flush(self) -> None:
        """Write what this thread has begun."""
        bar = self._bar_here()
        rest = self._begun.pop(threading.get_ident(), "")
        if rest and bar is not None:
            bar.write_above(self._stream, rest)
        self._stream.flush()

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all of them."""
        for line in lines:
            self.write(line)

    def let_go(self) -> None:
        """Write what was begun, and do without the bar from now on; whoever took this for the stream may keep it."""
        bar, self._bar = self._bar_here(), None
        while self._begun:
            _, rest = self._begun.popitem()
            if bar is not None:
                bar.write_above(self._stream, f"{rest}\n")

    def _bar_here(self) -> ProgressBar | None:
        """Return the bar; none in a forked process, where its lock may be held for ever."""
        return self._bar if os.getpid() == self._process_id else None

    def __getattr__(self, name: str) -> object:
        """Return what the stream has of that name."""
        return cast("object", getattr(self._stream, name))


@contextmanager
def at_the_foot(bar: ProgressBar) -> Generator[ProgressBar]:
    """Keep a bar below all that Python code of this process prints while the block runs, then erase it."""
    ended = threading.Event()

    @printed_as_it_is()
    def catch_up() -> None:
        while not ended.wait(CATCH_UP_SECONDS):
            bar.catch_up()

    with ExitStack() as stack:
        stack.callback(bar.erase)
        stack.enter_context(redirect_stdout(_above(sys.stdout, bar, stack)))
        stack.enter_context(redirect_stderr(_above(sys.stderr, bar, stack)))
        thread = threading.Thread(target=catch_up, name="oneml-progress", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(ended.set)
        yield bar


def _above(stream: TextIO, bar: ProgressBar, stack: ExitStack) -> TextIO:
    """Return what stands for a stream until the stack is unwound: itself, where it is not of a terminal."""
    if not stream.isatty():
        return stream
    above = AboveBar(stream, bar)
    stack.callback(above.let_go)
    return cast("TextIO", above)
