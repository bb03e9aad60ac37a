"""polars frames and series as Parquet files that any tool can read."""

from io import BytesIO
from typing import Any, BinaryIO

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.libraries import is_a, is_exactly, library
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError

_NOTE = "oneml.polars"
_FRAME, _SERIES = "frame", "series"


class PolarsSerializer:
    """Frames and series with their schema. A lazy frame is refused: it is a plan of work, and not its result."""

    name = "polars"
    version = 1
    media_type = "application/vnd.apache.parquet"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is a frame or a series, lazy ones included, so that it is told what to do."""
        return _is(value, "DataFrame") or _is(value, "Series") or _is_lazy(value)

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is no frame and no series, a lazy one, or holds what Parquet cannot.
        """
        if _is_lazy(value):
            problem = "is a polars.LazyFrame, which has not been computed: return frame.collect()"
            raise UnwritableError(problem=problem)
        if not self.accepts(value):
            raise UnwritableError(problem=f"is a {type_name_of(value)}, and neither a frame nor a series of polars")
        polars = library("polars", extra="polars")
        kind = _SERIES if _is(value, "Series") else _FRAME
        given: Any = value
        frame: Any = given.to_frame() if kind == _SERIES else given
        if frame.height and not frame.width:
            raise UnwritableError(problem="has rows but no columns, which Parquet cannot hold")
        metadata = {_NOTE: kind}
        sample = BytesIO()
        try:
            frame.clear().write_parquet(sample, metadata=metadata)
            sample.seek(0)
            returned: Any = polars.read_parquet(sample).schema
        except polars.exceptions.PolarsError as error:
            raise UnwritableError(problem=f"cannot be held by Parquet: {error}") from error
        for (name, before), after in zip(frame.schema.items(), returned.values(), strict=True):
            if before != after:
                problem = f"is {before}, and would come back from Parquet as {after}"
                raise UnwritableError(place=f"[{name!r}]", problem=problem)
        frame.write_parquet(stream, metadata=metadata)

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a frame or a series.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no Parquet file of this serializer.
        """
        polars = library("polars", extra="polars")
        try:
            kind = polars.read_parquet_metadata(stream).get(_NOTE)
            stream.seek(0)
            frame: Any = polars.read_parquet(stream) if kind in {_FRAME, _SERIES} else None
        except (polars.exceptions.PolarsError, OSError) as error:
            raise ValueError(str(error)) from error
        if frame is None:
            message = "the Parquet file was not written by this serializer"
            raise ValueError(message)
        return check_form(frame.to_series() if kind == _SERIES else frame, form)


def _is(value: object, name: str) -> bool:
    return is_exactly(value, "polars", name)


def _is_lazy(value: object) -> bool:
    return is_a(value, "polars", "LazyFrame")
