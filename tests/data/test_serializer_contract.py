"""What every serializer promises, for every value of `samples.py`; and what holds for all of them together."""

import hashlib
import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import BaseEstimator

from oneml.habitats.data.files import File, Folder
from oneml.habitats.data.serializer_registry import BUILT_IN, SerializerRegistry
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.ports.serializer import Serializer
from oneml.habitats.testing.serializers import Sample, SerializerConformance

SAMPLES_FILE = Path(__file__).with_name("samples.py")
REGISTRY = SerializerRegistry()


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("serializer_samples", SAMPLES_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["serializer_samples"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SAMPLES_MODULE = loaded()
SAMPLES: Mapping[str, Any] = SAMPLES_MODULE.samples()
HOLDS_AN_ADDRESS = {"model texts"}
COMES_BACK_IN_ANOTHER_FORM = {"figure", "int as float", "numpy numbers"}


class Conformance(SerializerConformance):
    serializer_name = ""

    def serializer(self) -> Serializer:
        return REGISTRY.by_name(self.serializer_name)

    def samples(self) -> Mapping[str, Sample]:
        return {
            name: Sample(sample.value, sample.form, same_bytes=name not in COMES_BACK_IN_ANOTHER_FORM)
            for name, sample in SAMPLES.items()
            if sample.serializer == self.serializer_name
        }


class TestBytes(Conformance):
    serializer_name = "bytes"
    any_bytes = True


class TestText(Conformance):
    serializer_name = "text"
    any_bytes = True


class TestJson(Conformance):
    serializer_name = "json"

    def check_same(self, value: object, returned: object) -> None:
        assert value == returned or str(value) == str(returned) == "nan"
        if isinstance(value, float) and isinstance(returned, float):
            assert math.copysign(1, value) == math.copysign(1, returned)


class TestNumpy(Conformance):
    serializer_name = "numpy"
    libraries = ("numpy",)

    def check_same(self, value: Any, returned: Any) -> None:
        np.testing.assert_array_equal(value, returned, strict=True)


class TestParquet(Conformance):
    serializer_name = "parquet"
    libraries = ("pandas", "pyarrow")

    def check_same(self, value: Any, returned: Any) -> None:
        if isinstance(value, pd.Series):
            pd.testing.assert_series_equal(value, returned)
        else:
            pd.testing.assert_frame_equal(value, returned, check_column_type=True)
            assert type(value.columns) is type(returned.columns)


class TestPng(Conformance):
    serializer_name = "png"
    libraries = ("PIL",)

    def check_same(self, value: Any, returned: Any) -> None:
        if isinstance(value, Image.Image):
            assert (value.mode, value.size, value.tobytes()) == (returned.mode, returned.size, returned.tobytes())
            assert dict(value.getexif()) == dict(returned.getexif())
            assert value.info.get("icc_profile") == returned.info.get("icc_profile")
            assert value.info.get("transparency") == returned.info.get("transparency")
            assert value.getpalette() == returned.getpalette()
        else:
            assert returned.size == (200, 100)  # a drawing of a figure


class TestPolars(Conformance):
    serializer_name = "polars"
    libraries = ("polars",)

    def check_same(self, value: Any, returned: Any) -> None:
        assert type(value) is type(returned)
        schema = "schema" if hasattr(value, "schema") else "dtype"
        assert getattr(value, schema) == getattr(returned, schema)
        assert value.equals(returned, null_equal=True)
        assert repr(value) == repr(returned)


class TestArrow(Conformance):
    serializer_name = "arrow"
    libraries = ("pyarrow",)

    def check_same(self, value: Any, returned: Any) -> None:
        assert type(value) is type(returned)
        if hasattr(value, "schema"):
            assert returned.schema.equals(value.schema, check_metadata=True)
        assert str(value.to_pylist()) == str(returned.to_pylist())
        assert "nan" in str(value.to_pylist()) or returned.equals(value)


class TestTar(Conformance):
    serializer_name = "tar"

    def check_same(self, value: object, returned: object) -> None:
        assert isinstance(value, File | Folder)
        assert isinstance(returned, type(value))
        assert (value.name, returned.path.name) == (returned.name, value.name)
        assert contents(value.path) == contents(returned.path)


class TestSklearn(Conformance):
    serializer_name = "sklearn"
    libraries = ("skops",)

    def check_same(self, value: Any, returned: Any) -> None:
        assert isinstance(value, BaseEstimator)
        assert repr(value) == repr(returned)
        assert sorted(vars(value)) == sorted(vars(returned))
        if hasattr(value, "predict") and hasattr(value, "n_features_in_"):
            features = np.linspace(0, 7, 5 * value.n_features_in_).reshape(5, -1)
            np.testing.assert_array_equal(value.predict(features), returned.predict(features))


class TestPickle(Conformance):
    """Takes whatever comes, so that nothing is a stranger to it."""

    serializer_name = "pickle"
    deterministic = False
    test_stranger_is_neither_accepted_nor_written = None

    def samples(self) -> Mapping[str, Sample]:
        values = {"complex": 1j, "set": {1, "a"}, "nested": {(1, 2): [b"x", {3}]}, "nothing": None}
        return {name: Sample(value, type(value)) for name, value in values.items()}


def contents(path: Path) -> Mapping[str, bytes]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_is_given_to_its_serializer(name: str) -> None:
    _, value, _ = SAMPLES[name]
    assert REGISTRY.for_value(value, wanted=None, allow_pickle=True, what="it").name == SAMPLES[name].serializer


def test_equal_values_give_equal_bytes_whatever_the_process_and_its_hash_seed() -> None:
    command = [sys.executable, SAMPLES_FILE]
    environ = {**os.environ, "PYTHONHASHSEED": "77"}
    output = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    there = dict(line.split("\t") for line in output.splitlines())
    here = {name: hashlib.sha256(SAMPLES_MODULE.written(sample)).hexdigest() for name, sample in SAMPLES.items()}
    assert there.keys() == here.keys()
    assert {name for name in here if here[name] != there[name]} <= HOLDS_AN_ADDRESS


@pytest.fixture(params=[name for name in BUILT_IN if name != "pickle"])
def serializer(request: pytest.FixtureRequest) -> Serializer:
    return REGISTRY.by_name(request.param)


def test_a_serializer_has_samples_and_the_version_of_its_class(serializer: Serializer) -> None:
    assert BUILT_IN[serializer.name].endswith(type(serializer).__name__)
    assert serializer.version == 1
    assert serializer.name in {sample.serializer for sample in SAMPLES.values()}


def test_a_serializer_refuses_what_it_does_not_accept(serializer: Serializer) -> None:
    for sample in SAMPLES.values():
        stranger = sample.value
        if serializer.accepts(stranger) or (serializer.name == "json" and isinstance(stranger, str | bytes)):
            continue
        if serializer.name == "numpy" and isinstance(stranger, np.generic):
            continue
        with pytest.raises(UnwritableError):
            REGISTRY.for_value(stranger, wanted=serializer.name, allow_pickle=False, what="it")


def test_looking_at_a_value_imports_nothing() -> None:
    code = (
        "import sys\n"
        "from oneml.habitats.data.serializer_registry import BUILT_IN, SerializerRegistry\n"
        "registry = SerializerRegistry()\n"
        "for name in BUILT_IN: registry.by_name(name).accepts(object())\n"
        "print(*{module.partition('.')[0] for module in sys.modules})"
    )
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        *("numpy", "pandas", "polars", "pyarrow", "PIL", "matplotlib", "sklearn", "skops", "pydantic"),
        "importlib_metadata",
    }
    assert not heavy & set(names)
