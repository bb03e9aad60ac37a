"""The standard streams of a command, also where whoever started it closed some."""

import io
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO, cast

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def open_missing_streams() -> None:
    """Open the null device in place of every standard stream that is closed.

    Else the next file that is opened, perhaps the session database, would be standard output to child processes.
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for number, name in ((_STDOUT, "stdout"), (_STDERR, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))


def let_every_name_pass() -> None:
    """Let bytes that are no text, as names on a command line may have them, be written escaped to standard output."""
    stream: object = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        cast("io.TextIOWrapper", stream).reconfigure(errors="backslashreplace")


def silence_broken_streams() -> bool:
    """Send what is left for standard output and error to the null device where their reader has gone.

    Returns:
        Whether that was so of one of them: else something else has broken.
    """
    broken = [stream for stream in (sys.stdout, sys.stderr) if _is_broken(stream)]
    for stream in broken:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    return bool(broken)


def _is_broken(stream: TextIO) -> bool:
    import select  # noqa: PLC0415  # seldom needed

    try:
        number = stream.fileno()
    except OSError:  # a test's stream has none
        return False
    watched = select.poll()
    watched.register(number, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in watched.poll(0))


@contextmanager
def stdout_kept_for_data() -> Generator[None]:
    """Let everything that is written to standard output in the block, also by child processes, go to standard error.

    What nodes print must not stand inside the one document of a command, nor behind it: what threads print that are
    left from the block goes to standard error for good.
    """
    from oneml.habitats.engines.task_lines import diverted  # noqa: PLC0415  # most nodes are run without

    sys.stdout.flush()
    saved = os.dup(_STDOUT)
    before = set(threading.enumerate())
    try:
        os.dup2(_STDERR, _STDOUT)
        with redirect_stdout(sys.stderr), diverted():
            yield
    finally:
        os.dup2(saved, _STDOUT)
        os.close(saved)
        if not before.issuperset(threading.enumerate()) and not isinstance(sys.stdout, _OfOneThread):
            sys.stdout = cast("TextIO", _OfOneThread(sys.stdout, sys.stderr))


class _OfOneThread:
    """A stream for the thread that makes it, and another one for what other threads print."""

    def __init__(self, own: TextIO, others: TextIO) -> None:
        self._own = own
        self._others = others
        self._thread = threading.get_ident()

    def __getattr__(self, name: str) -> object:
        """Return what the stream of the calling thread has of that name."""
        return cast("object", getattr(self._own if threading.get_ident() == self._thread else self._others, name))
