"""The index of sessions, held against the recipes: those are the truth, and what the index lost is found again."""

import logging
from collections.abc import Mapping
from datetime import datetime

from oneml.habitats.errors import CorruptArtifactError, InvalidDocumentError, RefusalError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.session_store import NodeRow, SessionRow, SessionStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.plan_shards import read_plan
from oneml.habitats.sessions.recipe import HEADER_MAX_BYTES, RECIPE_SCHEMA, Recipe, read_recipe, row_of
from oneml.habitats.values.json_value import json_object
from oneml.habitats.values.node_path import NodePath, node_key
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.session_id import SessionId, session_key
from oneml.habitats.values.states import FINAL_NODE_STATES, NodeState, SessionState

_log = logging.getLogger(__name__)


def reconcile(store: ArtifactStore, index: SessionStore) -> None:
    """Add to the index the sessions that only the artifact store has, and drop those that it has not.

    A session whose recipe cannot be read is left out with a warning.

    Raises:
        StoreError: The store or the index failed.
    """
    known = {session_key(row.session_id): row.session_id for row in index.sessions()}
    present = frozenset(store.children(keys.SESSIONS))
    for name in present - known.keys():
        try:
            session_id = _session_id(store, name)
            if session_id is not None:
                add_to_index(store, index, read_recipe(store, session_id))
        except (CorruptArtifactError, InvalidDocumentError, RefusalError) as error:
            _log.warning("A session is left out of the list: %s", error)
    for name in known.keys() - present:
        index.remove(known[name])


def add_to_index(store: ArtifactStore, index: SessionStore, recipe: Recipe) -> SessionRow:
    """Add a session to the index with the states that its documents tell of."""
    plan, _ = read_plan(store, recipe)
    rows = rows_from_store(AttemptLog(store, recipe.session_id), plan, {})
    row = row_of(recipe, _state(plan, rows))
    changed = max((row.changed_at for row in rows.values()), default=row.created_at)
    row = row._replace(changed_at=changed)
    index.put_session(row)
    if rows:
        index.record(recipe.session_id, row.state, list(rows.values()), changed)
    return row


def rows_from_store(
    attempts: AttemptLog, plan: Plan, known: Mapping[NodePath, NodeRow], *, is_driven: bool = False
) -> Mapping[NodePath, NodeRow]:
    """Return the rows of nodes of which the artifact store knows better than ``known``.

    A commit stands above everything. The outcome of an attempt stands above what was recorded of an earlier one, and
    above a state that is not final, unless a driver is at work.
    """
    attempted = attempts.attempted()
    found: dict[NodePath, NodeRow] = {}
    if not attempted:
        return found
    for path in plan.nodes:
        row = known.get(path)
        if (row is not None and row.state is NodeState.SUCCEEDED) or node_key(path) not in attempted:
            continue
        outcome = attempts.outcome(path)
        if outcome is None:
            continue
        if row is not None and outcome.state is not NodeState.SUCCEEDED:
            final = row.state in FINAL_NODE_STATES
            if (final and row.attempt >= outcome.attempt) or (not final and is_driven):
                continue
        at = datetime.fromisoformat(outcome.ended_at)
        detail = "" if outcome.error is None else outcome.error.summary()
        found[path] = NodeRow(
            path, outcome.state, outcome.attempt, at, outcome.seconds, detail, outcome.reuse_key, outcome.reused_from
        )
    return found


def _session_id(store: ArtifactStore, name: str) -> SessionId | None:
    """Return the id of the session whose documents lie under ``name``; None where there is no recipe (yet)."""
    data = store.read(f"{keys.SESSIONS}/{name}/recipe.json", limit_bytes=HEADER_MAX_BYTES)
    if data is None:
        return None
    header = json_object(data, what=f"recipe {name}", limit_bytes=HEADER_MAX_BYTES)
    session_id = header.get("session_id")
    if header.get("schema") != RECIPE_SCHEMA or not isinstance(session_id, str):
        return None
    return SessionId(session_id)


def _state(plan: Plan, rows: Mapping[NodePath, NodeRow]) -> SessionState:
    """Return what the nodes tell of the session; RUNNING stands for one that was left in the middle."""
    states = {row.state for row in rows.values()}
    if not states:
        return SessionState.CREATED
    if states & {NodeState.FAILED, NodeState.REFUSED}:
        return SessionState.FAILED
    if len(rows) == len(plan.nodes) and states == {NodeState.SUCCEEDED}:
        return SessionState.SUCCEEDED
    return SessionState.RUNNING
