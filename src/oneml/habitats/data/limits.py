"""How large an output may become: counted while it is written, so that nothing larger reaches the store."""

import io
from collections.abc import Callable
from typing import BinaryIO, cast

from typing_extensions import Buffer, override

from oneml.habitats.errors import OutputTooLargeError


def limited(write: Callable[[BinaryIO], None], limit_bytes: int, *, node: str, port: str) -> Callable[[BinaryIO], None]:
    """Return what writes the same, but no more than that; what it returns raises OutputTooLargeError.

    Args:
        write: Writes an output.
        limit_bytes: How much it may write.
        node: The node, for the message.
        port: The port, for the message.
    """

    def write_limited(stream: BinaryIO) -> None:
        counted = _Counted(stream, limit_bytes)
        try:
            write(cast("BinaryIO", counted))
        finally:  # whatever a library made of it
            if counted.size > limit_bytes:
                raise OutputTooLargeError(node=node, port=port, written_bytes=counted.size, limit_bytes=limit_bytes)

    return write_limited


class _TooLargeError(Exception):
    """More was written than may be."""


class _Counted(io.BufferedIOBase):
    """Passes on what is written, up to a limit."""

    def __init__(self, stream: BinaryIO, limit_bytes: int) -> None:
        self._stream = stream
        self._limit_bytes = limit_bytes
        self.size = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self.size

    @override
    def write(self, data: Buffer, /) -> int:
        length = memoryview(data).nbytes
        if self.size <= self._limit_bytes:  # libraries try to bring what they write to an end
            self.size += length
        if self.size > self._limit_bytes:
            raise _TooLargeError
        self._stream.write(data)
        return length
