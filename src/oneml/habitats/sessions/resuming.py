"""Takes a session up where it stands: what is done stays, and the rest is driven."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.observer import Observer
from oneml.habitats.ports.session_store import NodeRow, SessionStore
from oneml.habitats.sessions.adoption import Adoption
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.driving import Drive
from oneml.habitats.sessions.node_runner import MEMORY
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.sessions.openings import Openings
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.run_result import RunResult
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import PlannedNode
from oneml.habitats.values.states import NodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """A session that its driver takes up.

    Attributes:
        store: The artifact store.
        index: Where states go.
        recipe: The session's recipe.
        nodes: The nodes of its plan.
        openings: Its open containers.
        attempts: Its claims and commits.
        engine_registry: Where engines are found.
        clock: Time.
        stop_requested: Set by whoever wants the session to stop.
        worker_store_url: What another process must be told to find the store; None where it finds it by itself.
    """

    store: ArtifactStore
    index: SessionStore
    recipe: Recipe
    nodes: PlannedNodes
    openings: Openings
    attempts: AttemptLog
    engine_registry: EngineRegistry
    clock: Clock
    stop_requested: threading.Event
    worker_store_url: str | None

    def begun(self, rows: Mapping[NodePath, NodeRow], *, reuse: bool) -> Callable[[Sequence[Observer]], RunResult]:
        """Check the session, and return what runs all that is not done; see `PipelineSession.run`.

        Args:
            rows: What is known of nodes.
            reuse: Whether a node takes over the outputs of another session.

        Raises:
            RefusalError: This process is not what the recipe says.
        """
        opened = self.openings.refreshed()
        if opened.verified is not None:
            opened.verified.check_graph()
        opened.know_plan()
        done = {path: row for path, row in rows.items() if self._is_done(path, row, opened)}
        known = {row.path: row for row in self.index.nodes(self.recipe.session_id)}
        drive = Drive(
            recipe=self.recipe,
            plan=self.nodes.plan(),
            openings=self.openings,
            engine_registry=self.engine_registry,
            attempts=self.attempts,
            index=self.index,
            clock=self.clock,
            adopt=self._adoption().adopt if reuse else None,
            stop_requested=self.stop_requested,
            worker_store_url=self.worker_store_url,
        )
        unrecorded = [row for path, row in done.items() if known.get(path) != row]
        return lambda observers: drive.run(done=done, unrecorded=unrecorded, observers=observers)

    def _is_done(self, path: NodePath, row: NodeRow, opened: OpenedSession) -> bool:
        if row.state is not NodeState.SUCCEEDED:
            return False
        if opened.settings_of(path).store == MEMORY:
            return path in opened.memory
        return self.attempts.committed(path) is not None

    def _adoption(self) -> Adoption:
        return Adoption(
            store=self.store,
            index=self.index,
            attempts=self.attempts,
            node=self.nodes.node,
            key_of=self._reuse_key,
            clock=self.clock,
        )

    def _reuse_key(self, node: PlannedNode) -> str | None:
        return self.openings.current().reuse_keys.of(node)
