"""The data client: one place where values are written, and one where they are read."""

import hashlib
import io
import os
import re
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pytest

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.serializer_registry import SerializerRegistry
from oneml.habitats.data.serializers.json import JsonSerializer
from oneml.habitats.errors import (
    CorruptArtifactError,
    DeserializationError,
    MissingLibraryError,
    PickleRefusedError,
    SerializationError,
    StoreError,
    UnknownSerializerError,
)
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord

NODE = NodePath("//train")


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(tmp_path / "store")


@pytest.fixture
def client(store: LocalArtifactStore) -> DataClient:
    return DataClient(store)


def test_a_small_value_stands_in_its_record_and_touches_no_file(client: DataClient, store: LocalArtifactStore) -> None:
    record = client.publish(NODE, "out", {"a": 1})
    assert record == PortRecord("json", 1, hashlib.sha256(b'{"a":1}').hexdigest(), 7, b'{"a":1}')
    assert client.load(record, dict[str, int], what="it") == {"a": 1}
    assert not store.folder.exists()


def test_a_large_value_lies_in_the_store(client: DataClient) -> None:
    record = client.publish(NODE, "out", "x" * 5000)
    assert (record.serializer, record.size, record.inline) == ("text", 5000, None)
    assert client.load(record, str, what="it") == "x" * 5000


def test_what_is_published_in_one_process_is_loaded_in_another(client: DataClient, store: LocalArtifactStore) -> None:
    record = client.publish(NODE, "out", list(range(5000)))
    assert DataClient(LocalArtifactStore(store.folder)).load(record, list[int], what="it") == list(range(5000))


def yielding() -> Iterator[int]:
    yield 1


async def yielding_later() -> AsyncIterator[int]:
    yield 1


async def later() -> int:
    return 1


class Waiting:
    def __await__(self) -> Iterator[int]:
        return iter([1])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (yielding(), "it returned a generator. Annotate the result as Iterator"),
        (yielding_later(), "it returned a generator. Annotate the result as Iterator"),
        (map(str, [1]), "it returned a map, which can be read only once. Annotate the result"),
        (iter([1]), "it returned a list_iterator, which can be read only once"),
        (io.StringIO("x"), "it returned a _io.StringIO, which can be read only once"),
        (Waiting(), "Waiting. Await it, and return what it gives"),
    ],
)
def test_what_can_be_read_only_once_is_refused(client: DataClient, value: object, told: str) -> None:
    with pytest.raises(SerializationError, match=re.escape('//train cannot publish port "output": ') + ".*" + told):
        client.publish(NODE, "output", value)


def test_a_coroutine_is_refused(client: DataClient) -> None:
    coroutine = later()
    with pytest.raises(SerializationError, match=r"it returned a coroutine. Await it"):
        client.publish(NODE, "output", coroutine)
    coroutine.close()


def test_a_refused_generator_was_not_started(client: DataClient) -> None:
    started: list[int] = []

    def values() -> Iterator[int]:
        started.append(1)
        yield 1

    with pytest.raises(SerializationError):
        DataClient(MemoryArtifactStore(), allow_pickle=True).publish(NODE, "output", values())
    assert started == []


@dataclass
class Fit:
    c: float
    model: object


def test_an_unwritable_value_names_node_port_place_and_type(client: DataClient) -> None:
    with pytest.raises(SerializationError) as caught:
        client.publish(NODE, "fits", [Fit(1.0, "x"), Fit(2.0, threading.Lock())])
    text = str(caught.value)
    assert text.startswith('//train cannot publish port "fits": fits[1].model is a _thread.lock. ')
    assert "port (a field of a NamedTuple or TypedDict result)" in text
    assert "allow_pickle" in text
    assert (caught.value.node, caught.value.port) == ("//train", "fits")


def test_a_value_that_no_serializer_takes_names_its_type(client: DataClient) -> None:
    with pytest.raises(SerializationError, match=r"out is a _thread.lock, which no serializer writes"):
        client.publish(NODE, "out", threading.Lock())


def test_an_array_inside_plain_data_is_told_to_take_a_port_of_its_own(client: DataClient) -> None:
    with pytest.raises(SerializationError, match=r"out\['weights'\] is a numpy.ndarray. Return .* one a port"):
        client.publish(NODE, "out", {"weights": np.zeros(2)})


def test_an_input_of_the_pipeline_is_named_as_such(client: DataClient) -> None:
    assert client.load(client.publish_input("size", 3), int, what="it") == 3
    with pytest.raises(SerializationError, match=r'^Input "size" cannot be stored: size is a _thread\.lock'):
        client.publish_input("size", threading.Lock())


