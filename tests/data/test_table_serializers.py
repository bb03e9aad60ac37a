"""polars and Arrow: what is refused, how that is said, and laws over made-up columns."""

import io
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.serializers.arrow import ArrowSerializer
from oneml.habitats.data.serializers.polars import PolarsSerializer
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import SerializationError
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath

NODE = NodePath("//n")
COLUMNS: "st.SearchStrategy[Any]" = st.one_of(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.none() | st.floats(allow_nan=False)),
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))),
    st.lists(st.none() | st.binary()),
    st.lists(st.none() | st.lists(st.none() | st.booleans())),
    st.lists(st.none() | st.datetimes()),
)


def written(serializer: Any, value: object) -> bytes:
    stream = io.BytesIO()
    serializer.write(value, stream)
    return stream.getvalue()


def returned(serializer: Any, value: object) -> Any:
    return serializer.read(io.BytesIO(written(serializer, value)), object)


@given(COLUMNS)
def test_every_column_comes_back(column: list[Any]) -> None:
    series, array = pl.Series("a", column, strict=False), pa.array(column)
    assert returned(PolarsSerializer(), series).equals(series, check_dtypes=True, check_names=True)
    assert returned(ArrowSerializer(), array).equals(array)


@given(st.lists(st.lists(st.none() | st.integers(0, 9), max_size=4), max_size=5))
def test_how_a_column_was_cut_into_chunks_does_not_show_in_the_bytes(chunks: list[list[Any]]) -> None:
    cut = pa.table({"a": pa.chunked_array(chunks, pa.int8())})
    assert written(ArrowSerializer(), cut) == written(ArrowSerializer(), cut.combine_chunks())
    frame = pl.concat([pl.Series("a", chunk, dtype=pl.Int8).to_frame() for chunk in [*chunks, []]], rechunk=False)
    assert written(PolarsSerializer(), frame) == written(PolarsSerializer(), frame.rechunk())


def test_a_lazy_frame_is_refused_with_the_way_out() -> None:
    told = r'//n cannot publish port "out": out is a polars\.LazyFrame, .* return frame\.collect\(\)'
    with pytest.raises(SerializationError, match=told):
        DataClient(MemoryArtifactStore()).publish(NODE, "out", pl.LazyFrame({"a": [1]}))


@pytest.mark.parametrize(
    ("serializer", "value", "told"),
    [
        (PolarsSerializer(), pl.DataFrame({"a": [object()]}), "cannot be held by Parquet: .*Object"),
        (PolarsSerializer(), pl.DataFrame(height=3), "has rows but no columns"),
        (ArrowSerializer(), pa.table({"a": [1]}).select([]), "has rows but no columns"),
        (ArrowSerializer(), pa.table({}).replace_schema_metadata({"oneml.arrow": "x"}), "which is taken"),
    ],
)
def test_what_would_not_come_back_is_refused_before_a_byte_is_written(serializer: Any, value: Any, told: str) -> None:
    stream = io.BytesIO()
    with pytest.raises(UnwritableError, match=told):
        serializer.write(value, stream)
    assert stream.getvalue() == b""


def test_other_tools_read_the_files() -> None:
    table = pa.table({"a": [1, None]})
    assert pl.read_ipc(io.BytesIO(written(ArrowSerializer(), table)))["a"].to_list() == [1, None]
    file = io.BytesIO(written(PolarsSerializer(), pl.DataFrame({"a": [1]})))
    assert parquet.read_table(file).to_pydict() == {"a": [1]}


def test_files_of_others_are_refused() -> None:
    stream = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_parquet(stream)
    with pytest.raises(ValueError, match="was not written by this serializer"):
        PolarsSerializer().read(io.BytesIO(stream.getvalue()), object)
    stream = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_ipc(stream)
    with pytest.raises(ValueError, match="was not written by this serializer"):
        ArrowSerializer().read(io.BytesIO(stream.getvalue()), object)
