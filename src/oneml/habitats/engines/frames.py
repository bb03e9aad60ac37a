"""Messages between the processes of one machine: canonical JSON, each behind its length."""

import socket
from collections.abc import Iterator

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.values.json_value import JsonObject, canonical_json, json_object

FRAME_MAX_BYTES = 64 << 20
"""A longer message is neither sent nor read."""

HEADER_BYTES = 4
_FDS_MAX = 2


def frame(message: JsonObject) -> bytes:
    """Return a message as it goes over a socket.

    Raises:
        InvalidDocumentError: It is too long.
        TypeError: It is not made of JSON types alone.
        ValueError: It holds NaN or an infinity, or a text that has no encoding.
    """
    data = canonical_json(message)
    _check_length(len(data))
    return len(data).to_bytes(HEADER_BYTES, "big") + data


def read_frame(stream: socket.socket) -> JsonObject | None:
    """Block until a message has come, and return it; None where the other side has ended.

    Raises:
        InvalidDocumentError: What came is no message.
    """
    return read_frame_with_fds(stream)[0]


def read_frame_with_fds(stream: socket.socket) -> tuple[JsonObject | None, list[int]]:
    """As `read_frame`, with the file descriptors that came along."""
    header, fds, _flags, _address = socket.recv_fds(stream, HEADER_BYTES, _FDS_MAX)
    if not header:
        return None, fds
    header += _exactly(stream, HEADER_BYTES - len(header))
    if len(header) < HEADER_BYTES:
        return None, fds
    length = int.from_bytes(header, "big")
    _check_length(length)
    data = _exactly(stream, length)
    if len(data) < length:
        return None, fds
    return _message(data), fds


class FrameReader:
    """Takes bytes as they come, and gives messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[JsonObject]:
        """Give the messages that are whole now.

        Raises:
            InvalidDocumentError: What came is no message.
        """
        self._data += data
        while len(self._data) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(self._data[:HEADER_BYTES], "big")
            _check_length(end - HEADER_BYTES)
            if len(self._data) < end:
                return
            document = bytes(self._data[HEADER_BYTES:end])
            del self._data[:end]
            yield _message(document)


def _exactly(stream: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length and (chunk := stream.recv(min(length - len(data), 1 << 20))):
        data += chunk
    return bytes(data)


def _message(data: bytes) -> JsonObject:
    return json_object(data, what="message between processes", limit_bytes=FRAME_MAX_BYTES)


def _check_length(length: int) -> None:
    if length > FRAME_MAX_BYTES:
        reason = f"it has {length} bytes; at most {FRAME_MAX_BYTES} travel"
        raise InvalidDocumentError(what="message between processes", reason=reason)
