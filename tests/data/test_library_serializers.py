"""NumPy, pandas, images and models: what is refused, and how that is said."""

import io
import struct
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer

from oneml.habitats.data.serializer_registry import SerializerRegistry
from oneml.habitats.data.serializers.numpy import NumpySerializer
from oneml.habitats.data.serializers.parquet import ParquetSerializer
from oneml.habitats.data.serializers.png import PngSerializer
from oneml.habitats.data.serializers.sklearn import SklearnSerializer
from oneml.habitats.data.unwritable import UnwritableError

FEATURES, LABELS = np.arange(20.0).reshape(10, 2), np.arange(10) % 2


def written(serializer: Any, value: object) -> bytes:
    stream = io.BytesIO()
    serializer.write(value, stream)
    return stream.getvalue()


class Own(LogisticRegression):
    pass


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.array([object()]), "of dtype object"),
        (np.array([(1, "x")], dtype=[("a", int), ("b", object)]), "dtype.*an NPY file cannot hold"),
        (np.array(["x"], dtype=np.dtypes.StringDType()), "StringDType"),
    ],
)
def test_arrays_that_hold_python_objects_are_refused(value: Any, told: str) -> None:
    with pytest.raises(UnwritableError, match=told):
        written(NumpySerializer(), value)


@pytest.mark.parametrize("value", [np.ma.masked_array([1]), np.rec.array([(1,)], dtype=[("a", int)])])
def test_arrays_of_subclasses_are_taken_by_nobody(value: Any) -> None:
    with pytest.raises(UnwritableError, match="no serializer writes"):
        SerializerRegistry().for_value(value, wanted=None, allow_pickle=False, what="it")


def test_equal_arrays_give_equal_bytes_whatever_their_layout() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    layouts = [array, np.asfortranarray(array), array[:, ::-1][:, ::-1], array.copy().swapaxes(0, 2).swapaxes(0, 2)]
    assert len({written(NumpySerializer(), layout) for layout in layouts}) == 1


def test_numpy_itself_reads_what_is_written() -> None:
    array = np.array([(1, 2.5)], dtype=[("日", "<i4"), ("b", "<f8")])
    np.testing.assert_array_equal(np.load(io.BytesIO(written(NumpySerializer(), array))), array)


def test_a_pickled_array_is_not_unpickled() -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([{}]), allow_pickle=True)
    stream.seek(0)
    with pytest.raises(ValueError, match="allow_pickle"):
        NumpySerializer().read(stream, object)


def test_something_behind_an_array_is_refused() -> None:
    with pytest.raises(ValueError, match="follows"):
        NumpySerializer().read(io.BytesIO(written(NumpySerializer(), np.zeros(3)) + b"x"), object)


def test_an_array_of_no_dimension_is_a_scalar_to_whoever_asks_for_no_array() -> None:
    data = written(NumpySerializer(), np.array(2.5))
    assert isinstance(NumpySerializer().read(io.BytesIO(data), np.ndarray), np.ndarray)
    assert type(NumpySerializer().read(io.BytesIO(data), object)) is np.float64


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.DataFrame({"a": [1, "x"]}), "Could not convert 'x'.*column a"),
        (pd.DataFrame({"a": [1j]}), "column a"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "column a"),
        (pd.DataFrame({"a": [2**70]}), "too large"),
        (pd.DataFrame({"a": [np.zeros(2)]}), r"value\['a'\]\[0\] is array.*numpy\.ndarray"),
        (pd.DataFrame({"a": [{"x": 1}, {"y": 2}]}), r"value\['a'\]\[0\] is .*\(a dict\)"),
        (pd.DataFrame({"a": pd.Series([None, np.nan], dtype=object)}), r"value\['a'\] holds both None and NaN"),
        (pd.DataFrame({"a": pd.Series([threading], dtype=object)}), "column a"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "value.columns hold 'a' twice"),
        (pd.DataFrame([[1, 2]], columns=["a", 7]), "value.columns hold labels of several types"),
        (pd.DataFrame({True: [1], False: [2]}), "value.columns are Index.*would come back from Parquet as"),
        (pd.DataFrame([[1]], columns=pd.CategoricalIndex(["a"])), "cannot be held by Parquet"),
        (pd.DataFrame({"a": pd.Categorical.from_codes([0], pd.interval_range(0, 1))}), "cannot be held by Parquet"),
        (pd.Series([1], name=(1, 2)), "value.name is a tuple"),
        (pd.DataFrame({"a": [1]}, index=pd.RangeIndex(1, name=("x",))), "value.row_range.name is a tuple"),
    ],
)
def test_frames_that_would_come_back_otherwise_are_refused(frame: Any, told: str) -> None:
    stream = io.BytesIO()
    with pytest.raises(UnwritableError, match=told):
        ParquetSerializer().write(frame, stream)
    assert stream.getvalue() == b""


def test_attributes_of_a_frame_come_back_or_are_refused() -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": {"rows": [1, 2]}}
    returned: Any = ParquetSerializer().read(io.BytesIO(written(ParquetSerializer(), frame)), pd.DataFrame)
    assert returned.attrs == frame.attrs
    frame.attrs = {"source": (1,)}
    with pytest.raises(UnwritableError, match=r"value.attrs are"):
        written(ParquetSerializer(), frame)


