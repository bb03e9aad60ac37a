"""What was computed from files, kept by their content."""

from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class ByContent(Generic[Found]):
    """Computes something once for each content; sources themselves are not kept.

    Args:
        compute: Computes it from the SHA-256 of a file and its bytes.
        source_bytes_max: Size of files together, beyond which all is forgotten.
    """

    def __init__(self, compute: Callable[[str, bytes], Found], *, source_bytes_max: int) -> None:
        self._compute = compute
        self._source_bytes_max = source_bytes_max
        self._known: dict[str, Found] = {}
        self._source_bytes = 0

    def of(self, raw: str, source: bytes) -> Found:
        """Return what a file gives.

        Args:
            raw: SHA-256 of ``source``.
            source: Its bytes.
        """
        try:
            return self._known[raw]
        except KeyError:
            found = self._compute(raw, source)
        if self._source_bytes + len(source) > self._source_bytes_max:
            self.forget()
        self._source_bytes += len(source)
        self._known[raw] = found
        return found

    def forget(self) -> None:
        """Keep nothing any more."""
        self._known.clear()
        self._source_bytes = 0
