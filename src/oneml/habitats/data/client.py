"""The data client: publishes what nodes return, and loads what they take.

Every artifact is decoded here and nowhere else, after its hash, by the serializer that wrote it, if that may be used.
"""

from typing import BinaryIO

from oneml.habitats.data.serializer_registry import PICKLE, SerializerRegistry
from oneml.habitats.data.streams import refuse_stream
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import (
    DeserializationError,
    OnemlError,
    PickleRefusedError,
    SerializationError,
    StoreError,
)
from oneml.habitats.ports.artifact_store import Blob, BlobStore
from oneml.habitats.ports.serializer import Serializer
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord

_OF_THE_PIPELINE = NodePath("")
_ANOTHER_WAY = (
    "Return plain data, dataclasses, pydantic models, NumPy arrays, pandas frames, images or scikit-learn models, one "
    "a port (a field of a NamedTuple or TypedDict result); or name a serializer in the settings (serializers), or set "
    "allow_pickle there."
)


class DataClient:
    """Publishes and loads values by way of one artifact store.

    Args:
        store: Where artifacts lie.
        serializers: Which serializers may be used; those of this package unless given.
        allow_pickle: Whether the settings of the driver allow pickle.
    """

    def __init__(
        self, store: BlobStore, *, serializers: SerializerRegistry | None = None, allow_pickle: bool = False
    ) -> None:
        self._store = store
        self._serializers = SerializerRegistry() if serializers is None else serializers
        self._allow_pickle = allow_pickle

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
            StoreError: The store failed.
        """
        refuse_stream(node, port, value)
        what = f'Port "{port}" of {node}' if node else f'Input "{port}"'
        try:
            serializer = self._serializers.for_value(value, wanted=wanted, allow_pickle=self._allow_pickle, what=what)
            try:
                return self._write(serializer, value)
            except UnwritableError:
                if wanted is not None or not self._allow_pickle:
                    raise
                return self._write(self._serializers.by_name(PICKLE), value)
        except OnemlError:
            raise
        except UnwritableError as error:
            reason = f"{port}{error.place} {error.problem}"
            raise SerializationError(node=node, port=port, reason=reason, remedy=_ANOTHER_WAY) from error
        except Exception as error:
            reason = f"{type_name_of(error)}: {error}"
            raise SerializationError(node=node, port=port, reason=reason, remedy=_ANOTHER_WAY) from error

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
        serializer = self._reader_of(record, what)
        try:
            with self._store.open_blob(Blob(record.digest, record.size, record.inline)) as stream:
                return serializer.read(stream, form)
        except StoreError as error:
            raise error.about(what) from error
        except OnemlError:
            raise
        except Exception as error:
            own_words = isinstance(error, TypeError | ValueError)
            reason = str(error) if own_words else f"{type_name_of(error)}: {error}"
            raise DeserializationError(what=what, serializer=record.serializer, reason=reason) from error

    def _reader_of(self, record: PortRecord, what: str) -> Serializer:
        if record.serializer == PICKLE and not self._allow_pickle:
            raise PickleRefusedError(what=what)
        serializer = self._serializers.by_name(record.serializer)
        if record.version > serializer.version:
            reason = f"it was written by version {record.version}, and version {serializer.version} is installed here"
            raise DeserializationError(what=what, serializer=record.serializer, reason=reason)
        return serializer

    def _write(self, serializer: Serializer, value: object) -> PortRecord:
        def write(stream: BinaryIO) -> None:
            serializer.write(value, stream)

        blob = self._store.write_blob(write)
        return PortRecord(serializer.name, serializer.version, *blob)
