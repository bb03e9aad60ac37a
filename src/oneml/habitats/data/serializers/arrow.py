"""Arrow tables, record batches and arrays as Arrow IPC files (Feather), which keep every type and all metadata."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.libraries import is_a, library
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError

_NOTE = b"oneml.arrow"
_KINDS: Mapping[str, str] = {
    "table": "Table",
    "batch": "RecordBatch",
    "chunked-array": "ChunkedArray",
    "array": "Array",
}
_ROWS = 1 << 16
"""Of a batch in the file, whatever the chunks of the value are."""


class ArrowSerializer:
    """What is equal for Arrow comes back equal, schema and metadata included; how it was cut into chunks does not."""

    name = "arrow"
    version = 1
    media_type = "application/vnd.apache.arrow.file"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is a table, a record batch, or an array."""
        return _kind_of(value) is not None

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is none of these, or holds what a file cannot.
        """
        kind = _kind_of(value)
        if kind is None:
            raise UnwritableError(problem=f"is a {type_name_of(value)}, and no table, batch or array of Arrow")
        arrow = _arrow()
        table = _table_of(value, kind, arrow)
        if table.num_rows and not table.num_columns:
            raise UnwritableError(problem="has rows but no columns, which an Arrow file cannot hold")
        known: dict[bytes, bytes] = table.schema.metadata or {}
        if _NOTE in known:
            raise UnwritableError(place=".schema.metadata", problem=f"has the key {_NOTE.decode()!r}, which is taken")
        schema = table.schema.with_metadata({**known, _NOTE: kind.encode()})
        options = arrow.ipc.IpcWriteOptions(unify_dictionaries=True)
        try:
            with arrow.ipc.new_file(stream, schema, options=options) as writer:
                writer.write_table(table.combine_chunks(), max_chunksize=_ROWS)
        except arrow.ArrowException as error:
            raise UnwritableError(problem=f"cannot be held by an Arrow file: {error}") from error

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read what was written.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no Arrow file of this serializer.
        """
        arrow = _arrow()
        try:
            with arrow.ipc.open_file(stream) as reader:
                table = reader.read_all()
                table.validate()
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(str(error)) from error
        known: dict[bytes, bytes] = dict(table.schema.metadata or {})
        kind = known.pop(_NOTE, b"").decode()
        if kind not in _KINDS:
            message = "the Arrow file was not written by this serializer"
            raise ValueError(message)
        return check_form(_value_of(table.replace_schema_metadata(known or None), kind, arrow), form)


def _arrow() -> Any:
    library("pyarrow.ipc", extra="arrow")
    return library("pyarrow", extra="arrow")


def _kind_of(value: object) -> str | None:
    return next((kind for kind, name in _KINDS.items() if is_a(value, "pyarrow", name)), None)


def _table_of(value: Any, kind: str, arrow: Any) -> Any:
    if kind == "table":
        return value
    if kind == "batch":
        return arrow.Table.from_batches([value])
    return arrow.table([value], names=[""])


def _value_of(table: Any, kind: str, arrow: Any) -> Any:
    if kind == "table":
        return table
    if kind == "chunked-array":
        return table.column(0)
    columns = [_whole(column, arrow) for column in table.columns]
    return columns[0] if kind == "array" else arrow.record_batch(columns, schema=table.schema)


def _whole(column: Any, arrow: Any) -> Any:
    """Return a column as one array."""
    if column.num_chunks == 0:
        return arrow.nulls(0, column.type)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
