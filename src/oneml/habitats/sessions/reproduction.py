"""Computes a node of a session once more, here, and holds what comes out against what was recorded.

Nothing is claimed, committed or stored: outputs are serialised into hashes. Bytes are compared, so NaN equals NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter
from typing import NamedTuple

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.determinism import why_bytes_may_differ
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.node_runner import BodyCall, error_record
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.stores.hashing import HashingBlobStore
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome, PortRecord
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

Debug = Callable[..., object]
"""Is given a callable and its keyword arguments, calls it, and returns its result: `pdb.Pdb.runcall` is one."""


class PortStatus(StrEnum):
    """What became of an output."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_RECORDED = "not-recorded"
    """The session has no such output: the node failed, never ran, or kept it in memory."""
    NOT_PRODUCED = "not-produced"
    """The session has it, but here the node failed before."""


class PortComparison(NamedTuple):
    """One output.

    Attributes:
        port: Its port.
        status: What became of it.
        recorded: What the session has.
        found: What came out here; it lies nowhere.
        note: Why different bytes need not be different values; empty where they are.
    """

    port: str
    status: PortStatus
    recorded: PortRecord | None
    found: PortRecord | None
    note: str = ""

    def to_json(self) -> JsonObject:
        """Return it as JSON, without the values."""
        return {
            "port": self.port,
            "status": self.status.value,
            "recorded": None if self.recorded is None else _record_to_json(self.recorded),
            "found": None if self.found is None else _record_to_json(self.found),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came out.

    Attributes:
        session_id: The session.
        node: The node.
        recorded_state: How the node ended in the session; None where nobody wrote that down.
        attempt: The attempt that this is about; 0 where there is none.
        reused_from: The session that computed the recorded outputs, where that was another.
        ports: The outputs by name, sorted.
        recorded_seconds: How long the body ran then.
        seconds: How long it ran here, loading and hashing included.
        recorded_error: What it raised then.
        error: What it raised here.
    """

    session_id: SessionId
    node: NodePath
    recorded_state: NodeState | None
    attempt: int
    reused_from: SessionId | None
    ports: tuple[PortComparison, ...]
    recorded_seconds: float | None
    seconds: float
    recorded_error: ErrorRecord | None
    error: ErrorRecord | None

    @property
    def same(self) -> bool:
        """Whether the same came out: every byte of every output, or the same error, by its type and text."""
        if self.recorded_state is NodeState.FAILED:
            return self.error is not None and _known(self.error) == _known(self.recorded_error)
        succeeded = self.recorded_state is NodeState.SUCCEEDED and self.error is None
        return succeeded and all(port.status is PortStatus.SAME for port in self.ports)

    def to_json(self) -> JsonObject:
        """Return it as JSON."""
        return {
            "session_id": self.session_id,
            "node": self.node,
            "same": self.same,
            "recorded_state": None if self.recorded_state is None else self.recorded_state.value,
            "attempt": self.attempt,
            "reused_from": self.reused_from,
            "ports": [port.to_json() for port in self.ports],
            "recorded_seconds": self.recorded_seconds,
            "seconds": self.seconds,
            "recorded_error": None if self.recorded_error is None else self.recorded_error._asdict(),
            "error": None if self.error is None else self.error._asdict(),
        }


def reproduce(
    path: NodePath,
    *,
    session_id: SessionId,
    store: ArtifactStore,
    attempts: AttemptLog,
    opened: OpenedSession,
    debug: Debug | None = None,
) -> Reproduction:
    """Compute a node once more; see `PipelineSession.reproduce`.

    Args:
        path: The node.
        session_id: The session.
        store: Where its inputs are; nothing is written there.
        attempts: What was recorded.
        opened: The open session.
        debug: Calls the body; see `Debug`.

    Raises:
        InputsMissingError: Nodes upstream have published nothing.
    """
    outcome = attempts.outcome(path) or NodeOutcome(path, NodeState.PENDING, attempt=0)
    recorded = outcome.ports
    settings = opened.settings_of(path)
    client = DataClient(HashingBlobStore(store), allow_pickle=settings.allow_pickle)

    def hashed(ports: Mapping[str, object]) -> Mapping[str, PortRecord]:
        wanted = {**settings.serializers, **{port: one.serializer for port, one in recorded.items()}}
        return {port: client.publish(path, port, value, wanted=wanted.get(port)) for port, value in ports.items()}

    opened.runner.check_inputs(path)
    found: Mapping[str, PortRecord] = {}
    error: ErrorRecord | None = None
    started = perf_counter()
    try:
        found = opened.runner.rehearse(path, hashed, call=None if debug is None else _called_by(debug), client=client)
    except (Exception, SystemExit) as raised:  # noqa: BLE001  # a body may raise anything
        error = error_record(raised, opened.settings.secret_texts())
    seconds = perf_counter() - started
    return Reproduction(
        session_id=session_id,
        node=path,
        recorded_state=None if outcome.state is NodeState.PENDING else outcome.state,
        attempt=outcome.attempt,
        reused_from=outcome.reused_from,
        ports=tuple(_compared(port, recorded.get(port), found.get(port)) for port in sorted({*recorded, *found})),
        recorded_seconds=outcome.seconds,
        seconds=seconds,
        recorded_error=outcome.error,
        error=error,
    )


def _called_by(debug: Debug) -> BodyCall:
    def call(body: Callable[..., object], arguments: Mapping[str, object]) -> object:
        return debug(body, **arguments)

    return call


def _compared(port: str, recorded: PortRecord | None, found: PortRecord | None) -> PortComparison:
    if recorded is None:
        return PortComparison(port, PortStatus.NOT_RECORDED, recorded, found)
    if found is None:
        return PortComparison(port, PortStatus.NOT_PRODUCED, recorded, found)
    if recorded[:4] == found[:4]:
        return PortComparison(port, PortStatus.SAME, recorded, found)
    return PortComparison(port, PortStatus.DIFFERENT, recorded, found, why_bytes_may_differ(recorded.serializer))


def _known(error: ErrorRecord | None) -> tuple[str, str] | None:
    return None if error is None else (error.type, error.text)


def _record_to_json(record: PortRecord) -> JsonObject:
    return {
        "serializer": record.serializer,
        "version": record.version,
        "digest": record.digest,
        "size": record.size,
    }
