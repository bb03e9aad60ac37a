"""Lines that a node prints while others run on other threads of the same process."""

import contextvars
import io
import os
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import AnyStr, TextIO, cast

LOG_MAX_CHARACTERS = 1 << 20
"""Of one attempt; what is written beyond is dropped."""

LINE_MAX_CHARACTERS = 8192
_SEEN_CHARACTERS = 2 * LINE_MAX_CHARACTERS
"""A line is cut once its secrets are hidden: of one at the cut, this much shows all."""

FLUSH_SECONDS = 0.05


def shown(text: AnyStr, carriage_return: AnyStr) -> AnyStr:
    """Return what a terminal would show of text without an end of line: each carriage return begins it anew.

    One at the end stays: an end of a line may have another half, and a progress bar ends so.
    """
    begun = text.rstrip(carriage_return)
    return begun.rpartition(carriage_return)[2] + text[len(begun) :][:1]


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
        self._lock = threading.RLock()  # what is collected as garbage meanwhile may print
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

    def show_rest(self) -> None:
        """Hand on everything, also what does not end a line."""
        with self._lock:
            if self._rest:
                self._add(self._mask(self._rest.rstrip("\r")))
                self._rest = ""
        self.flush()

    def _cut(self, text: str) -> None:
        *whole, rest = (self._rest + text).split("\n")
        for line in whole:
            self._add(self._mask(shown(line, "\r").rstrip("\r")))
        rest = shown(rest, "\r")
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
            self._lines.append(piece)
        if self._characters > LOG_MAX_CHARACTERS:
            self._lines.append(f"... output beyond {LOG_MAX_CHARACTERS} characters is dropped")


class _AsItIs:
    """In place of a sink: what is printed goes to where it goes without any."""


_sink: contextvars.ContextVar[LineSink | _AsItIs | None] = contextvars.ContextVar("oneml-line-sink", default=None)
_as_it_is = _AsItIs()
_open: list[LineSink] = []
_lock = threading.Lock()


class PrintedTo:
    """Sends to a sink what the calling thread prints, and what other threads print while no other sink is open.

    Streams have to be put in front of the standard ones before, by `divert` or `diverted`.
    """

    __slots__ = ("_sink", "_token")

    def __init__(self, sink: LineSink) -> None:
        self._sink = sink
        self._token: contextvars.Token[LineSink | _AsItIs | None]

    def __enter__(self) -> None:
        """Begin."""
        self._token = _sink.set(self._sink)
        _open.append(self._sink)

    def __exit__(self, *_: object) -> None:
        """End, and hand on everything."""
        _open.remove(self._sink)
        _sink.reset(self._token)
        self._sink.show_rest()


@contextmanager
def printed_as_it_is() -> Generator[None]:
    """Let what the calling thread prints in the block be no node's."""
    token = _sink.set(_as_it_is)
    try:
        yield
    finally:
        _sink.reset(token)


def is_printed() -> bool:
    """Tell whether what is printed may go to a sink now."""
    return bool(_open)


@contextmanager
def diverted() -> Generator[None]:
    """Put streams in front of the standard ones until the block ends, for whoever takes hold of them meanwhile.

    Whoever reads from standard input has what a node has begun to print shown first: it is what the node asks.
    """
    before = {name: cast("object", getattr(sys, name)) for name in ("stdout", "stderr", "stdin")}
    divert()
    if sys.stdin is not None:  # pyright: ignore[reportUnnecessaryComparison]  # a process may have none
        sys.stdin = _Asking(sys.stdin)
    ours = {name: cast("object", getattr(sys, name)) for name in before}
    try:
        yield
    finally:
        for name, stream in before.items():
            if getattr(sys, name) is ours[name]:
                setattr(sys, name, stream)


def divert() -> None:
    """Put streams in front of the standard ones for good, for handlers of logging may hold them."""
    with _lock:
        if not isinstance(sys.stdout, _Diverted):
            sys.stdout = _Diverted(sys.stdout)
        if not isinstance(sys.stderr, _Diverted):
            sys.stderr = _Diverted(sys.stderr)


def _current() -> LineSink | None:
    sink = _sink.get()
    if sink is None:
        sinks = tuple(_open)
        return sinks[0] if len(sinks) == 1 else None
    return sink if isinstance(sink, LineSink) else None


class _InFront(io.TextIOBase):
    """Stands in front of a stream, which it is in all that it does not do otherwise."""

    def __init__(self, behind: TextIO) -> None:
        super().__init__()
        self._behind = behind
        self._process_id = os.getpid()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read only here
        return self._behind.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # read only here
        return self._behind.errors

    def fileno(self) -> int:
        return self._behind.fileno()

    def close(self) -> None:
        """Do nothing, as when it is collected as garbage: what stands behind is not its own."""

    def isatty(self) -> bool:
        return self._sink_here() is None and self._behind.isatty()

    def _sink_here(self) -> LineSink | None:
        """Return the sink; none in a forked process, whose lines nobody would hear of."""
        return _current() if os.getpid() == self._process_id else None

    def __getattr__(self, name: str) -> object:
        """Return what the stream has of that name; what takes bytes is the process's own."""
        return cast("object", getattr(self._behind, name))


class _Diverted(_InFront):
    """Prints to the sink of the thread, or to where it stood before."""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        sink = self._sink_here()
        if sink is None:
            return self._behind.write(text)
        sink.write(text)
        return len(text)

    def flush(self) -> None:
        self._behind.flush()


class _Asking(_InFront):
    """Standard input, before which a question is shown."""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        self._show()
        return self._behind.read(-1 if size is None else size)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # as TextIO has it
        self._show()
        return self._behind.readline(size)

    def _show(self) -> None:
        sink = self._sink_here()
        if sink is not None:
            sink.show_rest()
