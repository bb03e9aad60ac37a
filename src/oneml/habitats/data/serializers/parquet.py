"""pandas frames and series as Parquet files that any tool can read, yet equal when they come back.

What Parquet forgets stands in the metadata of the file (see `parquet_notes`). What cannot come back as it was is
refused when it is written: before anything is, the frame is written and read without its rows, and held against itself.
"""

from io import BytesIO
from typing import Any, BinaryIO

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.libraries import is_exactly, library
from oneml.habitats.data.serializers.parquet_notes import is_range, restore, table_of
from oneml.habitats.data.type_names import type_name, type_name_of
from oneml.habitats.data.unwritable import UnwritableError


class ParquetSerializer:
    """Frames and series: index, labels, dtypes, categories and attributes included."""

    name = "parquet"
    version = 1
    media_type = "application/vnd.apache.parquet"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is a frame or a series, and of no subclass."""
        return is_exactly(value, "pandas", "DataFrame") or is_exactly(value, "pandas", "Series")

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is no frame and no series, or something in it would not come back as it was.
        """
        if not self.accepts(value):
            raise UnwritableError(problem=f"is a {type_name_of(value)}, and neither a frame nor a series of pandas")
        arrow, parquet = _arrow()
        try:
            table = table_of(value, arrow)
            sample = BytesIO()
            parquet.write_table(table.slice(0, 0), sample)
            sample.seek(0)
            returned = restore(parquet.ParquetFile(sample).read(), arrow)
        except (arrow.ArrowException, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, UnwritableError):
                raise
            reason = "; ".join(map(str, error.args))
            raise UnwritableError(problem=f"cannot be held by Parquet: {reason}") from error
        _check_same_kind(value, returned)
        parquet.write_table(table, stream)

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a frame or a series.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no Parquet file of this serializer.
        """
        library("pandas", extra="pandas")
        arrow, parquet = _arrow()
        try:
            table = parquet.ParquetFile(stream).read()
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(str(error)) from error
        return check_form(restore(table, arrow), form)


def _arrow() -> tuple[Any, Any]:
    return library("pyarrow", extra="pandas"), library("pyarrow.parquet", extra="pandas")


def _check_same_kind(value: Any, returned: Any) -> None:
    """Check that what came back without its rows differs in nothing but these.

    Raises:
        UnwritableError: It differs.
    """
    if value.ndim == 1:
        pairs = [("", value.dtype, returned.dtype), (".name", value.name, returned.name)]
    else:
        _check_columns(value.columns, returned.columns)
        dtypes = zip(value.columns, value.dtypes, returned.dtypes, strict=True)
        pairs = [(f"[{label!r}]", before, after) for label, before, after in dtypes]
    if not is_range(value.index):
        pairs += _index_pairs(value.index, returned.index)
    for place, before, after in pairs:
        if before != after:
            problem = f"is {_shown(before)}, and would come back from Parquet as {_shown(after)}"
            raise UnwritableError(place=place, problem=problem)


def _index_pairs(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    pairs: list[tuple[str, Any, Any]]
    pairs = [(".index", type(before), type(after)), (".index.names", list(before.names), list(after.names))]
    levels = range(before.nlevels)
    return pairs + [(".index", before.get_level_values(one).dtype, after.get_level_values(one).dtype) for one in levels]


def _check_columns(before: Any, after: Any) -> None:
    same = type(before) is type(after) and before.dtype == after.dtype and before.equals(after)
    if not same or list(before.names) != list(after.names):
        problem = f"are {_shown(before)}, and would come back from Parquet as {_shown(after)}"
        raise UnwritableError(place=".columns", problem=problem)


def _shown(value: object) -> str:
    return type_name(value) if isinstance(value, type) else str(value)[:200]
