"""Many named values as one output, each an artifact of its own: written one by one, and read one by one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, get_args, get_origin

from typing_extensions import override

from oneml.habitats.errors import CorruptArtifactError, InvalidDocumentError
from oneml.habitats.graph.streams import without_none
from oneml.habitats.ports.artifact_store import ArtifactStore, Blob
from oneml.habitats.values.json_value import JsonObject, canonical_json, json_object
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.outcome_json import port_records_from_json, port_records_to_json

PARTS = "parts"
PARTS_VERSION = 1
PARTS_SCHEMA = "oneml.parts/1"
_INDEX_MAX_BYTES = 256 << 20

T_co = TypeVar("T_co", covariant=True)


class Parts(Mapping[str, T_co], Generic[T_co]):
    """Named values of one type, each loaded when it is asked for, and each time anew.

    A node gives them by `Publisher.parts`, and takes them as ``Parts[T]`` or ``Mapping[str, T]``.

    Args:
        names: The names, in the order in which they were published.
        get: Loads the value of a name.
        records: Where the values lie; None where they stay in memory.
    """

    def __init__(
        self, names: tuple[str, ...], get: Callable[[str], T_co], *, records: Mapping[str, PortRecord] | None
    ) -> None:
        self._names = dict.fromkeys(names)
        self._get = get
        self.records = records

    @override
    def __getitem__(self, name: str, /) -> T_co:
        """Load the value of a name.

        Raises:
            KeyError: There is no such name.
            StoreError: The artifact is missing, or not what was stored.
            DeserializationError: It is not of the type that is wanted.
        """
        if name not in self._names:
            raise KeyError(name)
        return self._get(name)

    @override
    def __iter__(self) -> Iterator[str]:
        """Give the names."""
        return iter(self._names)

    @override
    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)


def index_of(records: Mapping[str, PortRecord]) -> bytes:
    """Return the artifact that stands for parts: where each of them lies."""
    names: JsonObject = {"schema": PARTS_SCHEMA, "names": list(records), "parts": port_records_to_json(records)}
    return canonical_json(names)


def records_of(index: bytes, *, what: str) -> Mapping[str, PortRecord]:
    """Return the records that `index_of` wrote.

    Raises:
        InvalidDocumentError: It is no such index.
    """
    document = json_object(index, what=what, limit_bytes=_INDEX_MAX_BYTES)
    names = document.get("names")
    if document.get("schema") != PARTS_SCHEMA or not isinstance(names, list):
        raise InvalidDocumentError(what=what, reason=f"it is no {PARTS_SCHEMA}")
    records = port_records_from_json(document.get("parts"), what=what)
    if len(names) != len(records) or not records.keys() >= set(map(str, names)):
        raise InvalidDocumentError(what=what, reason='"names" and "parts" differ')
    return {name: records[name] for name in map(str, names)}


def is_whole(store: ArtifactStore, record: PortRecord) -> bool:
    """Tell whether an artifact is in a store, with all parts where it stands for parts; contents are not looked at.

    Raises:
        StoreError: The store failed.
    """
    blob = Blob(record.digest, record.size, record.inline)
    if not store.has_blob(blob):
        return False
    if record.serializer != PARTS:
        return True
    try:
        with store.open_blob(blob) as stream:
            records = records_of(stream.read(), what="index of parts")
    except (CorruptArtifactError, InvalidDocumentError):
        return False
    return all(is_whole(store, part) for part in records.values())


def part_form(form: object) -> object:
    """Return the type of each part, from the annotation of an input that takes parts; ``object`` where it says none."""
    form = without_none(form)
    arguments = get_args(form)
    origin = get_origin(form)
    if not arguments or not isinstance(origin, type):
        return object
    return arguments[-1] if issubclass(origin, Mapping) else object
