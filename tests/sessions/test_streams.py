"""Bodies that yield: written once while items come, read item by item, and nothing published where they raise."""

import asyncio
import os
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.data.client import DataClient
from oneml.habitats.data.streams import StreamReader, YieldedItems, close_streams
from oneml.habitats.errors import CorruptArtifactError, DeserializationError, SerializationError
from oneml.habitats.sessions.async_bodies import awaited, yielded
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.stores.inline_blobs import InlineBlobStore
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord

NODE = NodePath("//stream")
ENGINES: Mapping[str, Mapping[str, object]] = {
    "inline": {},
    "threads": {"workers": 2},
    "memory": {"store": "memory:"},
    "process": {"engine": "process"},
}
Clients = Callable[..., PipelineServiceClient]


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(tmp_path / "store")


@pytest.fixture
def streaming(client: PipelineServiceClient, registry: HabitatRegistry) -> PipelineServiceClient:
    registry.register("streaming", "streaming_pipelines:Streaming")
    return client


def stored(client: DataClient, items: Iterator[object], *, wanted: str | None = None) -> PortRecord:
    return client.publish(NODE, "output", YieldedItems(items), wanted=wanted)


@pytest.mark.parametrize("engine", ENGINES)
def test_streams_are_read_lazily_or_whole_wherever_nodes_run(streaming: PipelineServiceClient, engine: str) -> None:
    with streaming.create_session("streaming", settings=ENGINES[engine]) as session:
        result = session.run()
        assert result.succeeded, [row.detail for row in result.nodes.values()]
        assert session.output("//total") == sum(range(100))
        assert session.output("//listed") == list(range(100))
        assert session.output("//later") == [0, 1, 2]
        assert session.output("//measured") == [3, 4]
        assert session.output("//both", "count") == 2
        if engine != "memory":
            assert session.ports("//numbers")["output"].serializer == "jsonl"
            assert session.ports("//blobs")["output"].serializer == "frames"
            assert list(session.output("//numbers", form=Iterator[int])) == list(range(100))


@pytest.mark.parametrize("engine", ["inline", "process"])
def test_nothing_is_published_where_a_body_raises_halfway(
    streaming: PipelineServiceClient, tmp_path: Path, engine: str
) -> None:
    settings = {"fail_at": 50, **ENGINES[engine]}
    with streaming.create_session("streaming", settings=settings) as session:
        assert not session.run().succeeded
        error = session.outcome("//numbers").error  # type: ignore[union-attr]
        assert (error and error.type, error and error.text) == ("ValueError", "item 50")
        assert not session.is_committed("//numbers")


def test_a_stream_is_held_one_item_at_a_time(store: LocalArtifactStore) -> None:
    client, item = DataClient(store), 1 << 20

    def blobs() -> Iterator[bytes]:
        for number in range(48):
            yield bytes([number]) * item

    tracemalloc.start()
    try:
        record = stored(client, blobs())
        assert record.size > 48 * item
        reader = client.load(record, Iterator[bytes], what="it")
        assert isinstance(reader, StreamReader)
        assert [blob[0] for blob in reader if isinstance(blob, bytes)] == list(range(48))
        assert tracemalloc.get_traced_memory()[1] < 12 * item
    finally:
        tracemalloc.stop()


def test_items_are_written_before_the_next_is_asked_for(store: LocalArtifactStore) -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(3):
            asked.append(number)
            yield number

    record = stored(DataClient(InlineBlobStore(store, 4), streams=store), numbers())
    assert asked == [0, 1, 2]
    assert DataClient(store).load(record, Sequence[int], what="it") == [0, 1, 2]


@pytest.mark.parametrize(
    ("items", "wanted", "serializer"),
    [
        ([], None, "jsonl"),
        ([1, "text", None, {"a": [1.5]}], None, "jsonl"),
        (["line\nbreak", "\u2028"], None, "jsonl"),
        ([b"", b"\n", b"x"], None, "frames"),
        ([b"x", 1], None, "frames"),
        ([1, 2], "frames", "frames"),
        ([1, 2], "json", "jsonl"),
        (["a", "b"], "text", "frames"),
    ],
)
def test_items_come_back_as_they_were(
    store: LocalArtifactStore, items: list[object], wanted: str | None, serializer: str
) -> None:
    client = DataClient(store)
    record = stored(client, iter(items), wanted=wanted)
    assert record.serializer == serializer
    assert client.load(record, object, what="it") == items
    assert client.load(record, tuple[object, ...], what="it") == tuple(items)
    assert list(client.load(record, Iterator[object], what="it")) == items  # type: ignore[call-overload]


def test_a_damaged_stream_is_not_decoded(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    record = stored(client, iter(range(5000)))
    (file,) = (path for path in store.folder.rglob("*") if path.is_file() and path.name in record.digest)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"4999", b"4998"))
    with pytest.raises(CorruptArtifactError):
        next(client.load(record, Iterator[int], what="it"))  # type: ignore[call-overload]


