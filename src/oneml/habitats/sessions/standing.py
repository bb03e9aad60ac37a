"""Where a session and its nodes stand: what the index has recorded, and what the artifact store knows better."""

from collections.abc import Callable, Mapping

from oneml.habitats.errors import RefusalError, StoreError, UnknownSessionError, UsageError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.session_store import NodeRow, SessionRow, SessionStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.openings import Openings
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import HEADER_MAX_BYTES, Recipe
from oneml.habitats.settings.models import MEMORY_STORE
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.states import NodeState, SessionState


class Standing:
    """Tells where one session stands.

    Args:
        nodes: The nodes of its plan.
        openings: Opens it, where settings of a node must be known.
        store: The artifact store.
        index: Gives the session store.
        recipe: The session's recipe.
        attempts: Its claims and commits.
        clock: Time.

    Attributes:
        own_rows: States of nodes that only this process knows, since their outputs stay in its memory.
    """

    def __init__(
        self,
        nodes: PlannedNodes,
        openings: Openings,
        *,
        store: ArtifactStore,
        index: Callable[[], SessionStore],
        recipe: Recipe,
        attempts: AttemptLog,
        clock: Clock,
    ) -> None:
        self._store = store
        self._index = index
        self._recipe = recipe
        self._nodes = nodes
        self._attempts = attempts
        self._clock = clock
        self._openings = openings
        self.own_rows: dict[NodePath, NodeRow] = {}

    def state(self) -> SessionState:
        """Return where the session stands now."""
        session_id = self._recipe.session_id
        index, row = self._indexed()
        if row.state is SessionState.RUNNING and not index.is_driven(session_id):
            # It may have ended between the two looks.
            row = index.session(session_id) or row
            return SessionState.INTERRUPTED if row.state is SessionState.RUNNING else row.state
        if row.state is SessionState.SUCCEEDED or index.is_driven(session_id):
            return row.state
        rows = self.rows()
        if len(rows) == row.node_count and all(one.state is NodeState.SUCCEEDED for one in rows.values()):
            # Workers have run what was left; nobody told the index.
            index.record(session_id, SessionState.SUCCEEDED, list(rows.values()), self._clock.now())
            return SessionState.SUCCEEDED
        return row.state

    def rows(self) -> Mapping[NodePath, NodeRow]:
        """Return the state of every node that is not simply pending, in the order of the plan."""
        from oneml.habitats.sessions.index import rows_from_store  # noqa: PLC0415  # a worker never asks

        session_id, plan = self._recipe.session_id, self._nodes.plan()
        index, _ = self._indexed()
        known = {row.path: row for row in index.nodes(session_id)}
        newer = rows_from_store(self._attempts, plan, known, is_driven=index.is_driven(session_id))
        found = {**known, **newer, **self.own_rows}
        return {path: found[path] for path in plan.nodes if path in found}

    def outcome(self, path: NodePath) -> NodeOutcome | None:
        """Return how the last attempt at a node ended; where a driver ended it, why it did."""
        outcome = self._attempts.outcome(path)
        if outcome is None or outcome.error is None or outcome.state is not NodeState.CANCELLED:
            return outcome
        from oneml.habitats.engines.timeouts import ended_by_driver  # noqa: PLC0415  # most nodes end by themselves

        index, _ = self._indexed()
        row = next((row for row in index.nodes(self._recipe.session_id) if row.path == path), None)
        if row is None or row.state is not NodeState.FAILED or row.attempt != outcome.attempt:
            return outcome
        kind, _, text = row.detail.partition(": ")
        error = ended_by_driver(ErrorRecord(kind, text, ""), outcome.error.traceback)
        return outcome._replace(state=row.state, error=error)

    def keep(self, outcome: NodeOutcome) -> None:
        """Note how a node ended whose outputs stay in the memory of this process."""
        detail = "" if outcome.error is None else outcome.error.summary()
        self.own_rows[outcome.path] = NodeRow(
            outcome.path, outcome.state, outcome.attempt, self._clock.now(), outcome.seconds, detail
        )

    def why_no_output(self, path: NodePath) -> str:
        """Say why there is nothing to be read of a node.

        Raises:
            StoreError: It has succeeded, and its commit is gone.
        """
        row = self.rows().get(path)
        if row is None:
            return "it has not run"
        if row.state is NodeState.SUCCEEDED:
            if path not in self.own_rows and not self._may_stay_in_memory(path):
                session_id = self._recipe.session_id
                raise StoreError(
                    place=f"{self._store.url.rstrip('/')}/{keys.commit_key(session_id, path)}",
                    reason=f"the commit of {path} in session {session_id} is missing, though it has succeeded",
                    remedy=f"Compute it again: oneml sessions run {session_id}",
                )
            return "its outputs stayed in the memory of the process that ran it"
        return f"{row.state.value}, {row.detail}" if row.detail else row.state.value

    def _may_stay_in_memory(self, path: NodePath) -> bool:
        """Tell whether a node keeps its outputs in memory, as far as its settings can be known here."""
        try:
            return self._openings.current().settings_of(path).store == MEMORY_STORE
        except (RefusalError, UsageError):
            return True

    def _indexed(self) -> tuple[SessionStore, SessionRow]:
        """Return the index, and this session's row in it, which is found again where it was lost.

        Raises:
            UnknownSessionError: The session was removed.
        """
        from oneml.habitats.sessions.index import add_to_index  # noqa: PLC0415  # a worker never asks

        index, session_id = self._index(), self._recipe.session_id
        row = index.session(session_id)
        if row is None:
            if self._store.read(keys.recipe_key(session_id), limit_bytes=HEADER_MAX_BYTES) is None:
                raise UnknownSessionError(session_id=session_id, store=self._store.url)
            row = add_to_index(self._store, index, self._recipe)
        return index, row
