"""What bodies publish before they return: committed with the node or not at all, once, and read piece by piece."""

import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel, model_serializer

from oneml.habitats import HabitatRegistry, Parts, PipelineServiceClient, PipelineSessionContext
from oneml.habitats.data.client import DataClient
from oneml.habitats.data.parts import records_of
from oneml.habitats.data.publisher import Publisher
from oneml.habitats.errors import (
    ClosedScopeError,
    CorruptArtifactError,
    DeserializationError,
    InvalidDocumentError,
    NoSessionError,
    PublishedTwiceError,
    SerializationError,
    StoreError,
)
from oneml.habitats.stores.inline_blobs import InlineBlobStore
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.node_path import NodePath

NODE = NodePath("//n")
ENGINES: Mapping[str, Mapping[str, object]] = {
    "inline": {},
    "memory": {"store": "memory:"},
    "process": {"engine": "process"},
}


@pytest.fixture
def publishing(client: PipelineServiceClient, registry: HabitatRegistry) -> PipelineServiceClient:
    registry.register("publishing", "publishing_pipelines:Publishing")
    return client


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(tmp_path / "store")


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_published_is_part_of_the_result(
    publishing: PipelineServiceClient, tmp_path: Path, engine: str
) -> None:
    settings = {"folder": str(tmp_path), **ENGINES[engine]}
    with publishing.create_session("publishing", settings=settings) as session:
        result = session.run()
        assert result.succeeded, [row.detail for row in result.nodes.values()]
        assert session.outputs() == {
            "sizes": {"fold-0": 0, "fold-1": 1000, "fold-2": 2000},
            "largest": 10_000,
        }
        assert session.output("//train", "model") == [1, 2, 3]
        folds = session.output("//folds", form=Parts[list[int]])
        assert (list(folds), len(folds), folds["fold-1"][-1]) == (["fold-0", "fold-1", "fold-2"], 3, 999)
        with pytest.raises(KeyError):
            folds["fold-3"]
        if engine == "inline":
            assert session.reproduce("//folds").same
            assert session.reproduce("//train").same


@pytest.mark.parametrize(
    ("wrong", "node", "message"),
    [
        ("twice", "//train", '//train publishes port "model" twice.'),
        ("result", "//train", 'publishes port "model": by a publisher, and in its result, twice.'),
        ("unknown", "//train", 'Node "//train" has no output "modle". Known: curve, model, score.'),
        ("raise", "//train", "after it has published"),
        ("part", "//folds", 'publishes part "fold-0" of port "output" twice.'),
    ],
)
def test_all_is_published_or_nothing(
    publishing: PipelineServiceClient, tmp_path: Path, wrong: str, node: str, message: str
) -> None:
    settings = {"folder": str(tmp_path), "wrong": wrong}
    with publishing.create_session("publishing", settings=settings, only=node) as session:
        assert not session.run().succeeded
        assert message in session.node_rows()[NodePath(node)].detail
        assert not session.is_committed(node)


