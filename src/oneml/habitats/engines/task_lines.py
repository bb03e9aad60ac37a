"""Lines that a node prints while others run on other threads of the same process."""

import contextvars
import io
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TextIO

LOG_MAX_CHARACTERS = 1 << 20
"""Of one attempt; what is written beyond is dropped."""

LINE_MAX_CHARACTERS = 8192
_SEEN_CHARACTERS = 2 * LINE_MAX_CHARACTERS
"""A line is cut once its secrets are hidden: of one at the cut, this much shows all."""

FLUSH_SECONDS = 0.05


class LineSink:
    """Cuts text into lines and hands them on in batches, the first of a batch at most 50 ms late.

    Args:
        send: Takes lines; called from any thread.
        later: Calls a function after some seconds, from any thread.
        mask: Returns a text without the secrets in it.
    """

    def __init__(
        self,
        send: Callable[[Sequence[str]], None],
        later: Callable[[float, Callable[[], None]], None],
        mask: Callable[[str], str],
    ) -> None:
        self._send = send
        self._later = later
        self._mask = mask
        self._lock = threading.Lock()
        self._rest = ""
        self._lines: list[str] = []
        self._characters = 0
        self._scheduled = False

    def write(self, text: str) -> None:
        """Take text as it is printed."""
        with self._lock:
            if self._characters > LOG_MAX_CHARACTERS:
                return
            self._cut(text)
            schedule = bool(self._lines) and not self._scheduled
            self._scheduled = self._scheduled or schedule
        if schedule:
            self._later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand on the lines that are whole."""
        with self._lock:
            lines, self._lines, self._scheduled = self._lines, [], False
            if lines:
                self._send(lines)

    def close(self) -> None:
        """Hand on everything."""
        with self._lock:
            if self._rest:
                self._add(self._mask(self._rest))
                self._rest = ""
        self.flush()

    def _cut(self, text: str) -> None:
        *whole, rest = (self._rest + text).split("\n")
        for line in whole:
            self._add(self._mask(line))
        if len(rest) > _SEEN_CHARACTERS:
            rest = self._mask(rest)  # as a whole: a piece may end amid a secret
        while len(rest) > _SEEN_CHARACTERS:
            self._add(rest[:LINE_MAX_CHARACTERS])
            rest = rest[LINE_MAX_CHARACTERS:]
        self._rest = rest

    def _add(self, line: str) -> None:
        for start in range(0, len(line) or 1, LINE_MAX_CHARACTERS):
            piece = line[start : start + LINE_MAX_CHARACTERS]
            if self._characters > LOG_MAX_CHARACTERS:
                return
            self._characters += len(piece) + 1
            self._lines.append(piece.rstrip("\r"))
        if self._characters > LOG_MAX_CHARACTERS:
            self._lines.append(f"... output beyond {LOG_MAX_CHARACTERS} characters is dropped")


_sink: contextvars.ContextVar[LineSink | None] = contextvars.ContextVar("oneml-line-sink", default=None)
_open: list[LineSink] = []
_lock = threading.Lock()


@contextmanager
def printed_to(sink: LineSink) -> Generator[None]:
    """Send to ``sink`` what the calling thread prints, and what other threads print while no other sink is open."""
    _divert()
    token = _sink.set(sink)
    with _lock:
        _open.append(sink)
    try:
        yield
    finally:
        with _lock:
            _open.remove(sink)
        _sink.reset(token)
        sink.close()


def _divert() -> None:
    """Put a stream in front of stdout and stderr; it stays, for handlers of logging may hold it."""
    with _lock:
        if not isinstance(sys.stdout, _Diverted):
            sys.stdout = _Diverted(sys.stdout)
        if not isinstance(sys.stderr, _Diverted):
            sys.stderr = _Diverted(sys.stderr)


def _current() -> LineSink | None:
    sink = _sink.get()
    if sink is not None:
        return sink
    with _lock:
        return _open[0] if len(_open) == 1 else None


class _Diverted(io.TextIOBase):
    """Prints to the sink of the thread, or to where it stood before."""

    def __init__(self, behind: TextIO) -> None:
        super().__init__()
        self._behind = behind

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read only here
        return self._behind.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # read only here
        return self._behind.errors

    @property
    def buffer(self) -> object:
        """What takes bytes: they go to the process's own output."""
        return self._behind.buffer

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._behind.fileno()

    def write(self, text: str, /) -> int:
        sink = _current()
        if sink is None:
            return self._behind.write(text)
        sink.write(text)
        return len(text)

    def flush(self) -> None:
        self._behind.flush()
