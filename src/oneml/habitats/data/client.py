"""The data client: publishes what nodes return, and loads what they take.

Every artifact is decoded here and nowhere else, after its hash, by the serializer that wrote it, if that may be used.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from copy import copy
from functools import partial
from itertools import chain
from pathlib import Path
from shutil import copyfileobj
from types import GenericAlias
from typing import BinaryIO, TypeVar, cast, get_origin

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.limits import limited
from oneml.habitats.data.parts import PARTS, PARTS_VERSION, Parts, index_of, part_form, records_of
from oneml.habitats.data.published import Published
from oneml.habitats.data.serializer_registry import PICKLE, SerializerRegistry
from oneml.habitats.data.streams import (
    FRAMES,
    JSON_LINES,
    STREAM_VERSION,
    StreamReader,
    YieldedItems,
    frame,
    framed_items,
    json_items,
    json_line,
    refuse_stream,
)
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import (
    DeserializationError,
    OnemlError,
    PickleRefusedError,
    SerializationError,
    StoreError,
)
from oneml.habitats.graph.streams import is_read_once, item_form, without_none
from oneml.habitats.ports.artifact_store import Blob, BlobStore
from oneml.habitats.ports.serializer import Serializer
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord

STREAMS = frozenset({JSON_LINES, FRAMES})
"""Names that stand in port records in place of a serializer."""

R = TypeVar("R")

_CHUNK_BYTES = 1 << 20
_OF_THE_PIPELINE = NodePath("")
_ANOTHER_WAY = (
    "Return plain data, dataclasses, pydantic models, NumPy arrays, frames of pandas or polars, Arrow tables, images, "
    "scikit-learn models, a File or a Folder, one a port (a field of a NamedTuple or TypedDict result); or name a "
    "serializer in the settings (serializers), or set allow_pickle for the whole session (--set allow_pickle=true)."
)


class DataClient:
    """Publishes and loads values by way of one artifact store.

    Args:
        store: Where artifacts lie.
        serializers: Which serializers may be used; those of this package unless given.
        allow_pickle: Whether the settings of the driver allow pickle.
        streams: Where streams go, which can be written only once; to ``store`` unless given.
    """

    def __init__(
        self,
        store: BlobStore,
        *,
        serializers: SerializerRegistry | None = None,
        allow_pickle: bool = False,
        streams: BlobStore | None = None,
    ) -> None:
        self._store = store
        self._streams = store if streams is None else streams
        self._serializers = SerializerRegistry() if serializers is None else serializers
        self._allow_pickle = allow_pickle
        self._limit_bytes: int | None = None

    def limited_to(self, limit_bytes: int | None) -> "DataClient":
        """Return a client that publishes outputs up to a size each; this one where there is no limit."""
        if limit_bytes is None:
            return self
        limited_client = copy(self)
        limited_client._limit_bytes = limit_bytes  # noqa: SLF001  # a copy of its own
        return limited_client

    def uncarried(self) -> "DataClient":
        """Return a client that stores what this one would let travel with outcomes."""
        if self._streams is self._store:
            return self
        storing = copy(self)
        storing._store = self._streams  # noqa: SLF001  # a copy of its own
        return storing

    def publish(self, node: NodePath, port: str, value: object, *, wanted: str | None = None) -> PortRecord:
        """Store what a node returned on a port.

        Args:
            node: The node.
            port: The port.
            value: What it returned.
            wanted: Name of the serializer that the settings want for the port.

        Returns:
            Where it is now; for the commit of the node.

        Raises:
            SerializationError: The value can be read only once, or cannot be written.
            UnknownSerializerError: There is no serializer ``wanted``.
            SerializerPluginError: That serializer cannot be used.
            PickleRefusedError: It is pickle, which the settings do not allow.
            MissingLibraryError: A library that the serializer needs is not installed.
            OutputTooLargeError: It has more bytes than it may have.
            StoreError: The store failed.
            Exception: Whatever a body raises while it yields; nothing is stored then.
        """
        if isinstance(value, Published):
            return cast("PortRecord", value.value)
        if isinstance(value, Parts):
            return self._pass_on(node, port, cast("Parts[object]", value), wanted)
        if isinstance(value, YieldedItems):
            try:
                return self._publish_stream(node, port, value.items, wanted)
            finally:
                value.close()  # at once, while all that the body uses is there
        refuse_stream(node, port, value)
        what = f'Port "{port}" of {node}' if node else f'Input "{port}"'
        try:
            serializer = self._serializers.for_value(value, wanted=wanted, allow_pickle=self._allow_pickle, what=what)
            try:
                return self._write(node, port, serializer, value)
            except UnwritableError:
                if wanted is not None or not self._allow_pickle:
                    raise
                return self._write(node, port, self._serializers.by_name(PICKLE), value)
        except OnemlError:
            raise
        except Exception as error:
            raise _not_written(error, node, port) from error

    def publish_file(self, node: NodePath, port: str, path: Path) -> PortRecord:
        """Store the content of a file as bytes, in bounded memory.

        Raises:
            OSError: It cannot be read.
            OutputTooLargeError: It has more bytes than it may have.
            StoreError: The store failed.
        """
        serializer = self._serializers.by_name("bytes")
        with path.open("rb") as file:
            write = self._limited(node, port, partial(copyfileobj, file, length=_CHUNK_BYTES))
            blob = self._streams.write_blob(write)
        return PortRecord(serializer.name, serializer.version, *blob)

    def publish_parts(self, records: Mapping[str, PortRecord]) -> PortRecord:
        """Store what stands for parts that are stored already.

        Raises:
            StoreError: The store failed.
        """
        index = index_of(records)
        return PortRecord(PARTS, PARTS_VERSION, *self._store.write_blob(lambda stream: _put(stream, index)))

    def publish_input(self, name: str, value: object) -> PortRecord:
        """Store the value of an input of the pipeline; raises as `publish` does."""
        return self.publish(_OF_THE_PIPELINE, name, value)

    def load(self, record: PortRecord, form: object, *, what: str) -> object:
        """Return a published value.

        Args:
            record: Where it is.
            form: The annotation that the reader wants it in; ``object`` where there is none.
            what: What it is, for messages: ``input "x" of //b, from //a.output``.

        Raises:
            CorruptArtifactError: The artifact is not what was published; it was not decoded.
            StoreError: It is missing, or the store failed.
            DeserializationError: It is not of ``form``, or cannot be decoded.
            UnknownSerializerError: Nobody here may decode it.
            SerializerPluginError: The serializer of another distribution cannot be used.
            PickleRefusedError: It is pickled, which the settings do not allow.
            MissingLibraryError: A library that the serializer needs is not installed.
        """
        if record.serializer in STREAMS:
            return self._load_stream(record, form, what)
        if record.serializer == PARTS:
            return self._load_parts(record, form, what)
        if is_read_once(form):
            return iter(cast("list[object]", self.load(record, GenericAlias(list, (item_form(form),)), what=what)))
        serializer = self._reader_of(record.serializer, record.version, what)
        try:
            with self._store.open_blob(Blob(record.digest, record.size, record.inline)) as stream:
                return serializer.read(stream, form)
        except StoreError as error:
            raise error.about(what) from error
        except OnemlError:
            raise
        except Exception as error:
            raise DeserializationError(what=what, serializer=record.serializer, reason=_why_not_read(error)) from error

    def _pass_on(self, node: NodePath, port: str, parts: Parts[object], wanted: str | None) -> PortRecord:
        if parts.records is not None:
            return self.publish_parts(parts.records)
        storing = self.uncarried()
        of_parts = {name: storing.publish(node, f"{port}[{name!r}]", parts[name], wanted=wanted) for name in parts}
        return self.publish_parts(of_parts)

    def _publish_stream(self, node: NodePath, port: str, items: Iterator[object], wanted: str | None) -> PortRecord:
        """Store items while they come; the first of them decides the format."""
        numbered = enumerate(items)
        first = next(numbered, None)
        if wanted is None:
            lines = first is None or self._writer_of(node, port, first, None).name in {"json", "text"}
        else:
            lines = wanted in {"json", JSON_LINES}
        of_items = None if wanted == FRAMES else wanted

        def encoded(number: int, item: object) -> Iterable[bytes]:
            if lines:
                return self._tried(node, port, number, partial(json_line, item))
            serializer = self._writer_of(node, port, (number, item), of_items)
            return self._tried(node, port, number, partial(frame, serializer, item))

        def write(stream: BinaryIO) -> None:
            for number, item in () if first is None else chain((first,), numbered):
                for data in encoded(number, item):
                    stream.write(data)

        blob = self._streams.write_blob(self._limited(node, port, write))
        return PortRecord(JSON_LINES if lines else FRAMES, STREAM_VERSION, *blob)

    def _writer_of(self, node: NodePath, port: str, numbered: tuple[int, object], wanted: str | None) -> Serializer:
        number, item = numbered
        what = f'Item {number} of port "{port}" of {node}'
        refuse_stream(node, port, item)
        return self._tried(
            node,
            port,
            number,
            lambda: self._serializers.for_value(item, wanted=wanted, allow_pickle=self._allow_pickle, what=what),
        )

    @staticmethod
    def _tried(node: NodePath, port: str, number: int, make: "Callable[[], R]") -> "R":
        try:
            return make()
        except OnemlError:
            raise
        except Exception as error:
            raise _not_written(error, node, port, item=number) from error

    def _load_stream(self, record: PortRecord, form: object, what: str) -> object:
        _check_version(record.serializer, record.version, STREAM_VERSION, what)
        items = self._items(record, item_form(form), what)
        if is_read_once(form):
            return StreamReader(items)
        found = list(items)
        bare = without_none(form)
        value = tuple(found) if get_origin(bare) is tuple or bare is tuple else found
        return _checked(value, form, what, record.serializer)

    def _load_parts(self, record: PortRecord, form: object, what: str) -> object:
        _check_version(record.serializer, record.version, PARTS_VERSION, what)
        try:
            with self._store.open_blob(Blob(record.digest, record.size, record.inline)) as stream:
                records = records_of(stream.read(), what=f"index of {what}")
        except StoreError as error:
            raise error.about(what) from error
        of_part = part_form(form)

        def get(name: str) -> object:
            return self.load(records[name], of_part, what=f"{what}[{name!r}]")

        return _checked(Parts(tuple(records), get, records=records), form, what, PARTS)

    def _items(self, record: PortRecord, form: object, what: str) -> Generator[object]:
        def serializer_of(name: str, version: int) -> Serializer:
            return self._reader_of(name, version, what)

        number = 0
        try:
            with self._store.open_blob(Blob(record.digest, record.size, record.inline)) as stream:
                lines = record.serializer == JSON_LINES
                items = json_items(stream, form) if lines else framed_items(stream, form, serializer_of)
                for number, item in enumerate(items, 1):  # noqa: B007  # told where it fails
                    yield item
        except StoreError as error:
            raise error.about(what) from error
        except OnemlError:
            raise
        except Exception as error:
            reason = f"item {number}: {_why_not_read(error)}"
            raise DeserializationError(what=what, serializer=record.serializer, reason=reason) from error

    def _reader_of(self, name: str, version: int, what: str) -> Serializer:
        if name == PICKLE and not self._allow_pickle:
            raise PickleRefusedError(what=what)
        serializer = self._serializers.by_name(name)
        _check_version(name, version, serializer.version, what)
        return serializer

    def _limited(self, node: NodePath, port: str, write: Callable[[BinaryIO], None]) -> Callable[[BinaryIO], None]:
        limit = self._limit_bytes
        return write if limit is None else limited(write, limit, node=node, port=port)

    def _write(self, node: NodePath, port: str, serializer: Serializer, value: object) -> PortRecord:
        def write(stream: BinaryIO) -> None:
            serializer.write(value, stream)

        blob = self._store.write_blob(self._limited(node, port, write))
        return PortRecord(serializer.name, serializer.version, *blob)


def _not_written(error: Exception, node: NodePath, port: str, *, item: int | None = None) -> SerializationError:
    if isinstance(error, UnwritableError):
        reason = f"{port}{'' if item is None else f'[{item}]'}{error.place} {error.problem}"
    else:
        reason = f"{'' if item is None else f'item {item}: '}{type_name_of(error)}: {error}"
    return SerializationError(node=node, port=port, reason=reason, remedy=_ANOTHER_WAY)


def _why_not_read(error: Exception) -> str:
    own_words = isinstance(error, TypeError | ValueError)
    return str(error) if own_words else f"{type_name_of(error)}: {error}"


def _check_version(serializer: str, version: int, known: int, what: str) -> None:
    if version > known:
        reason = f"it was written by version {version}, and version {known} is installed here"
        raise DeserializationError(what=what, serializer=serializer, reason=reason)


def _checked(value: object, form: object, what: str, serializer: str) -> object:
    try:
        return check_form(value, form)
    except TypeError as error:
        raise DeserializationError(what=what, serializer=serializer, reason=str(error)) from error


def _put(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)