def test_a_large_file_is_never_held_whole(store: LocalArtifactStore, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(64 << 20)
    tracemalloc.start()
    try:
        publisher = Publisher(NODE, ("output",), DataClient(store), {})
        publisher.publish_file(file)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_nothing_is_published_after_the_end(store: LocalArtifactStore) -> None:
    publisher = Publisher(NODE, ("output",), DataClient(store), {})
    assert publisher.settled({"output": 1}) == {"output": 1}
    with pytest.raises(ClosedScopeError, match=r"publisher of //n is closed"):
        publisher.publish(1)


def test_a_result_of_another_publisher_is_refused(store: LocalArtifactStore) -> None:
    first, second = (Publisher(NODE, ("output",), DataClient(store), {}) for _ in range(2))
    with pytest.raises(PublishedTwiceError):
        second.settled({"output": first.publish(1)})
    third = Publisher(NODE, ("output",), DataClient(store), {})
    third.publish_part("a", 1)
    with pytest.raises(PublishedTwiceError):
        third.publish(2)


@pytest.mark.parametrize("result", [None, 3, {}])
def test_parts_that_a_result_leaves_out_are_never_lost_in_silence(store: LocalArtifactStore, result: object) -> None:
    publisher = Publisher(NODE, ("output",), DataClient(store), {})
    publisher.publish_part("a", 1)
    with pytest.raises(PublishedTwiceError, match=r'port "output": by a publisher, and in its result'):
        publisher.settled({"output": result})


@pytest.mark.parametrize("method", ["publish", "publish_part"])
def test_what_a_thread_is_still_publishing_is_not_replaced_by_a_result(store: LocalArtifactStore, method: str) -> None:
    asked, go_on = threading.Event(), threading.Event()

    class Slow(BaseModel):
        @model_serializer
        def written(self) -> int:
            asked.set()
            go_on.wait(10)
            return 1

    publisher = Publisher(NODE, ("output",), DataClient(store), {})
    publish = {"publish": publisher.publish, "publish_part": partial(publisher.publish_part, "a")}[method]
    thread = threading.Thread(target=publish, args=(Slow(),))
    thread.start()
    assert asked.wait(10)
    with pytest.raises(PublishedTwiceError, match=r'port "output": by a publisher, and in its result'):
        publisher.settled({"output": None})
    go_on.set()
    thread.join()


def test_parts_are_checked_one_by_one(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    publisher = Publisher(NODE, ("output",), client, {})
    publisher.publish_part("good", "text")
    publisher.publish_part("large", "x" * 10_000)
    record = client.publish(NODE, "output", publisher.settled({"output": publisher.parts()})["output"])
    parts = client.load(record, Parts[str], what="it")
    assert isinstance(parts, Parts)
    (file,) = (
        path for path in store.folder.rglob("*") if path.is_file() and path.name in parts.records["large"].digest
    )
    file.chmod(0o600)
    file.write_bytes(b"y" * 10_000)
    assert parts["good"] == "text"
    with pytest.raises(CorruptArtifactError, match=r"it\['large'\]"):
        parts["large"]
    file.unlink()
    with pytest.raises(StoreError, match="there is no such artifact"):
        parts["large"]
    with pytest.raises(DeserializationError, match="Parts"):
        client.load(record, list[str], what="it")
    assert client.publish(NODE, "again", parts) == record


def test_outside_of_bodies_there_is_no_publisher() -> None:
    with pytest.raises(NoSessionError):
        PipelineSessionContext.publisher()


def test_what_could_not_be_published_is_not_published(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    publisher = Publisher(NODE, ("output", "other"), client, {})
    with pytest.raises(SerializationError):
        publisher.publish_part("a", threading.Lock())
    with pytest.raises(SerializationError):
        publisher.publish(threading.Lock(), port="other")
    publisher.publish_part("b", 1)
    given = publisher.settled({"output": publisher.parts(), "other": publisher.publish(2, port="other")})
    record = client.publish(NODE, "output", given["output"])
    assert client.load(record, Mapping[str, int], what="it") == {"b": 1}  # type: ignore[type-abstract]


def test_parts_are_given_when_all_are_there(store: LocalArtifactStore) -> None:
    client, asked, go_on = DataClient(store), threading.Event(), threading.Event()

    class Waiting(Mapping[str, int]):
        def __getitem__(self, name: str) -> int:
            return {"a": 1}[name]

        def __iter__(self) -> Iterator[str]:
            asked.set()
            go_on.wait(30)
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    publisher = Publisher(NODE, ("output",), client, {})
    thread = threading.Thread(target=publisher.publish_part, args=("slow", Waiting()))
    thread.start()
    assert asked.wait(30)
    threading.Timer(0.05, go_on.set).start()
    given = publisher.settled({"output": publisher.parts()})["output"]
    thread.join()
    found = client.load(client.publish(NODE, "output", given), Mapping[str, Mapping[str, int]], what="it")
    assert found == {"slow": {"a": 1}}


@pytest.mark.parametrize("method", ["publish", "publish_part"])
def test_what_can_be_read_once_does_not_stay_in_memory(method: str) -> None:
    publisher = Publisher(NODE, ("output",), None, {})
    given = ("items", iter([1])) if method == "publish_part" else (iter([1]),)
    with pytest.raises(SerializationError, match="read only once"):
        getattr(publisher, method)(*given)


def test_parts_that_stayed_in_memory_can_be_passed_on(store: LocalArtifactStore) -> None:
    publisher = Publisher(NODE, ("output",), None, {})
    publisher.publish_part("a", [1])
    publisher.publish_part("b", [2])
    parts = publisher.settled({"output": publisher.parts()})["output"]
    client = DataClient(store)
    record = client.publish(NODE, "output", parts)
    assert client.load(record, Mapping[str, list[int]], what="it") == {"a": [1], "b": [2]}  # type: ignore[type-abstract]


def test_parts_are_the_same_artifact_wherever_they_are_published(store: LocalArtifactStore) -> None:
    def published(client: DataClient) -> str:
        publisher = Publisher(NODE, ("output",), client, {})
        publisher.publish_part("large", "x" * 10_000)
        given = publisher.settled({"output": publisher.parts()})["output"]
        return client.publish(NODE, "output", given).digest

    carried = DataClient(InlineBlobStore(store, 1 << 20), streams=store)
    assert published(DataClient(store)) == published(carried)


@pytest.mark.parametrize(
    "index",
    [
        b"{}",
        b'{"schema": "oneml.parts/2", "names": [], "parts": {}}',
        b'{"schema": "oneml.parts/1", "names": ["a"], "parts": {}}',
        b'{"schema": "oneml.parts/1", "names": null, "parts": {}}',
    ],
)
def test_an_index_that_is_none_is_refused(index: bytes) -> None:
    with pytest.raises(InvalidDocumentError, match="index of it"):
        records_of(index, what="index of it")


def test_a_later_version_of_parts_is_refused(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    record = client.publish_parts({})
    with pytest.raises(DeserializationError, match="version 2"):
        client.load(record._replace(version=2), object, what="it")


def test_an_optional_input_takes_parts_too(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    record = client.publish_parts({"a": client.publish(NODE, "a", (1, 2))})
    parts = client.load(record, Parts[tuple[int, ...]] | None, what="it")
    assert isinstance(parts, Parts)
    assert parts["a"] == (1, 2)


def test_a_stream_may_be_published_before_the_end(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    publisher = Publisher(NODE, ("output",), client, {})
    given = publisher.settled({"output": publisher.publish([1, 2])})["output"]
    items = client.load(client.publish(NODE, "output", given), Iterator[int], what="it")
    assert list(items) == [1, 2]  # type: ignore[call-overload]
