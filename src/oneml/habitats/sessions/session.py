"""A session: its states, its outputs, and running it or one node of it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, overload

from typing_extensions import TypeForm

from oneml.habitats.data.client import DataClient
from oneml.habitats.errors import InMemoryNodeError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.observer import Observer
from oneml.habitats.ports.session_store import NodeRow, SessionRow, SessionStore
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.node_runner import MEMORY
from oneml.habitats.sessions.opened import OpenedSession, PlannedNodes
from oneml.habitats.sessions.output_reader import OutputReader
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.outcome import NodeOutcome, PortRecord
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

if TYPE_CHECKING:
    from oneml.habitats.sessions.adoption import Adoption
    from oneml.habitats.sessions.run_result import RunResult

T = TypeVar("T")


class PipelineSession:
    """One execution of a habitat; made by `PipelineServiceClient`, closed by leaving its ``with`` block.

    Args:
        store: The artifact store.
        index: Gives the session store, which a worker never asks for.
        recipe: The session's recipe.
        clock: Time.
        nodes: The nodes of its plan.
        attempts: Its claims and commits.
        opened: Its container, where it is open in this process already.
        reopen: Opens its container in this process from the recipe.
        may_unpickle: Tells whether the configuration of this process allows pickle.
        worker_store_url: What another process must be told to find the store; None where it finds it by itself.
        is_worker: Whether this process runs single nodes for a driver elsewhere.
    """

    def __init__(
        self,
        *,
        store: ArtifactStore,
        index: Callable[[], SessionStore],
        recipe: Recipe,
        clock: Clock,
        nodes: PlannedNodes,
        attempts: AttemptLog,
        opened: OpenedSession | None,
        reopen: Callable[[], OpenedSession],
        may_unpickle: Callable[[], bool],
        worker_store_url: str | None,
        is_worker: bool = False,
    ) -> None:
        self._store = store
        self._index = index
        self._recipe = recipe
        self._clock = clock
        self._reopen = reopen
        self._worker_store_url = worker_store_url
        self._is_worker = is_worker
        self._attempts = attempts
        self._nodes = nodes
        self._opened = opened
        self._opening = threading.Lock()
        self._stop_requested = threading.Event()
        self._own_rows: dict[NodePath, NodeRow] = {}
        self._outputs = OutputReader(
            attempts=self._attempts,
            client=lambda: DataClient(store, allow_pickle=may_unpickle()),
            memory=lambda: {} if self._opened is None else self._opened.memory,
            node=self._nodes.node,
            why_not=self._why_no_output,
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
        index, row = self._indexed()
        if row.state is SessionState.RUNNING and not index.is_driven(self.session_id):
            # It may have ended between the two looks.
            row = index.session(self.session_id) or row
            return SessionState.INTERRUPTED if row.state is SessionState.RUNNING else row.state
        if row.state is SessionState.SUCCEEDED or index.is_driven(self.session_id):
            return row.state
        rows = self.node_rows()
        if len(rows) == row.node_count and all(one.state is NodeState.SUCCEEDED for one in rows.values()):
            # Workers have run what was left; nobody told the index.
            index.record(self.session_id, SessionState.SUCCEEDED, list(rows.values()), self._clock.now())
            return SessionState.SUCCEEDED
        return row.state

    def node_rows(self) -> Mapping[NodePath, NodeRow]:
        """Return the state of every node that is not simply pending, in the order of the plan."""
        from oneml.habitats.sessions.index import rows_from_store  # noqa: PLC0415  # a worker never asks

        index, _ = self._indexed()
        known = {row.path: row for row in index.nodes(self.session_id)}
        is_driven = index.is_driven(self.session_id)
        newer = rows_from_store(self._attempts, self.plan, known, is_driven=is_driven)
        found = {**known, **newer, **self._own_rows}
        return {path: found[path] for path in self.plan.nodes if path in found}

    def _indexed(self) -> tuple[SessionStore, SessionRow]:
        """Return the index, and this session's row in it, which is found again where it was lost."""
        from oneml.habitats.sessions.index import add_to_index  # noqa: PLC0415  # a worker never asks

        index = self._index()
        return index, index.session(self.session_id) or add_to_index(self._store, index, self._recipe)

    def open(self) -> OpenedSession:
        """Open the container in this process, unless it is open already.

        Raises:
            RefusalError: This process is not what the recipe says.
        """
        with self._opening:
            if self._opened is None:
                self._opened = self._reopen()
            return self._opened

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
        from oneml.habitats.sessions.driving import Drive  # noqa: PLC0415  # a worker never drives

        opened = self.open()
        opened.know_plan()
        index = self._index()
        with index.drive(self.session_id):
            done = {path: row for path, row in self.node_rows().items() if self._is_done(path, row, opened)}
            known = {row.path: row for row in index.nodes(self.session_id)}
            unrecorded = [row for path, row in done.items() if known.get(path) != row]
            self._own_rows.clear()
            drive = Drive(
                recipe=self._recipe,
                plan=self.plan,
                opened=opened,
                attempts=self._attempts,
                index=index,
                clock=self._clock,
                adopt=self._adoption(opened, index).adopt if reuse else None,
                stop_requested=self._stop_requested,
                worker_store_url=self._worker_store_url,
            )
            return drive.run(done=done, unrecorded=unrecorded, observers=observers)

    def _adoption(self, opened: OpenedSession, index: SessionStore) -> "Adoption":
        from oneml.habitats.sessions.adoption import Adoption  # noqa: PLC0415  # a worker never adopts

        return Adoption(
            store=self._store,
            index=index,
            attempts=self._attempts,
            node=self._nodes.node,
            keys=opened.reuse_keys,
            clock=self._clock,
        )

    def _is_done(self, path: NodePath, row: NodeRow, opened: OpenedSession) -> bool:
        if row.state is not NodeState.SUCCEEDED:
            return False
        if opened.settings_of(path).store == MEMORY:
            return path in opened.memory
        return self._attempts.committed(path) is not None

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
        node = parse_node_path(path)
        self._nodes.node(node)
        opened = self.open()
        in_memory = opened.settings_of(node).store == MEMORY
        if in_memory and self._is_worker:
            raise InMemoryNodeError(node=node)
        with opened.interrupts.listening():
            outcome = opened.runner.run(node)
        if in_memory:
            detail = "" if outcome.error is None else outcome.error.summary()
            self._own_rows[node] = NodeRow(
                node, outcome.state, outcome.attempt, self._clock.now(), outcome.seconds, detail
            )
        if opened.interrupts.pending():
            raise KeyboardInterrupt
        return outcome

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
        return self._attempts.outcome(parse_node_path(path))

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
            CorruptArtifactError: What lies in the store is not what was published.
            DeserializationError: The value is not of ``form``.
        """
        return self._outputs.read(parse_node_path(path), port, form)

    def outputs(self) -> Mapping[str, object]:
        """Return the outputs that the pipeline declares, by name.

        Raises:
            NoOutputError: A node behind one of them has published nothing; says why.
        """
        return {name: self._outputs.of_source(source) for name, source in self.plan.outputs.items()}

    def _why_no_output(self, path: NodePath) -> str:
        row = self.node_rows().get(path)
        if row is None:
            return "it has not run"
        if row.state is NodeState.SUCCEEDED:
            return "its outputs stayed in the memory of the process that ran it"
        return f"{row.state.value}, {row.detail}" if row.detail else row.state.value

    def close(self) -> None:
        """Close the container, resources and all; the session itself stays."""
        with self._opening:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
