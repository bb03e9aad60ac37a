"""Computing a node once more, and comparing."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from dependency_injector import providers

from oneml.habitats import (
    HabitatRegistry,
    PipelineBuilder,
    PipelineComponents,
    PipelineServiceClient,
    PipelineSession,
    PipelineSessionContext,
)
from oneml.habitats.data.determinism import why_bytes_may_differ
from oneml.habitats.data.serializer_registry import BUILT_IN
from oneml.habitats.errors import InputsMissingError, InvalidDocumentError, InvalidNodePathError, UnknownNodeError
from oneml.habitats.ports.engine import Capability, EngineContext, NodeTask, WorkerReply
from oneml.habitats.ports.observer import NodeEvent
from oneml.habitats.sessions import keys, worker
from oneml.habitats.sessions.attempts import AttemptLog, Commit
from oneml.habitats.sessions.reproduction import PortStatus
from oneml.habitats.sessions.worker import run_task
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.stores.hashing import HashingBlobStore
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome, PortRecord
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

ENDED = "2026-01-01T00:00:00Z"


@pytest.fixture
def session(client: PipelineServiceClient) -> PipelineSession:
    """A session of which everything has run, loaded again."""
    with client.create_session("arithmetic") as created:
        assert created.run().succeeded
    return client.load_session(created.session_id)


def files(folder: Path) -> Mapping[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def statuses(session: PipelineSession, path: str) -> Mapping[str, str]:
    return {port.port: port.status.value for port in session.reproduce(path).ports}


def recorded(session: PipelineSession, path: str, **ports: PortRecord) -> None:
    """Let something else be what the session has of a node."""
    attempts = AttemptLog(session._store, session.session_id)
    attempts.commit(NodePath(path), Commit(1, 0.5, ENDED, ports))


@pytest.mark.parametrize("path", ["//start", "//multiply/1", "//total", "//halve", "//describe"])
def test_every_kind_of_node_gives_the_same_bytes_and_leaves_no_trace(
    session: PipelineSession, tmp_path: Path, path: str
) -> None:
    before = files(tmp_path)
    with session:
        found = session.reproduce(path)
        again = session.reproduce(path)
    assert found.same, found
    assert again.ports == found.ports
    assert {port.status for port in found.ports} == {PortStatus.SAME}
    assert (found.node, found.attempt, found.recorded_state) == (path, 1, NodeState.SUCCEEDED)
    assert files(tmp_path) == before


def test_ports_are_compared_one_by_one(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        for path in ("//start", "//multiply/0", "//multiply/1", "//multiply/2", "//total"):
            session.run_node(path)
        half = PortRecord("json", 1, "0" * 64, 5, b"111.5")
        recorded(session, "//halve", half=half)
        found = session.reproduce("//halve")
    assert not found.same
    assert [(port.port, port.status) for port in found.ports] == [
        ("half", PortStatus.DIFFERENT),
        ("sign", PortStatus.NOT_RECORDED),
    ]
    assert found.ports[0].recorded == half
    assert found.ports[0].found is not None
    assert found.ports[0].found.size == len("111.0")
    assert found.ports[0].note == ""


def test_a_failure_is_reproduced_by_type_and_text(client: PipelineServiceClient) -> None:
    with client.create_session("troubled", settings={"kind": "raise"}) as session:
        session.run()
        found = session.reproduce("//bad")
    assert found.same
    assert found.error is not None
    assert (found.error.type, found.error.text) == ("ValueError", "bad token ")
    assert found.ports == ()
    assert found.recorded_error is not None


@pytest.mark.parametrize(
    "error", [ErrorRecord("ValueError", "another token ", ""), ErrorRecord("KeyError", "bad token ", "")]
)
def test_another_failure_is_not_the_same(client: PipelineServiceClient, error: ErrorRecord) -> None:
    with client.create_session("troubled", settings={"kind": "raise"}) as session:
        attempts = AttemptLog(session._store, session.session_id)
        attempts.record(NodeOutcome(NodePath("//bad"), NodeState.FAILED, attempts.claim(NodePath("//bad")), 0.1, error))
        assert not session.reproduce("//bad").same


def test_what_fails_here_and_did_not_there_has_not_produced_its_outputs(client: PipelineServiceClient) -> None:
    with client.create_session("troubled", settings={"kind": "raise"}) as session:
        recorded(session, "//bad", output=PortRecord("json", 1, "0" * 64, 1, b"1"))
        found = session.reproduce("//bad")
    assert not found.same
    assert [port.status for port in found.ports] == [PortStatus.NOT_PRODUCED]


def test_what_succeeds_here_and_failed_there_is_not_the_same(client: PipelineServiceClient) -> None:
    with client.create_session("troubled") as session:
        attempts = AttemptLog(session._store, session.session_id)
        failed = NodeOutcome(NodePath("//bad"), NodeState.FAILED, attempts.claim(NodePath("//bad")), 0.1)
        attempts.record(failed._replace(error=ErrorRecord("E", "", "")))
        found = session.reproduce("//bad")
    assert not found.same
    assert found.error is None
    assert [port.status for port in found.ports] == [PortStatus.NOT_RECORDED]


def test_a_node_that_never_ran_runs_and_is_compared_with_nothing(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        found = session.reproduce("//start")
        assert (found.recorded_state, found.attempt, found.same) == (None, 0, False)
        assert statuses(session, "//start") == {"output": "not-recorded"}
        assert session.node_rows() == {}


def test_inputs_must_be_there(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session, pytest.raises(InputsMissingError, match="//start"):
        session.reproduce("//multiply/0")


def test_paths_are_checked(session: PipelineSession) -> None:
    with session, pytest.raises(InvalidNodePathError):
        session.reproduce("nowhere")
    with session, pytest.raises(UnknownNodeError):
        session.reproduce("//nowhere")


def test_outputs_in_memory_are_compared_with_nothing(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic", settings={"store": "memory:"}) as session:
        session.run()
        assert statuses(session, "//total") == {"output": "not-recorded"}
        assert session.output("//total") == 222


def test_a_debugger_is_handed_the_body_and_its_arguments(session: PipelineSession) -> None:
    seen: list[object] = []

    def debug(function: Callable[..., object], **arguments: object) -> object:
        seen.append((type(function).__name__, arguments, PipelineSessionContext.current().node))
        return function(**arguments)

    with session:
        assert session.reproduce("//multiply/2", debug=debug).same
    assert seen == [("Multiply", {"value": 2, "factor": 100}, "//multiply/2")]
    assert PipelineSessionContext.get() is None


def test_a_debugger_can_leave(session: PipelineSession) -> None:
    def debug(_function: Callable[..., object], **_arguments: object) -> object:
        raise KeyboardInterrupt

    with session, pytest.raises(KeyboardInterrupt):
        session.reproduce("//start", debug=debug)
    assert PipelineSessionContext.get() is None


def test_a_coroutine_is_awaited(client: PipelineServiceClient) -> None:
    with client.create_session("troubled") as session:
        session.run()
        assert session.reproduce("//alone").same


def test_a_reused_node_is_compared_with_what_was_taken_over(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as first:
        first.run()
    with client.create_session("arithmetic") as second:
        rows = second.run(reuse=True).nodes
        assert rows[NodePath("//total")].reused_from == first.session_id
        found = second.reproduce("//total")
    assert found.same
    assert (found.reused_from, found.attempt) == (first.session_id, 0)


def test_it_has_a_form_in_json(session: PipelineSession) -> None:
    with session:
        document = session.reproduce("//halve").to_json()
    assert document["same"] is True
    assert json.loads(canonical_json(document))["ports"][0]["status"] == "same"


def test_hashing_tells_where_something_would_lie_and_stores_nothing() -> None:
    store = MemoryArtifactStore()
    hashing = HashingBlobStore(store)
    for size in (3, 100_000):
        data = b"\0" * size
        blob = hashing.write_blob(lambda stream, data=data: stream.write(data) and None)
        assert blob.inline is not None or not store.has_blob(blob)
        assert store.write_blob(lambda stream, data=data: stream.write(data) and None) == blob
        with hashing.open_blob(blob) as stream:
            assert stream.read() == data


def test_equal_bytes_are_promised_by_name() -> None:
    assert {name for name in BUILT_IN if why_bytes_may_differ(name)} == {
        "arrow",
        "parquet",
        "pickle",
        "png",
        "polars",
        "sklearn",
    }
    assert "another distribution" in why_bytes_may_differ("feather")


class Nothing:
    def __call__(self) -> list[float]:
        return [math.nan, -math.inf]


class Undefined(PipelineComponents):
    """One node that gives NaN."""

    nothing = providers.Factory(Nothing)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("nothing", self.nothing)()


def test_not_a_number_equals_itself(client: PipelineServiceClient, registry: HabitatRegistry) -> None:
    registry.register("undefined", Undefined)
    with client.create_session("undefined") as session:
        session.run()
        assert session.output("//nothing") != [math.nan, -math.inf]
        assert session.reproduce("//nothing").same


def test_a_node_is_reproduced_with_the_settings_that_it_ran_with(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        session.run_node("//start")
        session.run_node("//multiply/0")
        session.revise({"offset": 5})
        session.run_node("//multiply/1")
        assert session.reproduce("//multiply/0").same
        assert session.reproduce("//multiply/1").same
        assert (session.output("//multiply/0"), session.output("//multiply/1")) == (2, 25)
    with client.load_session(session.session_id) as loaded:
        assert loaded.reproduce("//multiply/0").same
        assert loaded.open().revision == 1


class CarryingRun:
    """As engines of clusters, but in this process: hands messages to the worker's entry, and has replies committed."""

    slots = 1

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._replies: list[WorkerReply] = []

    def submit(self, task: NodeTask) -> None:
        self._replies.append(run_task({**self._context.message(task, 1000), "upstream": []}))

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        del timeout_seconds
        replies, self._replies = self._replies, []
        return self._context.take(replies)

    def cancel(self, *, now: bool) -> None:
        del now


