"""Frames to Arrow tables and back, with notes of what Parquet forgets.

The notes are JSON in the metadata of the table: categories (Parquet keeps those of text alone, and only the used ones),
the unit of times, labels that are a range, frequencies, which columns hold Python objects and what stood where one was
missing, and whether the frame was a series.
"""

import binascii
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from oneml.habitats.data.libraries import library
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError

NOTES = b"oneml"
"""Key in the metadata of the file."""

_SERIES_COLUMN = "value"
_NONE = "none"
_NAN = "nan"

Notes: TypeAlias = dict[str, Any]


def table_of(value: Any, arrow: Any) -> Any:
    """Return the table that holds a frame or a series, notes included.

    Args:
        value: The frame or series.
        arrow: The module ``pyarrow``.

    Raises:
        UnwritableError: Something in it would not come back as it was.
        ValueError: As pyarrow says; also TypeError, OverflowError and its own errors.
    """
    frame: Any = value
    notes: Notes = {}
    if value.ndim == 1:
        notes["series"] = _label(value.name, ".name")
        frame = value.to_frame(name=_SERIES_COLUMN)
        frame.attrs = value.attrs
    _check_labels(frame.columns)
    _check_attributes(frame.attrs)
    for name, axis in (("column_range", frame.columns), ("row_range", frame.index)):
        if is_range(axis):
            notes[name] = [axis.start, axis.stop, axis.step, _label(axis.name, f".{name}.name")]
    notes["columns"] = _times_of(frame.columns)
    notes["index"] = _times_of(frame.index)
    notes["dtypes"] = {str(position): str(dtype) for position, dtype in enumerate(frame.dtypes) if dtype.kind in "mM"}
    table: Any = arrow.Table.from_pandas(frame)
    is_object = library("pandas.api.types", extra="pandas").is_object_dtype
    notes["objects"] = {
        str(position): _how_missing(frame.iloc[:, position], table.column(position), label)
        for position, (label, dtype) in enumerate(frame.dtypes.items())
        if is_object(dtype)
    }
    table, notes["categories"] = _without_dictionaries(table, arrow)
    written = json.dumps(notes, sort_keys=True, separators=(",", ":")).encode()
    return table.replace_schema_metadata({**table.schema.metadata, NOTES: written})


def restore(table: Any, arrow: Any) -> Any:
    """Return the frame or series that `table_of` made ``table`` of.

    Raises:
        ValueError: It was not made there.
    """
    pandas = library("pandas", extra="pandas")
    metadata: Mapping[bytes, bytes] = table.schema.metadata or {}
    written = metadata.get(NOTES)
    if written is None:
        message = "it was not written by this serializer"
        raise ValueError(message)
    notes: Notes = json.loads(written)
    table = _with_dictionaries(table, notes["categories"], arrow)
    frame: Any = table.to_pandas()
    index = frame.index
    frame.index = pandas.RangeIndex(len(index))  # columns are put in by label, and labels may not be unique
    for position, missing in notes["objects"].items():
        values = table.column(int(position)).to_pylist()
        if missing == _NAN:
            values = [math.nan if one is None else one for one in values]
        frame.isetitem(int(position), pandas.Series(values, dtype=object))
    for position, dtype in notes["dtypes"].items():
        frame.isetitem(int(position), frame.iloc[:, int(position)].astype(dtype))
    frame.index = _with_times(index, notes["index"])
    if "row_range" in notes and len(rows := _range(notes["row_range"], pandas)) == len(index):
        frame.index = rows
    if "column_range" in notes:
        frame.columns = _range(notes["column_range"], pandas)
    frame.columns = _with_times(frame.columns, notes["columns"])
    if "series" not in notes:
        return frame
    series: Any = frame.iloc[:, 0].rename(notes["series"])
    series.attrs = frame.attrs
    return series


def is_range(axis: Any) -> bool:
    """Tell whether an index is a range, which is three numbers and a name, however long it is."""
    return hasattr(axis, "step")


def _range(note: Sequence[Any], pandas: Any) -> Any:
    start, stop, step, name = note
    return pandas.RangeIndex(start, stop, step, name=name)


