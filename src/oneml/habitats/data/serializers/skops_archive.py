"""Skops archives made canonical: equal models give equal bytes.

What skops writes differs from run to run, since it holds times, memory addresses and random file names. Here every
object is numbered in the order in which it stands in the schema, files are named so as well, members of sets are
sorted, times are one and the same, and bytes between the fields of records, which hold whatever was in memory, are
zero. The result is a skops archive like any other.
"""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, BinaryIO, TypeAlias, cast
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from oneml.habitats.data.libraries import library

_SCHEMA = "schema.json"
_ID = "__id__"
_FILE = "file"
_RECORDS = b"{'descr': ["
"""How the header of an NPY file begins, after the magic, where there is more than one field."""

_LEAVES = frozenset({"JsonNode", "TypeNode"})
"""Nodes of constants. Whether two equal ones are one object depends on the interpreter, so each gets its own number."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o600 << 16

_Node: TypeAlias = "dict[str, object]"


def canonical_archive(data: bytes, stream: BinaryIO) -> None:
    """Write the canonical form of a skops archive.

    Args:
        data: What ``skops.io.dumps`` gave.
        stream: Where to.
    """
    with ZipFile(BytesIO(data)) as archive:
        names = set(archive.namelist()) - {_SCHEMA}
        numbering = _Numbering(names)
        schema = numbering.of(json.loads(archive.read(_SCHEMA)))
        with ZipFile(cast("BinaryIO", _FrontToBack(stream)), "w", compression=ZIP_STORED) as written:
            for old, new in numbering.files.items():
                written.writestr(_entry(new), _without_padding(archive.read(old)))
            written.writestr(_entry(_SCHEMA), json.dumps(schema, separators=(",", ":")))


class _Numbering:
    """Gives objects and files their numbers, in the order in which they are met."""

    def __init__(self, names: set[str]) -> None:
        self.files: dict[str, str] = {}
        self._names = names
        self._numbers: dict[object, int] = {}
        self._next = 0

    def of(self, value: object) -> object:
        """Return ``value``, a part of the schema, with new numbers."""
        if isinstance(value, list):
            return [self.of(item) for item in cast("list[object]", value)]
        if not isinstance(value, dict):
            return value
        node = cast("_Node", value)
        if node.get("__loader__") == "SetNode":
            node = {**node, "content": sorted(cast("list[object]", node["content"]), key=_without_numbers)}
        return {name: self._field(node, name, inner) for name, inner in node.items()}

    def _field(self, node: _Node, name: str, inner: object) -> object:
        if name == _ID and isinstance(inner, int):
            return self._number(node, inner)
        if name == _FILE and isinstance(inner, str) and inner in self._names:
            return self._file(inner)
        return self.of(inner)

    def _number(self, node: _Node, old: int) -> int:
        key: object = object() if node.get("__loader__") in _LEAVES else old
        if key not in self._numbers:
            self._next += 1
            self._numbers[key] = self._next
        return self._numbers[key]

    def _file(self, old: str) -> str:
        suffix = old.rpartition(".")[2]
        return self.files.setdefault(old, f"{len(self.files)}.{suffix}")


class _FrontToBack:
    """A stream that cannot seek: archives differ between those that can and those that cannot."""

    def __init__(self, stream: BinaryIO) -> None:
        self.write = stream.write
        self.flush = stream.flush


def _without_padding(data: bytes) -> bytes:
    """Return an NPY file of records, as the nodes of trees are, with zeros between the fields; others as they are."""
    if _RECORDS not in data[:32]:
        return data
    np: Any = library("numpy", extra="sklearn")
    array = np.load(BytesIO(data), allow_pickle=False)
    padding = np.ones(array.dtype.itemsize, dtype=bool)
    for field, offset, *_ in array.dtype.fields.values():
        padding[offset : offset + field.itemsize] = False
    head = len(data) - array.nbytes
    records = np.frombuffer(data, dtype=np.uint8, offset=head).reshape(-1, len(padding)).copy()
    records[:, padding] = 0
    return data[:head] + cast("bytes", records.tobytes())


def _without_numbers(value: object) -> str:
    return json.dumps(_stripped(value), sort_keys=True)


def _stripped(value: object) -> object:
    if isinstance(value, list):
        return [_stripped(item) for item in cast("list[object]", value)]
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {name: _stripped(inner) for name, inner in fields.items() if name not in {_ID, _FILE}}
    return value


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _EPOCH)
    entry.external_attr = _MODE
    return entry
