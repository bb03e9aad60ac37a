"""What bodies publish before they return: committed with the node or not at all, once, and read piece by piece."""

import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest

from oneml.habitats import HabitatRegistry, Parts, PipelineServiceClient, PipelineSessionContext
from oneml.habitats.data.client import DataClient
from oneml.habitats.data.publisher import Publisher
from oneml.habitats.errors import (
    ClosedScopeError,
    CorruptArtifactError,
    DeserializationError,
    NoSessionError,
    PublishedTwiceError,
    StoreError,
)
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
