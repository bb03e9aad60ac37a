"""Runs one node in this process: inputs, body, outputs, commit."""

from collections.abc import Callable, Mapping
from time import perf_counter
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.published import Published
from oneml.habitats.data.publisher import Publisher
from oneml.habitats.data.scratch import node_scratch
from oneml.habitats.data.streams import YieldedItems, close_streams
from oneml.habitats.data.unkeepable import refuse_to_keep
from oneml.habitats.graph.signature import BodySignature
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.raised import traceback_text
from oneml.habitats.ports.clock import Clock
from oneml.habitats.sessions import context
from oneml.habitats.sessions.attempts import AttemptLog, Commit, outcome_of
from oneml.habitats.sessions.context import Executing, PipelineSessionContext
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.results import split_result
from oneml.habitats.sessions.yielding import yielded_items
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.secrets import mask_secrets
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome, PortRecord
from oneml.habitats.values.plan import PlannedNode
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState
from oneml.habitats.values.times import rfc3339
from oneml.habitats.values.utf8_text import utf8_text

if TYPE_CHECKING:
    from oneml.habitats.sessions.client import PipelineServiceClient

MEMORY = "memory:"
"""The ``store`` setting of nodes whose outputs stay in the memory of the driver."""

BodyCall = Callable[[Callable[..., object], Mapping[str, object]], object]
"""Calls a body with its arguments by name, and returns its result."""

R = TypeVar("R")

ERROR_TEXT_MAX_CHARACTERS = 10_000
TRACEBACK_MAX_CHARACTERS = 100_000


class NodeSource(Protocol):
    """Where a runner finds its nodes: a whole plan, or the shards of a recipe."""

    def node(self, path: NodePath) -> PlannedNode:
        """Return a node.

        Raises:
            UnknownNodeError: The plan has none of that path.
        """
        ...


class NodeInputs(Protocol):
    """Where a runner has the arguments of bodies from."""

    def check(self, node: PlannedNode) -> None:
        """Let pass a node before which everything has run that must.

        Raises:
            InputsMissingError: Nodes upstream have published nothing yet.
        """
        ...

    def load(self, node: PlannedNode, signature: BodySignature) -> dict[str, object]:
        """Return the arguments of the body by name."""
        ...


