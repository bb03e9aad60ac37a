"""Hashes what would be stored, and keeps none of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

from typing_extensions import Buffer

from oneml.habitats.ports.artifact_store import Blob, BlobStore
from oneml.habitats.stores.blob_spool import BlobSpool


class HashingBlobStore:
    """A store of blobs that tells under which hash something would lie, and writes nothing.

    Args:
        store: Where artifacts are read.
    """

    def __init__(self, store: BlobStore) -> None:
        self._store = store

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Blob:
        """Hash what ``write`` writes. What ``write`` raises passes through."""
        return BlobSpool(_Nowhere).filled_by(write)

    def open_blob(self, blob: Blob) -> AbstractContextManager[BinaryIO]:
        """Open an artifact that was stored; see `BlobStore`.

        Raises:
            StoreError: As the store itself.
        """
        return self._store.open_blob(blob)


class _Nowhere:
    def write(self, data: Buffer, /) -> None:
        """Drop it."""