def _label(name: object, place: str) -> object:
    if name is None or type(name) in {str, int, float, bool}:
        return name
    raise UnwritableError(place=place, problem=f"is a {type_name_of(name)}, and neither text nor a number")


def _check_labels(columns: Any) -> None:
    if not columns.is_unique:
        twice = columns[columns.duplicated()][0]
        raise UnwritableError(place=".columns", problem=f"hold {twice!r} twice")
    if columns.nlevels == 1 and columns.inferred_type.startswith("mixed"):
        raise UnwritableError(place=".columns", problem="hold labels of several types")


def _check_attributes(attributes: Mapping[object, object]) -> None:
    try:
        same = not attributes or json.loads(json.dumps(attributes)) == attributes
    except (TypeError, ValueError):
        same = False
    if not same:
        raise UnwritableError(place=".attrs", problem=f"are {attributes!r}, which is not plain JSON")


def _times_of(axis: Any) -> Notes:
    """Return the unit and the frequency of labels that are times; nothing of others."""
    if axis.nlevels > 1 or axis.dtype.kind not in "mM":
        return {}
    if axis.freqstr is not None:
        to_offset = library("pandas.tseries.frequencies", extra="pandas").to_offset
        if to_offset(axis.freqstr) != axis.freq:
            problem = f"has the frequency {axis.freq}, of which its name does not tell all"
            raise UnwritableError(place=".index", problem=problem)
    return {"dtype": str(axis.dtype), "freq": axis.freqstr}


def _with_times(axis: Any, notes: Notes) -> Any:
    if not notes:
        return axis
    timed: Any = axis.astype(notes["dtype"])
    return timed if notes["freq"] is None else type(timed)(timed, freq=notes["freq"])


def _how_missing(values: Iterable[object], column: Any, label: object) -> str:
    """Tell what stands where a Python object is missing, and check that all others come back as they are.

    Raises:
        UnwritableError: They do not.
    """
    found: set[str] = set()
    for row, (before, after) in enumerate(zip(values, column.to_pylist(), strict=True)):
        if after is None and (before is None or (isinstance(before, float) and math.isnan(before))):
            found.add(_NONE if before is None else _NAN)
        elif type(before) is not type(after) or before != after:
            problem = f"is {before!r:.80} (a {type_name_of(before)}), which Parquet does not give back as it was"
            raise UnwritableError(place=f"[{label!r}][{row}]", problem=problem)
    if len(found) > 1:
        raise UnwritableError(place=f"[{label!r}]", problem="holds both None and NaN")
    return found.pop() if found else _NONE


def _without_dictionaries(table: Any, arrow: Any) -> tuple[Any, Notes]:
    """Replace codes of categories by what they stand for, and note the categories."""
    notes: Notes = {}
    for position, field in enumerate(table.schema):
        if arrow.types.is_dictionary(field.type):
            column: Any = table.column(position)
            values = column.chunk(0).dictionary
            notes[str(position)] = {"ordered": field.type.ordered, "values": _packed(values, arrow)}
            table = table.set_column(position, field.with_type(values.type), column.cast(values.type))
    return table, notes


def _with_dictionaries(table: Any, notes: Notes, arrow: Any) -> Any:
    compute = library("pyarrow.compute", extra="pandas")
    for position, note in notes.items():
        values = _unpacked(note["values"], arrow)
        plain: Any = table.column(int(position)).cast(values.type).combine_chunks()
        codes = compute.index_in(plain, value_set=values)
        column = arrow.DictionaryArray.from_arrays(codes, values, ordered=note["ordered"])
        table = table.set_column(int(position), table.schema.names[int(position)], column)
    return table


def _packed(values: Any, arrow: Any) -> str:
    """Return an Arrow array as text."""
    batch: Any = arrow.record_batch([values], names=["values"])
    sink: Any = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return binascii.b2a_base64(sink.getvalue().to_pybytes(), newline=False).decode()


def _unpacked(text: str, arrow: Any) -> Any:
    with arrow.ipc.open_stream(binascii.a2b_base64(text, strict_mode=True)) as reader:
        return reader.read_all().column(0).combine_chunks()
