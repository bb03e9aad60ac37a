"""Streams as artifacts: items one after the other, each written as it comes and read as it is asked for.

Items that JSON can hold make JSON Lines, which every tool reads. Others make frames: a line of JSON that names the
serializer of the item, its version and size, and that many bytes.
"""

import types
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO, NamedTuple, cast

from typing_extensions import override

from oneml.habitats.data.json_decoding import decode_json
from oneml.habitats.data.json_encoding import encode_json
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.errors import SerializationError
from oneml.habitats.ports.serializer import Serializer
from oneml.habitats.values.json_value import JsonObject, canonical_json, json_object
from oneml.habitats.values.node_path import NodePath

JSON_LINES, FRAMES = "jsonl", "frames"
STREAM_VERSION = 1

_HEADER_MAX_BYTES = 1024
_PLAIN = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict})
_YIELD_IT = "Annotate the result as Iterator[...] to have its items stored while they come, or return a list."


class YieldedItems(NamedTuple):
    """The items that a body yields, for the one who stores them.

    Attributes:
        items: Gives them, once.
    """

    items: Iterator[object]

    def close(self) -> None:
        """Have the body end where it stands, unless it is at its end."""
        close = getattr(self.items, "close", None)
        if close is not None:
            close()


class StreamReader(Iterator[object]):
    """The items of a stream, decoded as they are asked for.

    Args:
        items: Decodes them; closed with this.
    """

    def __init__(self, items: Generator[object]) -> None:
        self._items = items

    @override
    def __next__(self) -> object:
        """Return the next item.

        Raises:
            StopIteration: There is none.
            DeserializationError: It cannot be decoded.
        """
        return next(self._items)

    def close(self) -> None:
        """Let go of the artifact, unless a thread that the body has left behind reads it just now."""
        with suppress(ValueError):  # the generator is executing
            self._items.close()


def close_streams(values: Iterable[object]) -> None:
    """Close the streams among values, and in the lists, tuples and dictionaries among them."""
    for value in values:
        if isinstance(value, StreamReader):
            value.close()
        elif isinstance(value, list | tuple | dict):
            inside = cast("Iterable[object]", value.values() if isinstance(value, dict) else value)
            for item in inside:
                if isinstance(item, StreamReader):
                    item.close()


def json_line(item: object) -> Iterable[bytes]:
    """Return an item as a line of JSON Lines.

    Raises:
        UnwritableError: JSON cannot hold it.
    """
    return (encode_json(item), b"\n")


def frame(serializer: Serializer, item: object) -> Iterable[bytes]:
    """Return an item as a frame.

    Raises:
        TypeError: The serializer cannot write it.
    """
    content = BytesIO()
    serializer.write(item, content)
    data = content.getvalue()
    header: JsonObject = {"serializer": serializer.name, "version": serializer.version, "size": len(data)}
    return (canonical_json(header), b"\n", data)


def json_items(stream: BinaryIO, form: object) -> Iterator[object]:
    """Give the items of JSON Lines in a form.

    Raises:
        TypeError: One is not of the form.
        ValueError: A line is no JSON.
    """
    while line := stream.readline():
        yield decode_json(line, form)


def framed_items(stream: BinaryIO, form: object, serializer_of: Callable[[str, int], Serializer]) -> Iterator[object]:
    """Give the items of frames in a form.

    Args:
        stream: The frames.
        form: What each item is read as.
        serializer_of: Gives the serializer of a name that may read what a version of it wrote.

    Raises:
        TypeError: An item is not of the form.
        ValueError: Something is no frame.
    """
    while line := stream.readline(_HEADER_MAX_BYTES):
        header = json_object(line, what="frame of a stream", limit_bytes=_HEADER_MAX_BYTES)
        match header:
            case {"serializer": str() as name, "version": int() as version, "size": int() as size}:
                data = stream.read(size)
            case _:
                message = "a frame has no header"
                raise ValueError(message)
        if len(data) != size:
            message = "a frame is cut off"
            raise ValueError(message)
        yield serializer_of(name, version).read(BytesIO(data), form)


def refuse_stream(node: NodePath, port: str, value: object) -> None:
    """Check that ``value`` is no generator, iterator or coroutine: reading it for one consumer would empty it.

    Args:
        node: The node that returned it.
        port: The port that it is for.
        value: What was returned.

    Raises:
        SerializationError: It is one.
    """
    if type(value) in _PLAIN:
        return
    kind = type_name_of(value)
    if isinstance(value, types.GeneratorType | types.AsyncGeneratorType):
        what, remedy = "a generator", _YIELD_IT
    elif isinstance(value, Iterator | AsyncIterator):
        what, remedy = f"a {kind}, which can be read only once", _YIELD_IT
    elif isinstance(value, Awaitable):
        what, remedy = f"a {kind}", "Await it, and return what it gives."
    else:
        return
    raise SerializationError(node=node, port=port, reason=f"it returned {what}", remedy=remedy)
