"""Runs single nodes of a session in this process: for a person, for a driver elsewhere, or once more to compare."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from oneml.habitats.errors import InMemoryNodeError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.attempts import Commit
from oneml.habitats.sessions.context import outer_interrupts
from oneml.habitats.sessions.node_runner import MEMORY
from oneml.habitats.sessions.opening import SessionOpener
from oneml.habitats.sessions.openings import Openings
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.standing import Standing
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome

if TYPE_CHECKING:
    from oneml.habitats.sessions.reproduction import Debug, Reproduction


class CarriedOutcome(NamedTuple):
    """How a node ended that ran for a driver which commits for it.

    Attributes:
        outcome: How.
        revision: Of the settings that it ran with.
    """

    outcome: NodeOutcome
    revision: int


class SingleNodes:
    """Runs nodes of one session, whose containers are opened for it.

    Args:
        nodes: The nodes of its plan.
        openings: Its open containers.
        store: The artifact store.
        recipe: The session's recipe.
        opener: Opens them.
        standing: Told of nodes whose outputs stay in this process.
    """

    def __init__(
        self,
        nodes: PlannedNodes,
        openings: Openings,
        *,
        store: ArtifactStore,
        recipe: Recipe,
        opener: SessionOpener,
        standing: Standing,
    ) -> None:
        self._store = store
        self._session_id = recipe.session_id
        self._nodes = nodes
        self._openings = openings
        self._attempts = opener.attempts
        self._standing = standing
        self._is_worker = opener.is_worker

    def run(self, node: NodePath) -> NodeOutcome:
        """Run a node; see `PipelineSession.run_node`."""
        self._nodes.node(node)
        with self._openings.leased(refresh=True) as opened:
            in_memory = opened.settings_of(node).store == MEMORY
            if in_memory and self._is_worker:
                raise InMemoryNodeError(node=node)
            opened.prove(node)
            with opened.interrupts.listening(outer=outer_interrupts()):
                outcome = opened.runner.run(node)
        if in_memory:
            self._standing.keep(outcome)
        if opened.interrupts.pending():
            raise KeyboardInterrupt
        return outcome

    def run_carried(
        self, node: NodePath, attempt: int, *, upstream: Mapping[NodePath, Commit], inline_max_bytes: int
    ) -> CarriedOutcome:
        """Run a node for a driver that commits what it publishes; see `PipelineSession.run_carried`."""
        with self._openings.leased(refresh=True) as opened, self._attempts.knowing(upstream):
            if opened.settings_of(node).store == MEMORY:
                raise InMemoryNodeError(node=node)
            opened.prove(node)
            outcome = opened.runner.run_carried(node, attempt, opened.carrying_client(inline_max_bytes))
            return CarriedOutcome(outcome, opened.revision)

    def reproduce(self, node: NodePath, debug: "Debug | None") -> "Reproduction":
        """Compute a node once more, and compare; see `PipelineSession.reproduce`."""
        from oneml.habitats.sessions.reproduction import reproduce  # noqa: PLC0415  # a worker never reproduces

        self._nodes.node(node)
        outcome = self._attempts.outcome(node)
        revision = (
            self._attempts.revision_of(node, outcome.attempt) if outcome is not None and outcome.attempt else None
        )
        with self._openings.at(revision) as opened, opened.interrupts.listening(outer=outer_interrupts()):
            opened.prove(node)
            found = reproduce(
                node,
                session_id=self._session_id,
                store=self._store,
                attempts=self._attempts,
                opened=opened,
                debug=debug,
            )
        if opened.interrupts.pending():
            raise KeyboardInterrupt
        return found
