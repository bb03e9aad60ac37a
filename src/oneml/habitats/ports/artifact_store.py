"""Where recipes, commits and artifacts lie: keys, exclusive creation, and content-addressed blobs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, NamedTuple, Protocol

INLINE_MAX_BYTES = 4096
"""Blobs up to this size are handed back to the caller, to stand in the document that points at them."""


class Blob(NamedTuple):
    """A stored artifact.

    Attributes:
        digest: SHA-256 of its bytes, 64 hexadecimal characters.
        size: Bytes.
        inline: Its bytes, where they stand in the document that points at it instead of in the store.
    """

    digest: str
    size: int
    inline: bytes | None = None


class BlobStore(Protocol):
    """A store of blobs by content."""

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Blob:
        """Store what ``write`` writes, under the hash of its bytes, durably; memory stays bounded.

        Raises:
            StoreError: The store failed; nothing was stored. What ``write`` raises passes through.
        """
        ...

    def open_blob(self, blob: Blob) -> AbstractContextManager[BinaryIO]:
        """Open an artifact whose whole content has been held against its digest and size before.

        Raises:
            CorruptArtifactError: It is not what was stored.
            StoreError: It is missing, or the store failed.
        """
        ...


class ArtifactStore(BlobStore, Protocol):
    """A store of small immutable documents by key, and of blobs by content.

    Keys are segments of ``[a-z0-9._-]`` joined by ``/``. Documents are never replaced.
    """

    @property
    def url(self) -> str:
        """What `ONEML_STORE_URL` must be for another process to open the same store."""
        ...

    @property
    def shared(self) -> bool:
        """Whether another process can open it."""
        ...

    def create_if_absent(self, key: str, data: bytes, *, durable: bool = True) -> bool:
        """Create a document, whole or not at all, if there is none at ``key``.

        Args:
            key: Where.
            data: The document.
            durable: Whether it must outlive a crash of the machine once this returns.

        Returns:
            True for the one caller that created it, False for every other.

        Raises:
            StoreError: The store failed. Nothing was created, unless the document was in place already and only its
                outliving a crash could not be made sure of; `read` tells.
        """
        ...

    def create_each_if_absent(self, documents: Sequence[tuple[str, bytes]]) -> Sequence[bool]:
        """Create documents that must outlive a crash, at the same time; as `create_if_absent` each, in the same order.

        Raises:
            StoreError: The store failed. Some may have been created; `read` tells.
        """
        ...

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        """Return a document, or None where there is none.

        Raises:
            StoreError: The store failed, what lies there is no plain document, or it is larger than ``limit_bytes``.
        """
        ...

    def children(self, prefix: str) -> Sequence[str]:
        """Return the sorted names directly below ``prefix``; empty where there is none."""
        ...

    def delete_tree(self, prefix: str) -> None:
        """Delete every document below ``prefix``."""
        ...

    def has_blob(self, blob: Blob) -> bool:
        """Tell whether an artifact is there and of its size; its content is not looked at.

        Raises:
            StoreError: The store failed.
        """
        ...
