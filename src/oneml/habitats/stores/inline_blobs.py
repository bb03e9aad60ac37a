"""Artifacts that travel with what points at them: kept out of the store while they are small."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from typing import BinaryIO

from typing_extensions import Buffer, override

from oneml.habitats.ports.artifact_store import Blob, BlobStore


class InlineBlobStore:
    """Hands artifacts back inline up to a size, and stores larger ones.

    Args:
        store: Where larger ones go.
        inline_max_bytes: Up to which size they are handed back.
    """

    def __init__(self, store: BlobStore, inline_max_bytes: int) -> None:
        self._store = store
        self._inline_max_bytes = inline_max_bytes

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Blob:
        """Take what ``write`` writes; it is called a second time where that is too much to travel.

        Raises:
            StoreError: The store failed. What ``write`` raises passes through.
        """
        stream = _Bounded(self._inline_max_bytes)
        try:
            write(stream)
        except _TooLargeError:
            return self._store.write_blob(write)
        data = stream.getvalue()
        return Blob(hashlib.sha256(data).hexdigest(), len(data), data)

    def open_blob(self, blob: Blob) -> AbstractContextManager[BinaryIO]:
        """Open an artifact, wherever it is; see `ArtifactStore`."""
        return self._store.open_blob(blob)


class _TooLargeError(Exception):
    """More was written than may travel."""


class _Bounded(BytesIO):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self._limit_bytes = limit_bytes

    @override
    def write(self, data: Buffer, /) -> int:
        written = super().write(data)
        if self.tell() > self._limit_bytes:
            raise _TooLargeError
        return written
