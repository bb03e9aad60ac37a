"""What every serializer promises, for every value of `samples.py`."""

import importlib.util
import io
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

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.serializer_registry import BUILT_IN, SerializerRegistry
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import DeserializationError
from oneml.habitats.ports.serializer import Serializer
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath

SAMPLES_FILE = Path(__file__).with_name("samples.py")
REGISTRY = SerializerRegistry()


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("serializer_samples", SAMPLES_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["serializer_samples"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SAMPLES: Mapping[str, Any] = loaded().samples()
HALF_A_NUMBER_IS_A_NUMBER = {"numpy float32"}
HOLDS_AN_ADDRESS = {"model texts"}

every_sample = pytest.mark.parametrize("name", SAMPLES)


def same(value: Any, returned: Any) -> bool:
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(value, returned, strict=True)
    elif isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(value, returned, check_column_type=True)
        assert type(value.columns) is type(returned.columns)
    elif isinstance(value, pd.Series):
        pd.testing.assert_series_equal(value, returned)
    elif isinstance(value, Image.Image):
        return (value.mode, value.size, value.tobytes()) == (returned.mode, returned.size, returned.tobytes())
    elif isinstance(value, BaseEstimator):
        return repr(value) == repr(returned) and sorted(vars(value)) == sorted(vars(returned))
    elif type(value).__name__ == "Figure":
        return bool(returned.size == (200, 100))
    else:
        return bool(value == returned)
    return True


def written(name: str) -> bytes:
    stream = io.BytesIO()
    REGISTRY.by_name(SAMPLES[name].serializer).write(SAMPLES[name].value, stream)
    return stream.getvalue()


@every_sample
def test_a_value_is_given_to_its_serializer_and_comes_back_equal(name: str) -> None:
    _, value, form = SAMPLES[name]
    serializer = REGISTRY.for_value(value, wanted=None, allow_pickle=True, what="it")
    assert serializer.name == SAMPLES[name].serializer
    returned = serializer.read(io.BytesIO(written(name)), form)
    assert same(value, returned)
    assert form is object or not isinstance(form, type) or isinstance(returned, form)


@every_sample
def test_a_value_comes_back_through_stores(name: str, tmp_path: Path) -> None:
    _, value, form = SAMPLES[name]
    for store in (MemoryArtifactStore(), LocalArtifactStore(tmp_path)):
        client = DataClient(store)
        record = client.publish(NodePath("//a"), "out", value)
        assert same(value, client.load(record, form, what="it"))


def test_equal_values_give_equal_bytes_whatever_the_process_and_its_hash_seed() -> None:
    outputs = []
    for seed in ("1", "77"):
        command = [sys.executable, SAMPLES_FILE]
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        outputs.append(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout)
    first, second = (dict(line.split("\t") for line in output.splitlines()) for output in outputs)
    assert first.keys() == SAMPLES.keys()
    assert {name for name in first if first[name] != second[name]} <= HOLDS_AN_ADDRESS


@every_sample
def test_half_of_the_bytes_is_refused_or_at_least_never_taken_for_the_value(name: str) -> None:
    _, value, form = SAMPLES[name]
    whole = written(name)
    if name in HALF_A_NUMBER_IS_A_NUMBER:
        return
    for size in {0, 1, len(whole) // 2} & set(range(len(whole))):
        client = DataClient(MemoryArtifactStore())
        record = client.publish(NodePath("//a"), "out", whole[:size])
        try:
            returned = client.load(record._replace(serializer=SAMPLES[name].serializer), form, what="it")
        except DeserializationError:
            continue
        assert not same_or_unlike(value, returned)


def same_or_unlike(value: Any, returned: Any) -> bool:
    try:
        return same(value, returned)
    except AssertionError:
        return False


@pytest.fixture(params=[name for name in BUILT_IN if name != "pickle"])
def serializer(request: pytest.FixtureRequest) -> Serializer:
    return REGISTRY.by_name(request.param)


def test_a_serializer_tells_its_name_version_and_media_type(serializer: Serializer) -> None:
    assert BUILT_IN[serializer.name].endswith(type(serializer).__name__)
    assert serializer.version == 1
    assert serializer.media_type.count("/") == 1


def test_a_serializer_refuses_what_it_does_not_accept(serializer: Serializer) -> None:
    strangers = [sample.value for sample in SAMPLES.values() if not serializer.accepts(sample.value)]
    strangers.append(object())
    for stranger in strangers:
        stream = io.BytesIO()
        if serializer.name == "json" and isinstance(stranger, str | bytes):
            continue
        if serializer.name == "numpy" and isinstance(stranger, np.generic):
            continue
        with pytest.raises(UnwritableError):
            serializer.write(stranger, stream)
        assert stream.getvalue() == b""


def test_nothing_is_accepted_that_is_of_a_class_nobody_knows(serializer: Serializer) -> None:
    assert not serializer.accepts(object())
    assert not serializer.accepts(type)


def test_looking_at_a_value_imports_nothing() -> None:
    code = (
        "import sys\n"
        "from oneml.habitats.data.serializer_registry import BUILT_IN, SerializerRegistry\n"
        "registry = SerializerRegistry()\n"
        "for name in BUILT_IN: registry.by_name(name).accepts(object())\n"
        "print(*{module.partition('.')[0] for module in sys.modules})"
    )
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "pandas", "pyarrow", "PIL", "matplotlib", "sklearn", "skops", "pydantic", "importlib_metadata"}
    assert not heavy & set(names)
