"""What was recorded of a session, gathered for a comparison; its container is not opened."""

from collections.abc import Mapping

from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.comparison import RecordedSession
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe, read_code, read_explanation
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.states import SessionState


def recorded_session(
    store: ArtifactStore,
    recipe: Recipe,
    *,
    nodes: PlannedNodes,
    attempts: AttemptLog,
    state: SessionState,
    rows: Mapping[NodePath, NodeRow],
) -> RecordedSession:
    """Return what was recorded of a session, for `compare_sessions`.

    Args:
        store: The artifact store.
        recipe: Its recipe, at the newest revision.
        nodes: The nodes of its plan.
        attempts: Its commits.
        state: Where it stands.
        rows: Where its nodes stand.

    Raises:
        StoreError: The store failed.
    """

    def ports_of(path: NodePath) -> Mapping[str, PortRecord]:
        commit = attempts.committed(path)
        return {} if commit is None else commit.ports

    def explanation(name: str) -> JsonObject:
        return read_explanation(store, recipe, name)

    return RecordedSession(
        recipe=recipe,
        plan=nodes.plan(),
        entries=nodes.entries(),
        state=state,
        rows=rows,
        ports_of=ports_of,
        code=lambda: read_code(store, recipe),
        explanation=explanation,
    )
