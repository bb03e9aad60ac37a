"""What serializers write into: hashed as it comes, in memory while it is small, elsewhere beyond that."""

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from typing_extensions import Buffer

from oneml.habitats.errors import StoreError
from oneml.habitats.ports.artifact_store import INLINE_MAX_BYTES, Blob


class Overflow(Protocol):
    """Takes the bytes of an artifact that is too large to stand inline."""

    def write(self, data: Buffer, /) -> object:
        """Take some more of them.

        Raises:
            StoreError: It cannot.
        """
        ...


class BlobSpool(io.BufferedIOBase):
    """A stream to write an artifact into, front to back.

    Args:
        overflow: Called once, when the artifact has become too large to stand inline.
    """

    def __init__(self, overflow: Callable[[], Overflow]) -> None:
        self._overflow = overflow
        self._hash = hashlib.sha256()
        self._size = 0
        self._head = bytearray()
        self._rest: Overflow | None = None
        self._failure: StoreError | None = None

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def tell(self) -> int:
        """Return how many bytes have come."""
        return self._size

    def write(self, data: Buffer, /) -> int:
        """Take some more bytes, all of them.

        Raises:
            StoreError: They cannot be kept.
        """
        raw = data if isinstance(data, bytes) else _flat(data)
        self._hash.update(raw)
        self._size += len(raw)
        if self._size <= INLINE_MAX_BYTES:
            self._head += raw
        else:
            self._spill(raw)
        return len(raw)

    def filled_by(self, write: Callable[[BinaryIO], None]) -> Blob:
        """Let ``write`` write, and return what came: whole where it is small, else by its hash.

        Raises:
            StoreError: It could not be kept, whatever ``write`` made of that. What ``write`` raises passes through.
        """
        try:
            write(cast("BinaryIO", self))
        finally:
            if self._failure is not None:
                raise self._failure
        inline = bytes(self._head) if self._rest is None else None
        return Blob(self._hash.hexdigest(), self._size, inline)

    def _spill(self, raw: bytes | memoryview) -> None:
        try:
            if self._rest is None:
                self._rest = self._overflow()
                self._rest.write(self._head)
            self._rest.write(raw)
        except StoreError as error:
            self._failure = error
            raise


def _flat(data: Buffer) -> bytes | memoryview:
    view = memoryview(data)
    return view.cast("B") if view.nbytes else b""
