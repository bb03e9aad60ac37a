"""A session: its states, its outputs, and running it or one node of it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar, overload

from typing_extensions import TypeForm

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.serializer_registry import SerializerRegistry
from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.observer import Observer
from oneml.habitats.ports.session_store import NodeRow, SessionStore
from oneml.habitats.sessions.attempts import Commit
from oneml.habitats.sessions.named_serializers import named_serializers
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.sessions.opening import SessionOpener
from oneml.habitats.sessions.openings import Openings
from oneml.habitats.sessions.output_reader import OutputReader
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.proof import Proof, Revision
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.single_nodes import CarriedOutcome, SingleNodes
from oneml.habitats.sessions.standing import Standing
from oneml.habitats.settings.calling import calling_place
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.outcome import NodeOutcome, PortRecord
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import SessionState

if TYPE_CHECKING:
    from oneml.habitats.sessions.comparison import RecordedSession
    from oneml.habitats.sessions.preparation import Prepared
    from oneml.habitats.sessions.reproduction import Debug, Reproduction
    from oneml.habitats.sessions.revising import Reviser
    from oneml.habitats.sessions.run_result import RunResult
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSettings

T = TypeVar("T")


class PipelineSession:
    """One execution of a habitat; made by `PipelineServiceClient`, closed by leaving its ``with`` block.

    Args:
        store: The artifact store.
        index: Gives the session store, which a worker never asks for.
        recipe: The session's recipe, as it was written.
        clock: Time.
        opener: Opens its container in this process.
        prepared: What it was created from, where that was in this process.
        engine_registry: Where engines are found.
        may_unpickle: Tells whether the configuration of this process allows pickle.
        worker_store_url: What another process must be told to find the store; None where it finds it by itself.
    """

    def __init__(
        self,
        *,
        store: ArtifactStore,
        index: Callable[[], SessionStore],
        recipe: Recipe,
        clock: Clock,
        opener: SessionOpener,
        prepared: "Prepared | None",
        engine_registry: EngineRegistry,
        may_unpickle: Callable[[], bool],
        worker_store_url: str | None,
    ) -> None:
        self._store = store
        self._index = index
        self._recipe = recipe
        self._clock = clock
        self._opener = opener
        self._engine_registry = engine_registry
        self._worker_store_url = worker_store_url
        self._attempts = opener.attempts
        if prepared is None:
            self._nodes = PlannedNodes(store, recipe)
            first = None
        else:
            self._nodes = PlannedNodes(store, recipe, prepared.plan, prepared.identity().provider)
            first = opener.created(recipe, self._nodes, prepared)
        self._openings = Openings(store=store, recipe=recipe, nodes=self._nodes, opener=opener, first=first)
        self._revising = threading.RLock()
        self._driving = threading.Lock()
        self._stop_requested = threading.Event()
        self._standing = Standing(
            self._nodes, self._openings, store=store, index=index, recipe=recipe, attempts=self._attempts, clock=clock
        )
        self._single = SingleNodes(
            self._nodes, self._openings, store=store, recipe=recipe, opener=opener, standing=self._standing
        )
        serializers = SerializerRegistry(allowed=partial(named_serializers, recipe, self._nodes))
        self._outputs = OutputReader(
            attempts=self._attempts,
            client=lambda: DataClient(store, serializers=serializers, allow_pickle=may_unpickle()),
            memory=lambda: opener.memory,
            node=self._nodes.node,
            why_not=self._standing.why_no_output,
        )

    @property
    def session_id(self) -> SessionId:
        """Its id."""
        return self._recipe.session_id

    @property
    def habitat(self) -> str:
        """Name of its habitat."""
        return self._recipe.habitat

    @property
    def recipe(self) -> Recipe:
        """What it was created from."""
        return self._recipe

    @property
    def plan(self) -> Plan:
        """Its DAG."""
        return self._nodes.plan()

    @property
    def state(self) -> SessionState:
        """Where it stands now."""
        return self._standing.state()

    def node_rows(self) -> Mapping[NodePath, NodeRow]:
        """Return the state of every node that is not simply pending, in the order of the plan."""
        return self._standing.rows()

    @property
    def is_running(self) -> bool:
        """Whether `run` is at work on it in this process."""
        return self._driving.locked()

    @property
    def is_open(self) -> bool:
        """Whether its container is open in this process."""
        return self._openings.known is not None

    def secret_texts(self) -> frozenset[str]:
        """Return every text that must not show, as far as this process knows: none while the container is closed."""
        return frozenset() if (opened := self._openings.known) is None else opened.secret_texts()

    def open(self) -> OpenedSession:
        """Open the container in this process, unless it is open already.

        Raises:
            RefusalError: This process is not what the recipe says.
        """
        return self._openings.current()

    def prove(self, path: str) -> Proof:
        """Make the check that a worker makes before it runs a node, and run nothing.

        Raises:
            InvalidNodePathError: ``path`` is no path.
            UnknownNodeError: The session has no such node.
            RefusalError: This process is not what the recipe says.
        """
        return self._openings.proof(parse_node_path(path))

    def revise(self, values: Mapping[str, object], *, source: str = "", habitat: str | None = None) -> Revision:
        """Change settings of the process for this session: nodes that have not started take them.

        What the session or its nodes set themselves stands above it. Reserved fields reach nodes of included habitats.

        Args:
            values: Settings by name, reserved and own ones side by side.
            source: Where the change comes from, for people; the line that calls this unless given.
            habitat: The habitat whose settings change, which may be an included one; that of the session unless given.

        Raises:
            UnknownHabitatError: The session does not include that habitat.
            SettingsError: A value is wrong.
            FixedSettingError: A setting is fixed when a session is created.
            InvalidPipelineError: An engine cannot do what a node would ask of it.
            SessionBusyError: Another process drives this session.
            RefusalError: This process is not what the recipe says.
            StoreError: The store failed.
        """
        where = source or calling_place()
        with self._revising, nullcontext() if self._driving.locked() else self._index().drive(self.session_id):
            return self._reviser().revise(values, source=where, habitat=habitat or self.habitat)

    def check_revision(
        self, values: Mapping[str, object], *, source: str, habitat: str | None = None
    ) -> "EffectiveSettings[PipelineSettings]":
        """Return the settings as they would be with other values, and change nothing; raises as `revise` does."""
        return self._reviser().settings_with(values, source=source, habitat=habitat or self.habitat)

    def parts_of(self, habitat: str) -> Sequence[NodePath]:
        """Return where a habitat stands in this session: the root for its own, and include paths."""
        return self._recipe.parts_of(habitat)

    def _reviser(self) -> "Reviser":
        from oneml.habitats.sessions.revising import Reviser  # noqa: PLC0415  # few sessions are ever revised

        return Reviser(
            store=self._store,
            recipe=self._recipe,
            nodes=self._nodes,
            openings=self._openings,
            attempts=self._attempts,
            clock=self._clock,
            engine_registry=self._engine_registry,
            signing_key=self._opener.signing_key,
        )

    def run(self, *, reuse: bool = False, observers: Sequence[Observer] = ()) -> "RunResult":
        """Run whatever is not committed yet, until every node has a final state.

        Args:
            reuse: Whether a node takes over the outputs of another session in this store that computed the same.
            observers: Told of everything, from this thread.

        Raises:
            RefusalError: This process is not what the recipe says; nothing ran.
            SessionBusyError: Another process drives this session.
            KeyboardInterrupt: The process was asked to stop; every node has its final state nevertheless.
            BackendError: An engine or a store failed.
        """
        self._stop_requested.clear()
        from oneml.habitats.sessions.resuming import Resumption  # noqa: PLC0415  # a worker never drives

        index = self._index()
        with index.drive(self.session_id), self._driving:
            resumption = Resumption(
                store=self._store,
                index=index,
                recipe=self._recipe,
                nodes=self._nodes,
                openings=self._openings,
                attempts=self._attempts,
                engine_registry=self._engine_registry,
                clock=self._clock,
                stop_requested=self._stop_requested,
                worker_store_url=self._worker_store_url,
            )
            run = resumption.begun(self.node_rows(), reuse=reuse)
            self._standing.own_rows.clear()
            return run(observers)

    def run_node(self, path: str) -> NodeOutcome:
        """Run one node here, unless it is committed; its final state is recorded in the artifact store.

        Raises:
            InvalidNodePathError: ``path`` is no path.
            UnknownNodeError: The session has no such node.
            RefusalError: This process is not what the recipe says; the body did not run.
            InputsMissingError: Nodes upstream have published nothing yet.
            InMemoryNodeError: Its outputs would stay in the memory of a worker.
            KeyboardInterrupt: The process was asked to stop; the attempt is recorded, as cancelled unless it was over.
        """
        return self._single.run(parse_node_path(path))

    def run_carried(
        self, path: str, *, attempt: int, upstream: Mapping[NodePath, Commit], inline_max_bytes: int
    ) -> CarriedOutcome:
        """Run one node here for a driver that commits what it publishes; small outputs stand in the outcome.

        Args:
            path: The node.
            attempt: What the driver counts it as.
            upstream: What nodes before it published, where that travelled here.
            inline_max_bytes: Up to which size outputs stand in the outcome.

        Raises:
            UnknownNodeError: The session has no such node.
            RefusalError: This process is not what the recipe says; the body did not run.
            InMemoryNodeError: Its outputs would stay in the memory of a worker.
        """
        node = parse_node_path(path)
        return self._single.run_carried(node, attempt, upstream=upstream, inline_max_bytes=inline_max_bytes)

    def reproduce(self, path: str, *, debug: "Debug | None" = None) -> "Reproduction":
        """Compute a node once more, here, with its recorded inputs, and compare; nothing is written to the store.

        Args:
            path: The node.
            debug: Calls the body in place of this: it is given a callable and its keyword arguments. To leave
                altogether it raises what is no `Exception`, such as KeyboardInterrupt.

        Raises:
            InvalidNodePathError: ``path`` is no path.
            UnknownNodeError: The session has no such node.
            RefusalError: This process is not what the recipe says; the body did not run.
            InputsMissingError: Nodes upstream have published nothing.
            KeyboardInterrupt: The process was asked to stop.
        """
        return self._single.reproduce(parse_node_path(path), debug)

    def recorded(self) -> "RecordedSession":
        """Return what was recorded of it, for `compare_sessions`; the container is not opened.

        Raises:
            StoreError: The store failed.
        """
        from oneml.habitats.sessions.recorded import recorded_session  # noqa: PLC0415  # a worker never compares

        return recorded_session(
            self._store,
            self._openings.newest_recipe(),
            nodes=self._nodes,
            attempts=self._attempts,
            state=self.state,
            rows=self.node_rows(),
        )

    def check_node(self, path: NodePath) -> None:
        """Let pass a node that the session has.

        Raises:
            UnknownNodeError: It has none of that path.
        """
        self._nodes.plan()  # so that the message knows all nodes
        self._nodes.node(path)

    def is_committed(self, path: str) -> bool:
        """Tell whether the outputs of a node are published for good.

        Raises:
            InvalidNodePathError: ``path`` is no path.
        """
        return self._attempts.committed(parse_node_path(path)) is not None

    def outcome(self, path: str) -> NodeOutcome | None:
        """Return how the last attempt at a node ended, what it raised included; None where nobody wrote that down.

        Raises:
            InvalidNodePathError: ``path`` is no path.
        """
        return self._standing.outcome(parse_node_path(path))

    def stop(self) -> None:
        """Ask `run`, in whichever thread it is, to start nothing more and to cancel what can be cancelled."""
        self._stop_requested.set()

    def ports(self, path: str) -> Mapping[str, PortRecord]:
        """Return where each output of a node is; empty where its outputs stay in memory.

        Raises:
            UnknownNodeError: The session has no such node.
            NoOutputError: It has published nothing; says why.
        """
        return self._outputs.records(parse_node_path(path))

    @overload
    def output(self, path: str, port: str | None = None) -> object: ...
    @overload
    def output(self, path: str, port: str | None = None, *, form: TypeForm[T]) -> T: ...
    def output(self, path: str, port: str | None = None, *, form: object = object) -> object:
        """Return what a node published on a port.

        Args:
            path: The node.
            port: The port; without it the one port of the node, or a mapping of all where it has several.
            form: The type that the value is checked against and read as.

        Raises:
            UnknownNodeError: The session has no such node.
            UnknownPortError: The node has no such output.
            NoOutputError: It has published nothing; says why.
            StoreError: What lies in the store is not what was published, or is gone.
            DeserializationError: The value is not of ``form``.
        """
        return self._outputs.read(parse_node_path(path), port, form)

    def outputs(self) -> Mapping[str, object]:
        """Return the outputs that the pipeline declares, by name.

        Raises:
            NoOutputError: A node behind one of them has published nothing; says why.
        """
        return {name: self._outputs.of_source(source) for name, source in self.plan.outputs.items()}

    def close(self) -> None:
        """Close the container, resources and all; the session itself stays."""
        self._openings.close()
        self._opener.memory.clear()

    def _repr_mimebundle_(self, **_options: object) -> Mapping[str, str]:
        """Return what a notebook shows of the session: its nodes and their states."""
        from oneml.habitats.sessions.notebook import session_bundle  # noqa: PLC0415  # only in a notebook

        return session_bundle(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