class NodeRunner:
    """Runs the nodes of one session, one at a time or from several threads.

    Args:
        habitat: Name of the habitat.
        session_id: The session.
        revision: Of its settings.
        nodes: Where nodes come from.
        components: The opened container.
        settings_of: The effective settings of a node.
        signature_of: The signature of the body that a provider gives, by dotted name.
        attempts: Claims and commits.
        inputs: Loads inputs.
        client: Publishes outputs.
        memory: Takes the outputs that stay in this process.
        reuse_key_of: Gives the key under which the outputs of a node can be reused, see `ReuseKeys`.
        secrets: Gives the texts that must not show.
        interrupts: Told while a body runs.
        clock: Time.
        service: Creates the sessions that bodies ask for; None where they cannot.
    """

    def __init__(
        self,
        *,
        habitat: str,
        session_id: SessionId,
        revision: int,
        nodes: NodeSource,
        components: PipelineComponents,
        settings_of: Callable[[NodePath], PipelineSettings],
        signature_of: Callable[[str], BodySignature],
        attempts: AttemptLog,
        inputs: NodeInputs,
        client: DataClient,
        memory: dict[NodePath, Mapping[str, object]],
        reuse_key_of: Callable[[PlannedNode], str | None],
        secrets: Callable[[], frozenset[str]],
        interrupts: Interrupts,
        clock: Clock,
        service: "PipelineServiceClient | None" = None,
    ) -> None:
        self._habitat = habitat
        self._session_id = session_id
        self._revision = revision
        self._nodes = nodes
        self._components = components
        self._settings_of = settings_of
        self._signature_of = signature_of
        self._attempts = attempts
        self._inputs = inputs
        self._client = client
        self._memory = memory
        self._reuse_key_of = reuse_key_of
        self._secrets = secrets
        self._interrupts = interrupts
        self._clock = clock
        self._service = service

    def run(self, path: NodePath) -> NodeOutcome:
        """Run a node and return how that ended, which is recorded by then.

        A node whose outputs are committed is not run again. Whatever the body raises is in the outcome.

        Raises:
            InputsMissingError: Nodes upstream have published nothing yet; nothing was claimed.
            UnknownNodeError: The plan has no such node.
        """
        node = self._nodes.node(path)
        if self._settings_of(path).store != MEMORY:
            standing = self._attempts.committed(path)
            if standing is not None:
                return outcome_of(path, standing)
        self._inputs.check(node)
        return self.run_scheduled(path)

    def run_scheduled(self, path: NodePath) -> NodeOutcome:
        """Run a node that is known to be due: all before it has run, and it has not."""
        node = self._nodes.node(path)
        settings = self._settings_of(path)
        in_memory = settings.store == MEMORY
        attempt = 1 if in_memory else self._attempts.claim(path, revision=self._revision)
        started = perf_counter()
        token = context.enter(Executing(self._habitat, self._session_id, path, attempt))
        try:
            if in_memory:
                self._memory[path] = self._run_body(node, settings, None, lambda ports: _kept(path, ports))
                return NodeOutcome(path, NodeState.SUCCEEDED, attempt, perf_counter() - started)
            client, wanted = self._client.limited_to(settings.output_max_bytes), settings.serializers
            done = self._run_body(node, settings, client, lambda ports: _published(client, path, ports, wanted))
            seconds = perf_counter() - started
        except BaseException as error:  # noqa: BLE001  # a body may raise anything, SystemExit included
            outcome = self._failed(path, attempt, perf_counter() - started, error)
        else:
            outcome = outcome_of(path, self._attempts.commit(path, self._commit(node, attempt, seconds, done)))
        finally:
            context.leave(token)
        if not in_memory:
            self._attempts.record(outcome)
        return outcome

    def run_carried(self, path: NodePath, attempt: int, client: DataClient) -> NodeOutcome:
        """Run a node that is due and whose outcome travels to the driver: nothing is claimed or committed here.

        Args:
            path: The node.
            attempt: What the driver counts it as.
            client: Publishes the outputs: what is small stays in the outcome.
        """
        node = self._nodes.node(path)
        settings = self._settings_of(path)
        client, wanted = client.limited_to(settings.output_max_bytes), settings.serializers
        started = perf_counter()
        token = context.enter(Executing(self._habitat, self._session_id, path, attempt))
        try:
            self._inputs.check(node)
            done = self._run_body(node, settings, client, lambda ports: _published(client, path, ports, wanted))
            seconds = perf_counter() - started
        except BaseException as error:  # noqa: BLE001  # a body may raise anything, SystemExit included
            return self._failed(path, attempt, perf_counter() - started, error)
        finally:
            context.leave(token)
        return outcome_of(path, self._commit(node, attempt, seconds, done))

    def _commit(self, node: PlannedNode, attempt: int, seconds: float, done: "_Done") -> Commit:
        key = None if done.has_sessions else self._reuse_key_of(node)
        return Commit(attempt, seconds, rfc3339(self._clock.now()), done.ports, key)

    def check_inputs(self, path: NodePath) -> None:
        """Let pass a node before which everything has run that must.

        Raises:
            InputsMissingError: Nodes upstream have published nothing yet.
            UnknownNodeError: The plan has no such node.
        """
        self._inputs.check(self._nodes.node(path))

    def rehearse(
        self,
        path: NodePath,
        take: Callable[[Mapping[str, object]], R],
        *,
        call: BodyCall | None = None,
        client: DataClient | None = None,
    ) -> R:
        """Run a node without leaving a trace: nothing is claimed, published or kept.

        Args:
            path: The node, which may have run or not.
            take: Is given the outputs while the scope of the node is open.
            call: Calls the body, and gives what it returns.
            client: Takes what the body publishes before it returns; None where that stays in memory.

        Returns:
            What ``take`` gave.

        Raises:
            UnknownNodeError: The plan has no such node.
            Exception: Whatever the body raises.
        """
        node = self._nodes.node(path)
        with PipelineSessionContext.entered(self._habitat, self._session_id, path):
            return self._run_body(node, self._settings_of(path), client, take, call)

    def _run_body(
        self,
        node: PlannedNode,
        settings: PipelineSettings,
        client: DataClient | None,
        take: Callable[[Mapping[str, object]], R],
        call: BodyCall | None = None,
    ) -> R:
        """Load the inputs, build the body in a scope of its own, call it, and let its outputs be taken in that scope.

        Returns:
            What ``take`` gave.
        """
        with node_scratch():
            return self._run_in_scope(node, settings, client, take, call)

    def _run_in_scope(
        self,
        node: PlannedNode,
        settings: PipelineSettings,
        client: DataClient | None,
        take: Callable[[Mapping[str, object]], R],
        call: BodyCall | None,
    ) -> R:
        interrupts = self._interrupts
        signature = self._signature_of(node.provider)
        arguments = self._inputs.load(node, signature)
        scope = self._components.open_node(node.path, settings)
        publisher = Publisher(node.path, node.outputs, client, settings.serializers)
        token = context.start_work(context.NodeWork(self._service, interrupts, publisher, set()))
        try:
            try:
                interrupts.enter_body()
                body = scope.build(split_provider_key(node.provider)[1])
                value = body(**arguments) if call is None else call(body, arguments)
                if isinstance(value, CoroutineType):
                    value = _awaited(cast("CoroutineType[Any, Any, object]", value), interrupts)
            finally:
                interrupts.leave_body()
            ports = split_result(node.path, value, outputs=node.outputs, several=node.whole is not None)
            ports = publisher.settled(ports)
            for port in signature.streams:
                if port in ports and not isinstance(ports[port], Published):  # its items are still to come
                    ports = {**ports, port: yielded_items(node.path, ports[port], interrupts)}
            return take(ports)
        finally:
            close_streams(arguments.values())
            context.end_work(token)
            scope.close()

    def _failed(self, path: NodePath, attempt: int, seconds: float, error: BaseException) -> NodeOutcome:
        state = NodeState.CANCELLED if isinstance(error, KeyboardInterrupt) else NodeState.FAILED
        record = error_record(error, self._secrets())
        return NodeOutcome(path, state, attempt, seconds, record, ended_at=rfc3339(self._clock.now()))


