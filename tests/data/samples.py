"""Values of every kind that a serializer of this package writes; also run as a script, which prints their digests."""

import dataclasses
import datetime
import decimal
import enum
import hashlib
import io
import math
import sys
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
from matplotlib.figure import Figure
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from oneml.habitats.data.files import File, Folder
from oneml.habitats.data.serializer_registry import SerializerRegistry

mpl.use("agg")


class Sample(NamedTuple):
    """A value, the serializer that is chosen for it, and the form it is read in."""

    serializer: str
    value: Any
    form: Any


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Shape(enum.StrEnum):
    ROUND = "round"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Part:
    names: frozenset[str]
    where: Path
    point: Point
    twice: int = dataclasses.field(init=False, default=0)


@dataclasses.dataclass(slots=True)
class Whole:
    parts: tuple[Part, ...]
    by_colour: dict[Colour, Part | None]
    by_level: dict[Level, int]


class Model(pydantic.BaseModel):
    amount: decimal.Decimal = pydantic.Field(alias="theAmount")
    wholes: Sequence[Whole] = ()
    tags: set[str] = set()
    link: pydantic.HttpUrl | None = None

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> decimal.Decimal:
        return self.amount * 2


class Numbers(pydantic.RootModel[list[int]]):
    pass


@pydantic.dataclasses.dataclass
class Checked:
    rate: float


UTC_NOON = datetime.datetime(2026, 1, 2, 12, 0, 0, 5, tzinfo=datetime.UTC)
PART = Part(frozenset({"b", "a", "ü", "c"}), Path("/x/y"), Point(1, UTC_NOON))
WHOLE = Whole((PART,), {Colour.RED: PART}, {Level.LOW: 3})


def json_samples() -> dict[str, Sample]:
    forms: dict[str, tuple[object, object]] = {
        "none": (None, None),
        "true": (True, bool),
        "int": (-7, int),
        "big int": (10**4000, int),
        "float": (0.1, float),
        "int as float": (3, float),
        "infinity": (-math.inf, float),
        "not a number": (math.nan, float),
        "minus zero": (-0.0, float),
        "empty list": ([], list[int]),
        "list": ([1, [2, None], {"a": "b"}], list[Any]),
        "tuple": ((1, "a"), tuple[int, str]),
        "dict": ({"b": 1, "a": {"z": [1], "y": []}}, object),
        "int keys": ({1: "a", 10: "b", 9: "c"}, dict[int, str]),
        "date keys": ({datetime.date(2026, 1, 2): 1.5}, dict[datetime.date, float]),
        "uuid keys": ({uuid.UUID(int=5): 1}, dict[uuid.UUID, int]),
        "bool keys": ({True: 1, False: 0}, dict[bool, int]),
        "null as text key": ({"null": 1}, dict[str, int]),
        "set": ({"x", "yy", "zzz", "é"}, set[str]),
        "set of sets": ({frozenset({1, 2}), frozenset({2}), frozenset[int]()}, set[frozenset[int]]),
        "ordered": (OrderedDict(a=1, b=2), OrderedDict[str, int]),
        "proxy": (MappingProxyType({"a": 1}), Mapping[str, int]),
        "datetime": (UTC_NOON, datetime.datetime),
        "naive datetime": (UTC_NOON.replace(tzinfo=None), datetime.datetime),
        "date": (UTC_NOON.date(), datetime.date),
        "time": (datetime.time(1, 2, 3, 4), datetime.time),
        "timedelta": (datetime.timedelta(days=-3, microseconds=1), datetime.timedelta),
        "decimal": (decimal.Decimal("1.50"), decimal.Decimal),
        "uuid": (uuid.UUID(int=2**127), uuid.UUID),
        "path": (Path("a/é"), Path),
        "enum": (Colour.BLUE, Colour),
        "int enum": (Level.LOW, Level),
        "str enum": (Shape.ROUND, Shape),
        "flag": (Access.READ | Access.WRITE, Access),
        "dataclass": (WHOLE, Whole),
        "named tuple": (Point(1, UTC_NOON), Point),
        "model": (
            Model(theAmount=decimal.Decimal("0.10"), wholes=[WHOLE], tags={"p", "q", "r"}, link="https://a.b/c?d"),
            Model,
        ),
        "root model": (Numbers([3, 1]), Numbers),
        "pydantic dataclass": (Checked(0.5), Checked),
        "numpy numbers": ({"a": np.float32(0.1), "b": np.int64(3), "c": np.True_}, dict[str, float | bool]),
        "numpy float": (np.float64(0.25), float),
        "numpy float32": (np.float32(0.5), np.float32),
        "numpy bool": (np.True_, np.bool_),
    }
    return {name: Sample("json", value, form) for name, (value, form) in forms.items()}


