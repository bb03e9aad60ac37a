"""What a worker writes while a node runs: cut into lines, bounded, and shown at once."""

from collections import deque
from collections.abc import Callable

from oneml.habitats.engines.task_lines import shown

LOG_MAX_BYTES = 1 << 20
"""Of one attempt; what is written beyond is read and dropped."""

LINE_MAX_BYTES = 8192
_SEEN_BYTES = 2 * LINE_MAX_BYTES
"""A line is cut once its secrets are hidden: of one at the cut, this much shows all."""

_TAIL_LINES = 20


class NodeOutput:
    """The output of one attempt.

    Args:
        mask: Returns a text without the secrets in it.
        log: Takes a masked line.
    """

    def __init__(self, mask: Callable[[str], str], log: Callable[[str], None]) -> None:
        self._mask = mask
        self._log = log
        self._pending = b""
        self._bytes = 0
        self._last: deque[bytes] = deque(maxlen=_TAIL_LINES)

    def write(self, data: bytes) -> None:
        """Take what came; lines that are whole are shown."""
        *lines, rest = (self._pending + data).split(b"\n")
        for line in lines:
            self._line(shown(line, b"\r"))
        rest = shown(rest, b"\r")
        if len(rest) > _SEEN_BYTES:
            masked = self._mask(rest.decode(errors="surrogateescape"))  # as a whole: a piece may end amid a secret
            rest = masked.encode(errors="surrogateescape")
        while len(rest) > _SEEN_BYTES:
            self._line(rest[:LINE_MAX_BYTES])
            rest = rest[LINE_MAX_BYTES:]
        self._pending = rest

    def end(self) -> None:
        """Show what came after the last end of a line."""
        rest, self._pending = self._pending, b""
        if rest:
            self._line(rest)

    def tail(self) -> list[str]:
        """Return the last lines, masked."""
        return [self._text(line) for line in self._last]

    def _line(self, data: bytes) -> None:
        self._last.append(data)
        before = self._bytes
        self._bytes += len(data) + 1
        if before < LOG_MAX_BYTES:
            self._log(self._text(data))
            if self._bytes >= LOG_MAX_BYTES:
                self._log(f"... output beyond {LOG_MAX_BYTES} bytes is dropped")

    def _text(self, line: bytes) -> str:
        return self._mask(line.decode(errors="replace").rstrip("\r"))[:LINE_MAX_BYTES]