def _kept(path: NodePath, ports: Mapping[str, object]) -> Mapping[str, object]:
    kept: dict[str, object] = {}
    for port, value in ports.items():
        if isinstance(value, YieldedItems):
            kept[port] = list(value.items)
        else:
            refuse_to_keep(path, port, value)
            kept[port] = value
    return kept


def _awaited(coroutine: "CoroutineType[Any, Any, object]", interrupts: Interrupts) -> object:
    from oneml.habitats.sessions.async_bodies import awaited  # noqa: PLC0415  # most bodies are no coroutines

    return awaited(coroutine, interrupts)


class _Done(NamedTuple):
    """What a body has done."""

    ports: Mapping[str, PortRecord]
    has_sessions: bool


def _published(client: DataClient, path: NodePath, ports: Mapping[str, object], wanted: Mapping[str, str]) -> _Done:
    publish = client.publish
    records = {port: publish(path, port, value, wanted=wanted.get(port)) for port, value in ports.items()}
    return _Done(records, context.has_sessions())


def error_record(error: BaseException, secrets: frozenset[str]) -> ErrorRecord:
    """Return an exception as text that UTF-8 can hold: bounded, secrets masked, whatever its ``__str__`` does."""
    try:
        text = str(error)
    except Exception as unprintable:  # noqa: BLE001  # __str__ of a stranger's class may raise anything
        text = f"(its text cannot be had: {type(unprintable).__qualname__})"
    try:
        lines = traceback_text(error)
    except Exception as unprintable:  # noqa: BLE001  # as above
        lines = f"(its traceback cannot be had: {type(unprintable).__qualname__})"
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return ErrorRecord(
        name,
        utf8_text(mask_secrets(text, secrets))[:ERROR_TEXT_MAX_CHARACTERS],
        utf8_text(mask_secrets(lines, secrets))[-TRACEBACK_MAX_CHARACTERS:],
    )