def array_samples() -> dict[str, Sample]:
    grid = np.arange(12, dtype=">i2").reshape(3, 4)
    structured = np.array([(1, 2.5, "a")], dtype=[("n", "<i4"), ("é", "<f8"), ("日本", "<U3")])
    arrays = {
        "floats": np.linspace(0, 1, 7),
        "empty": np.zeros((0, 3), dtype="f4"),
        "no dimension": np.array(5),
        "big endian": grid,
        "fortran": np.asfortranarray(grid),
        "every second": grid[::2, ::-1],
        "bools": np.array([True, False]),
        "texts": np.array(["a", "éé"]),
        "bytes": np.array([b"a", b""]),
        "times": np.array(["2026-01-02", "NaT"], dtype="M8[s]"),
        "complex": np.array([1 + 2j]),
        "structured": structured,
        "many": np.arange(1_500_000, dtype="i4").reshape(2, 3, -1).transpose(2, 0, 1),
    }
    samples = {f"array {name}": Sample("numpy", array, np.ndarray) for name, array in arrays.items()}
    samples["scalar complex"] = Sample("numpy", np.complex64(1j), np.complex64)
    samples["scalar time"] = Sample("numpy", np.datetime64("2026-01-02", "ns"), np.datetime64)
    return samples


def frame_samples() -> dict[str, Sample]:
    index = pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["p", None])
    frame = pd.DataFrame(
        {
            "int": [1, 2],
            "float": np.array([1.5, np.nan], dtype="f4"),
            "text": ["x", None],
            "nullable": pd.array([1, None], dtype="Int64"),
            "when": pd.to_datetime(["2026-01-02", None]).astype("datetime64[s]"),
            "zone": pd.to_datetime(["2026-01-02", None]).tz_localize("Europe/Paris"),
            "since": pd.to_timedelta([1, 2], unit="s"),
            "objects": pd.Series([decimal.Decimal("1.5"), None], dtype=object),
            "object texts": pd.Series(["x", np.nan], dtype=object),
            "colour": pd.Categorical(["b", None], categories=["z", "b"], ordered=True),
            "number": pd.Categorical([3, None], categories=[9, 3]),
            "month": pd.period_range("2026-01", periods=2, freq="M"),
        }
    )
    frames = {
        "all dtypes": frame,
        "index of two": frame[["int", "text"]].set_index(index),
        "positions": pd.DataFrame([[1, 2], [3, 4]]),
        "columns of two": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        "days": pd.DataFrame({"a": [1, 2, 3]}, index=pd.date_range("2026-01-01", periods=3, freq="D", tz="UTC")),
        "range": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(4, 0, -2, name="left")),
        "categories in the index": pd.DataFrame({"a": [1]}, index=pd.CategoricalIndex(["x"], categories=["y", "x"])),
        "same index twice": pd.DataFrame({"a": pd.Series(["x", None], dtype=object, index=[1, 1])}),
        "empty": pd.DataFrame(),
        "no rows": frame.iloc[:0],
        "no columns": pd.DataFrame(index=[3, 1]),
    }
    samples = {f"frame {name}": Sample("parquet", value, pd.DataFrame) for name, value in frames.items()}
    samples["series"] = Sample("parquet", pd.Series([1, 2], name=5, index=["a", "b"]), pd.Series)
    samples["series without a name"] = Sample("parquet", pd.Series(["a", None], dtype="category"), pd.Series)
    return samples