def test_an_item_that_does_not_fit_is_named(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    with pytest.raises(SerializationError, match=r"output\[1\].* is a .*lock"):
        stored(client, iter([1, threading.Lock()]))
    with pytest.raises(SerializationError, match=r"it returned a generator"):
        stored(client, iter([(one for one in range(2))]))
    record = stored(client, iter([1, "x"]))
    with pytest.raises(DeserializationError, match="item 1: "):
        client.load(record, Sequence[int], what="it")


def test_an_iterator_reads_what_is_no_stream_too(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    record = client.publish(NODE, "output", [1, 2])
    assert list(client.load(record, Iterator[int], what="it")) == [1, 2]  # type: ignore[call-overload]


def test_a_coroutine_in_another_thread_is_cancelled_and_cleans_up() -> None:
    interrupts, log = Interrupts(), []

    async def body() -> None:
        interrupts.strike()
        try:
            await asyncio.sleep(60)
        finally:
            log.append("cleaned up")

    def run() -> None:
        try:
            awaited(body(), interrupts)
        except KeyboardInterrupt:
            log.append("interrupted")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert log == ["cleaned up", "interrupted"]


def test_one_loop_runs_an_asynchronous_generator_which_is_closed() -> None:
    loops: set[int] = set()
    closed: list[bool] = []

    async def items() -> AsyncIterator[int]:
        try:
            for number in range(5):
                loops.add(id(asyncio.get_running_loop()))
                yield number
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    generator = yielded(items(), Interrupts())
    assert [next(generator), next(generator)] == [0, 1]
    generator.close()  # type: ignore[attr-defined]
    assert (len(loops), closed) == (1, [True])


def test_a_running_loop_is_no_obstacle() -> None:
    async def body() -> int:
        await asyncio.sleep(0)
        return 1

    async def items() -> AsyncIterator[int]:
        yield await body()

    async def notebook() -> tuple[int, list[int]]:
        return awaited(body(), Interrupts()), list(yielded(items(), Interrupts()))

    assert asyncio.run(notebook()) == (1, [1])


@pytest.mark.parametrize("engine", ENGINES)
def test_coroutines_keep_their_context_on_every_engine(streaming: PipelineServiceClient, engine: str) -> None:
    with streaming.create_session("streaming", settings=ENGINES[engine], only="//context") as session:
        assert session.run().succeeded
        assert session.output("//context") == ["//context"] * 3


def test_a_timeout_reaches_a_coroutine(streaming: PipelineServiceClient, tmp_path: Path) -> None:
    settings = {"engine": "process", "timeout_seconds": 4.0, "folder": str(tmp_path)}
    with streaming.create_session("streaming", settings=settings, only="//slow") as session:
        assert not session.run().succeeded
        row = session.node_rows()[NodePath("//slow")]
    assert "timeout" in row.detail.lower() or "too long" in row.detail.lower() or "seconds" in row.detail
    assert (tmp_path / "cleaned").read_text() != str(os.getpid())


def test_optional_inputs_take_streams_too(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    record = stored(client, iter([(1, 2)]))
    assert list(client.load(record, Iterator[tuple[int, int]] | None, what="it")) == [(1, 2)]  # type: ignore[call-overload]
    assert client.load(record, list[tuple[int, int]] | None, what="it") == [(1, 2)]
    assert client.load(record, tuple[tuple[int, int], ...] | None, what="it") == ((1, 2),)
    with pytest.raises(DeserializationError, match="it is a list, and set"):
        client.load(record, set[object], what="it")


def test_an_item_that_cannot_be_stored_closes_the_body_at_once(store: LocalArtifactStore) -> None:
    closed: list[bool] = []

    def items() -> Iterator[object]:
        try:
            yield 1
            yield threading.Lock()
        finally:
            closed.append(True)

    with pytest.raises(SerializationError) as caught:
        stored(DataClient(store), items())
    assert caught.value is not None
    assert closed == [True]


def test_streams_are_closed_wherever_they_stand(store: LocalArtifactStore) -> None:
    client = DataClient(store)
    record = stored(client, iter(range(5000)))
    readers = [client.load(record, Iterator[int], what="it") for _ in range(3)]
    for reader in readers:
        next(reader)  # type: ignore[call-overload]
    close_streams([readers[0], [readers[1]], {"rows": readers[2]}])
    for reader in readers:
        assert list(reader) == []  # type: ignore[call-overload]


def test_a_stream_that_a_thread_still_reads_is_no_obstacle() -> None:
    reading, go_on = threading.Event(), threading.Event()

    def items() -> Generator[object]:
        reading.set()
        go_on.wait(30)
        yield 1

    reader = StreamReader(items())
    thread = threading.Thread(target=lambda: next(reader))
    thread.start()
    assert reading.wait(30)
    close_streams([reader])
    go_on.set()
    thread.join()
    reader.close()