def test_a_value_whose_own_code_raises_fails_its_node(client: DataClient) -> None:
    class Broken(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            raise LookupError(key)

        def __iter__(self) -> Iterator[str]:
            raise ZeroDivisionError("in my __iter__")

        def __len__(self) -> int:
            return 1

    with pytest.raises(SerializationError, match="ZeroDivisionError: in my __iter__"):
        client.publish(NODE, "out", Broken())


def test_a_failing_store_is_no_failure_of_the_value(client: DataClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for value in ("x" * 5000, np.zeros(5000), pd.DataFrame({"a": range(5000)})):
        with pytest.raises(StoreError, match=r"No space left on device. Free space"):
            client.publish(NODE, "out", value)


def test_the_settings_choose_the_serializer(client: DataClient) -> None:
    assert client.publish(NODE, "out", "text", wanted="json").serializer == "json"
    with pytest.raises(SerializationError, match='out is a str, which serializer "numpy" of the settings does not'):
        client.publish(NODE, "out", "text", wanted="numpy")
    with pytest.raises(UnknownSerializerError, match=r"No serializer 'jsn'.*Did you mean .json"):
        client.publish(NODE, "out", "text", wanted="jsn")


def test_pickle_is_refused_whoever_asks_for_it(store: LocalArtifactStore) -> None:
    trusting = DataClient(store, allow_pickle=True)
    record = trusting.publish(NODE, "out", Fit(1.0, {1j}), wanted="pickle")
    assert record.serializer == "pickle"
    with pytest.raises(PickleRefusedError, match=r'input "x" is pickled.*allow_pickle'):
        DataClient(store).load(record, object, what='input "x"')
    with pytest.raises(PickleRefusedError, match='Port "out" of //train'):
        DataClient(store).publish(NODE, "out", 1, wanted="pickle")
    assert trusting.load(record, Fit, what="it") == Fit(1.0, {1j})


def test_pickle_is_the_last_resort_where_it_is_allowed() -> None:
    client = DataClient(MemoryArtifactStore(), allow_pickle=True)
    assert client.publish(NODE, "out", [1]).serializer == "json"
    assert client.publish(NODE, "out", 1j).serializer == "pickle"
    assert client.publish(NODE, "out", [1j]).serializer == "pickle"
    with pytest.raises(SerializationError, match=r"cannot pickle '_thread.lock' object"):
        client.publish(NODE, "out", [threading.Lock()])
    with pytest.raises(SerializationError, match=r"out.* is a complex"):
        client.publish(NODE, "out", [1j], wanted="json")


def test_a_pickle_that_is_none_is_refused() -> None:
    client = DataClient(MemoryArtifactStore(), allow_pickle=True)
    record = client.publish(NODE, "out", b"not a pickle")._replace(serializer="pickle")
    with pytest.raises(DeserializationError, match="it cannot be read"):
        client.load(record, object, what="it")


def test_a_damaged_artifact_is_refused_before_it_is_decoded_and_named(
    client: DataClient, store: LocalArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = client.publish(NODE, "out", list(range(3000)))
    path = store.folder / "blobs" / record.digest[:2] / record.digest
    os.truncate(path, 100)
    monkeypatch.setattr(JsonSerializer, "read", None)
    with pytest.raises(CorruptArtifactError, match=f'^input "x" of //b: {path}: .* 100 bytes') as caught:
        client.load(record, object, what='input "x" of //b')
    assert caught.value.what == 'input "x" of //b'
    path.unlink()
    with pytest.raises(StoreError, match=r'^input "x" of //b: .*no such artifact'):
        client.load(record, object, what='input "x" of //b')


def test_a_damaged_inline_value_is_refused(client: DataClient) -> None:
    record = client.publish(NODE, "out", 12)
    with pytest.raises(CorruptArtifactError, match=r"^it: "):
        client.load(record._replace(inline=b"13"), int, what="it")


def test_a_value_of_another_form_names_who_wanted_it(client: DataClient) -> None:
    record = client.publish(NODE, "out", {"a": "x"})
    told = r'^input "x" of //b cannot be read \(json\): it is no dict\[str, int\]: value\.a: '
    with pytest.raises(DeserializationError, match=told):
        client.load(record, dict[str, int], what='input "x" of //b')
    array = client.publish(NODE, "out", np.zeros(2))
    with pytest.raises(DeserializationError, match=r"it is a numpy.ndarray, and .*DataFrame is wanted"):
        client.load(array, pd.DataFrame, what="it")


def test_bytes_of_another_serializer_are_refused(client: DataClient) -> None:
    for value in (b"", b"neither", b"PK\3\4", b"\x93NUMPY\1\0", b"\x89PNG\r\n\x1a\n", b"PAR1PAR1"):
        record = client.publish(NODE, "out", value)
        for name in ("numpy", "parquet", "png", "sklearn"):
            with pytest.raises(DeserializationError, match=f"it cannot be read \\({name}\\): "):
                client.load(record._replace(serializer=name), object, what="it")


def test_an_artifact_of_a_newer_serializer_is_refused(client: DataClient) -> None:
    record = client.publish(NODE, "out", 1)._replace(version=2)
    with pytest.raises(DeserializationError, match="written by version 2, and version 1 is installed here"):
        client.load(record, int, what="it")


def test_an_artifact_cannot_bring_a_serializer_along(client: DataClient) -> None:
    record = client.publish(NODE, "out", 1)._replace(serializer="os:system")
    with pytest.raises(UnknownSerializerError, match="No serializer 'os:system'"):
        client.load(record, int, what="it")


def test_a_missing_library_names_the_extra(client: DataClient, monkeypatch: pytest.MonkeyPatch) -> None:
    record = client.publish(NODE, "out", pd.DataFrame({"a": [1]}))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingLibraryError, match=r"pyarrow is not installed here.*oneml-habitats\[pandas\]"):
        client.load(record, pd.DataFrame, what="it")


class Shouting:
    name, version, media_type = "shouting", 1, "text/plain"

    def accepts(self, value: object) -> bool:
        return isinstance(value, str)

    def write(self, value: Any, stream: BinaryIO) -> None:
        stream.write(value.upper().encode())

    def read(self, stream: BinaryIO, form: object) -> object:
        raise ZeroDivisionError("in the plugin")


def test_whatever_a_serializer_raises_names_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = SerializerRegistry()
    registry._loaded["shouting"] = Shouting()
    client = DataClient(MemoryArtifactStore(), serializers=registry)
    record = client.publish(NODE, "out", "hi", wanted="shouting")
    assert record.inline == b"HI"
    with pytest.raises(DeserializationError, match=r"it cannot be read \(shouting\): ZeroDivisionError: in the plugin"):
        client.load(record, str, what="it")