def image_samples() -> dict[str, Sample]:
    gradient = Image.linear_gradient("L").resize((20, 10))
    images = {mode: gradient.convert(mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")}
    samples = {f"image {mode}": Sample("png", image, Image.Image) for mode, image in images.items()}
    samples["image I;16"] = Sample("png", Image.frombytes("I;16", (2, 2), b"\1\2\3\4\5\6\7\x08"), Image.Image)
    noted = images["RGB"].copy()
    noted.getexif()[271] = "camera"
    noted.info["icc_profile"] = b"a profile"
    samples["image with notes"] = Sample("png", noted, Image.Image)
    samples["image with a transparent colour"] = Sample("png", images["P"].copy(), Image.Image)
    samples["image with a transparent colour"].value.info["transparency"] = 3
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [1, 0])
    samples["figure"] = Sample("png", figure, Image.Image)
    return samples


def polars_samples() -> dict[str, Sample]:
    noon = UTC_NOON.replace(tzinfo=None)
    types: dict[str, Any] = {
        "int": [1, None],
        "big": pl.Series([2**100, None], dtype=pl.Int128),
        "small": pl.Series([255, None], dtype=pl.UInt8),
        "float": [math.nan, -0.0],
        "infinite": pl.Series([math.inf, None], dtype=pl.Float32),
        "é": ["é\0", None],
        "bytes": [b"", None],
        "bool": [True, None],
        "nothing": [None, None],
        "date": [noon.date(), None],
        "time": [noon.time(), None],
        "since": [datetime.timedelta(microseconds=-5), None],
        "when": pl.Series([noon, None], dtype=pl.Datetime("ns")),
        "zone": pl.Series([noon, None]).dt.replace_time_zone("Europe/Paris"),
        "money": pl.Series([decimal.Decimal("1.50"), None], dtype=pl.Decimal(10, 2)),
        "category": pl.Series(["b", None], dtype=pl.Categorical),
        "enum": pl.Series(["x", None], dtype=pl.Enum(["y", "x"])),
        "list": [[1, None], []],
        "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int16, 2)),
        "struct": [{"a": 1, "b": [None]}, None],
    }
    frame = pl.DataFrame(types)
    frames = {"all types": frame, "no rows": frame.clear(), "empty": pl.DataFrame(), "rows of a slice": frame[1:]}
    samples = {f"polars {name}": Sample("polars", value, pl.DataFrame) for name, value in frames.items()}
    samples["polars series"] = Sample("polars", pl.Series("n", [1, None]), pl.Series)
    samples["polars series without a name"] = Sample("polars", pl.Series([], dtype=pl.String), pl.Series)
    return samples


def arrow_samples() -> dict[str, Sample]:
    columns: dict[str, Any] = {
        "int": pa.chunked_array([[1], [None, 3]]),
        "é": ["é", None, ""],
        "float": [math.nan, -0.0, -math.inf],
        "half": pa.array([0.5, None, 1], pa.float16()),
        "category": pa.array(["b", None, "a"]).dictionary_encode(),
        "zone": pa.array([1, None, 3], pa.timestamp("ns", "Europe/Paris")),
        "list": [[1, None], [], None],
        "struct": [{"x": 1}, None, {"x": None}],
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())),
        "union": pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a"] * 3)]),
        "interval": pa.array([(1, 2, 3), None, (0, 0, 0)], pa.month_day_nano_interval()),
    }
    table = pa.table(columns)
    field = pa.field("int", pa.int64(), nullable=False, metadata={"unit": "mm"})
    noted = pa.table({"int": [1]}, schema=pa.schema([field], metadata={"source": "é"}))
    batch = table.combine_chunks().to_batches()[0]
    values = {
        "table": table,
        "table with metadata": noted,
        "table without rows": table.slice(0, 0),
        "table without columns": pa.table({}),
        "batch": batch,
        "batch without rows": batch.slice(0, 0),
        "chunks": table.column("int"),
        "no chunks": pa.chunked_array([], pa.string()),
        "array": pa.array([1, None, 2**62]),
        "empty array": pa.array([], pa.date32()),
    }
    return {f"arrow {name}": Sample("arrow", value, type(value)) for name, value in values.items()}


def file_samples() -> dict[str, Sample]:
    here = Path(__file__)
    return {
        "file": Sample("tar", File(here), File),
        "file of another name": Sample("tar", File(here, name="é" * 60), File),
        "folder": Sample("tar", Folder(here.with_name("plugin_site") / "oneml_roman-1.0.dist-info"), Folder),
    }


def model_samples() -> dict[str, Sample]:
    features, labels = np.arange(40.0).reshape(20, 2) % 7, np.arange(20) % 2
    kernel = 1.5 * RBF(2.0) + WhiteKernel()
    texts = ["red green", "green blue", "blue red red"] * 5
    models = {
        "unfitted": LogisticRegression(C=0.5),
        "fitted": LogisticRegression().fit(features, labels),
        "pipeline": Pipeline([("scale", StandardScaler()), ("reduce", PCA(1)), ("fit", LogisticRegression())]).fit(
            features, labels
        ),
        "forest": RandomForestClassifier(3, random_state=1).fit(features, labels),
        "boosting": GradientBoostingRegressor(n_estimators=2, random_state=1).fit(features, labels),
        "network": MLPClassifier(hidden_layer_sizes=2, tol=9.0, n_iter_no_change=1, random_state=1).fit(
            features, labels
        ),
        "process": GaussianProcessRegressor(kernel, optimizer=None, random_state=1).fit(features, labels),
        "vote": VotingClassifier(
            [("tree", DecisionTreeClassifier(random_state=1)), ("line", LogisticRegression())]
        ).fit(features, labels),
        "function": FunctionTransformer(np.log1p).fit(features),
        "texts": TfidfVectorizer(stop_words=["a", "the"]).fit(texts),
        "codes": OneHotEncoder().fit([["a"], ["b"]]),
    }
    return {f"model {name}": Sample("sklearn", model, type(model)) for name, model in models.items()}


def samples() -> dict[str, Sample]:
    plain = {
        "text": Sample("text", "é\r\n\0\U0001f600", str),
        "empty text": Sample("text", "", str),
        "bytes": Sample("bytes", bytes(range(256)), bytes),
        "empty bytes": Sample("bytes", b"", bytes),
    }
    return {
        **plain,
        **json_samples(),
        **array_samples(),
        **frame_samples(),
        **image_samples(),
        **polars_samples(),
        **arrow_samples(),
        **file_samples(),
        **model_samples(),
    }


def written(sample: Sample) -> bytes:
    stream = io.BytesIO()
    SerializerRegistry().by_name(sample.serializer).write(sample.value, stream)
    return stream.getvalue()


if __name__ == "__main__":
    for name, sample in samples().items():
        sys.stdout.write(f"{name}\t{hashlib.sha256(written(sample)).hexdigest()}\n")