class CarryingEngine:
    name = "carrying"
    capabilities = frozenset({Capability.LIVE_OBJECTS})

    @contextmanager
    def open(self, context: EngineContext) -> Iterator[CarryingRun]:
        yield CarryingRun(context)


def test_a_node_whose_outputs_the_driver_committed_is_reproduced_with_the_settings_that_it_ran_with(
    client: PipelineServiceClient, registry: HabitatRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = ProcessSources(environ={}, working_directory=tmp_path)
    driver = PipelineServiceClient(
        store=client.store.url, registry=registry, sources=sources, engines=[CarryingEngine()]
    )
    monkeypatch.setattr(worker, "PipelineServiceClient", lambda **_store: client)
    monkeypatch.setattr(worker, "_warm", worker.WarmSessions())
    with driver.create_session("arithmetic", settings={"engine": "carrying"}) as session:

        def revise(event: object) -> None:
            if isinstance(event, NodeEvent) and (event.path, event.state) == ("//multiply/0", NodeState.SUCCEEDED):
                session.revise({"offset": 5})

        assert session.run(observers=[revise]).succeeded
        assert session.output("//multiply/0") != session.output("//multiply/1", form=int) / 2
        assert all(session.reproduce(path).same for path in ("//start", "//multiply/0", "//multiply/1", "//total"))
        attempts = AttemptLog(session._store, session.session_id)
        assert [attempts.revision_of(NodePath(f"//multiply/{number}"), 1) for number in (0, 1)] == [0, 1]


@pytest.mark.parametrize("claim", [b"{}", b'{"revision":true}', b'{"revision":"1"}'])
def test_a_claim_without_a_revision_is_an_error(client: PipelineServiceClient, claim: bytes) -> None:
    attempts = AttemptLog(client.store, SessionId("s1"))
    assert attempts.revision_of(NodePath("//a"), 1) == 0
    client.store.create_if_absent(keys.claim_key(SessionId("s1"), NodePath("//a"), 1), claim)
    with pytest.raises(InvalidDocumentError, match="claim of attempt 1 at //a"):
        attempts.revision_of(NodePath("//a"), 1)