def test_a_frequency_that_has_no_name_is_refused() -> None:
    days = pd.offsets.CustomBusinessDay(holidays=["2026-01-05"])
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2026-01-01", periods=2, freq=days))
    with pytest.raises(UnwritableError, match="has the frequency <CustomBusinessDay>"):
        written(ParquetSerializer(), frame)


def test_any_tool_reads_the_parquet_file_by_the_names_of_its_columns() -> None:
    frame = pd.DataFrame({"a": pd.Categorical(["x", None]), "b": [1, 2]}, index=pd.Index(["p", "q"], name="key"))
    returned = pd.read_parquet(io.BytesIO(written(ParquetSerializer(), frame)))
    assert list(returned.columns) == ["a", "b"]
    assert returned.index.name == "key"
    assert returned["a"].iloc[0] == "x"


def test_a_parquet_file_of_somebody_else_is_refused() -> None:
    stream = io.BytesIO()
    pd.DataFrame({"a": [1]}).to_parquet(stream)
    stream.seek(0)
    with pytest.raises(ValueError, match="was not written by this serializer"):
        ParquetSerializer().read(stream, pd.DataFrame)


@pytest.mark.parametrize("mode", ["CMYK", "F", "I", "YCbCr"])
def test_images_that_png_would_change_are_refused(mode: str) -> None:
    with pytest.raises(UnwritableError, match=f"mode {mode}.*convert it"):
        written(PngSerializer(), Image.new(mode, (1, 1)))


def test_a_figure_comes_back_as_an_image_or_as_its_file() -> None:
    figure = Figure(figsize=(1, 1), dpi=50)
    figure.subplots()
    data = written(PngSerializer(), figure)
    image = PngSerializer().read(io.BytesIO(data), object)
    assert isinstance(image, Image.Image)
    assert image.size == (50, 50)
    assert PngSerializer().read(io.BytesIO(data), bytes) == data
    assert b"matplotlib" not in data.lower()
    with pytest.raises(TypeError, match=r"PngImageFile, and matplotlib\.figure\.Figure is wanted"):
        PngSerializer().read(io.BytesIO(data), Figure)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF"])
def test_an_image_of_several_frames_is_refused_and_each_frame_by_itself_is_not(kind: str) -> None:
    stream = io.BytesIO()
    first, second = (Image.new("L", (2, 2), colour) for colour in (0, 255))
    first.save(stream, kind, save_all=True, append_images=[second])
    image = Image.open(stream)
    with pytest.raises(UnwritableError, match="of 2 frames, of which PNG would keep one: return a copy of each"):
        written(PngSerializer(), image)
    image.seek(1)
    again = PngSerializer().read(io.BytesIO(written(PngSerializer(), image.convert("L"))), Image.Image)
    assert isinstance(again, Image.Image)
    assert again.tobytes() == second.tobytes()


def test_an_image_that_is_no_png_is_refused() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, format="BMP")
    stream.seek(0)
    with pytest.raises(ValueError, match="has no end"):
        PngSerializer().read(stream, object)


def test_an_image_whose_header_lies_is_refused() -> None:
    data = bytearray(written(PngSerializer(), Image.new("L", (4, 4))))
    data[16:24] = struct.pack(">II", 4, 4000)
    with pytest.raises(ValueError, match="."):  # noqa: RUF043  # whichever way it is found
        PngSerializer().read(io.BytesIO(bytes(data)), object)


@pytest.mark.parametrize(
    ("model", "untrusted"),
    [
        (Own(), "Own"),
        (FunctionTransformer(lambda x: x), "<lambda>"),
        (
            KNeighborsClassifier(algorithm="kd_tree").fit(FEATURES, LABELS),
            r'_kd_tree\.KDTree \(nothing checks .*; algorithm="brute" needs none',
        ),
    ],
)
def test_models_that_hold_types_which_are_not_trusted_are_refused(model: object, untrusted: str) -> None:
    with pytest.raises(UnwritableError, match=f"types that are not trusted: .*{untrusted}"):
        written(SklearnSerializer(), model)


def test_an_archive_that_holds_an_untrusted_type_is_refused() -> None:
    import skops.io

    with pytest.raises(ValueError, match="Untrusted types"):
        SklearnSerializer().read(io.BytesIO(skops.io.dumps(Own())), object)


def test_a_model_that_comes_back_predicts_the_same() -> None:
    model = LogisticRegression(random_state=np.random.RandomState(3)).fit(FEATURES, LABELS)
    returned: Any = SklearnSerializer().read(io.BytesIO(written(SklearnSerializer(), model)), LogisticRegression)
    np.testing.assert_array_equal(returned.predict_proba(FEATURES), model.predict_proba(FEATURES))


def test_models_that_are_fitted_alike_give_equal_bytes() -> None:
    models = [LogisticRegression(C=float("1.5")).fit(FEATURES.copy(), LABELS.copy()) for _ in range(2)]
    assert written(SklearnSerializer(), models[0]) == written(SklearnSerializer(), models[1])
    assert written(SklearnSerializer(), models[0]) != written(SklearnSerializer(), LogisticRegression(C=1.5))
