"""Diagrams of what a session would be, and of what it is: its nodes with their states, its objects."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.graph.drawing.diagram import Diagram
from oneml.habitats.graph.drawing.plan_diagram import NodeStatus, PlanView, plan_diagram
from oneml.habitats.habitats.object_diagram import object_diagram, qualified
from oneml.habitats.sessions.recipe import DOCUMENT_MAX_BYTES
from oneml.habitats.values.include_paths import provider_key
from oneml.habitats.values.json_value import JsonObject, JsonValue, json_object
from oneml.habitats.values.node_path import NodePath, ancestors_of, parse_node_path
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.states import NodeState

if TYPE_CHECKING:
    from oneml.habitats.ports.session_store import NodeRow
    from oneml.habitats.sessions.comparison import RecordedSession
    from oneml.habitats.sessions.preview import SessionPreview
    from oneml.habitats.sessions.session import PipelineSession

_DOT = " \N{MIDDLE DOT} "


def preview_diagram(preview: "SessionPreview", view: PlanView | None = None) -> Diagram:
    """Return the nodes that a session would have.

    Args:
        preview: What a session would be.
        view: How much is shown.
    """
    return plan_diagram(preview.plan, title=preview.habitat, subtitle=preview.container, view=view)


def preview_objects(preview: "SessionPreview", *, depth: int | None = None) -> Diagram:
    """Return the objects that a session would have.

    Args:
        preview: What a session would be.
        depth: How much is shown, see `object_diagram`.

    Raises:
        UsageError: What the container declares as first party, or as package data, cannot be found.
    """
    explained = json_object(
        preview.fingerprint.explanations()["graph"], what=f"graph of {preview.habitat}", limit_bytes=DOCUMENT_MAX_BYTES
    )
    return object_diagram(
        _providers(explained, what=f"graph of {preview.habitat}"),
        plan=preview.plan,
        title=preview.habitat,
        subtitle=f"objects of {preview.container}",
        depth=depth,
    )


def session_diagram(session: "PipelineSession", view: PlanView | None = None) -> Diagram:
    """Return the nodes of a session with their states, from what is recorded: its container is not opened.

    Args:
        session: The session, wherever it was made.
        view: How much is shown.

    Raises:
        StoreError: The store failed.
    """
    recorded = session.recorded()
    statuses = _statuses(recorded)
    engines = sorted({each.engine for each in statuses.values()})
    words = [f"session {session.session_id}", recorded.state.value, *engines]
    return plan_diagram(recorded.plan, title=session.habitat, subtitle=_DOT.join(words), view=view, statuses=statuses)


def session_objects(session: "PipelineSession", *, depth: int | None = None) -> Diagram:
    """Return the objects of a session with the states of the nodes that they run, from what is recorded.

    Its container is not opened.

    Args:
        session: The session, wherever it was made.
        depth: How much is shown, see `object_diagram`.

    Raises:
        InvalidDocumentError: What was recorded is not of its form.
        StoreError: The store failed.
    """
    recorded = session.recorded()
    return object_diagram(
        _providers(recorded.explanation("graph"), what=f"graph of session {session.session_id}"),
        plan=recorded.plan,
        title=session.habitat,
        subtitle=_DOT.join([f"objects of session {session.session_id}", recorded.state.value]),
        depth=depth,
        statuses=_statuses(recorded),
    )


def _providers(explained: JsonObject, *, what: str) -> Mapping[str, JsonObject]:
    """Return the descriptions of all providers by name, those of included habitats by their keys, secrets masked."""
    found = dict(_described(explained, what))
    for path, part in _object(explained.get("included", {}), what).items():
        include = parse_node_path(path)
        for name, content in _described(_object(part, what), what):
            found[provider_key(include, name)] = qualified(content, include)
    return found


def _described(explained: JsonObject, what: str) -> Iterator[tuple[str, JsonObject]]:
    for name, content in _object(explained.get("providers"), what).items():
        yield name, _object(content, what)


def _object(value: JsonValue, what: str) -> JsonObject:
    if not isinstance(value, Mapping):
        raise InvalidDocumentError(what=what, reason=f"{value!r:.80} is no object")
    return value


def _statuses(recorded: "RecordedSession") -> Mapping[NodePath, NodeStatus]:
    return {path: _status(recorded.rows.get(path), engine) for path, engine in _engines(recorded).items()}


def _status(row: "NodeRow | None", engine: str) -> NodeStatus:
    if row is None:
        return NodeStatus(NodeState.PENDING, engine=engine)
    return NodeStatus(row.state, row.attempt, row.seconds, row.reused_from is not None, engine)


def _engines(recorded: "RecordedSession") -> Mapping[NodePath, str]:
    """Return the engine of each node, as the recorded settings say: the nearest entry to a node counts."""
    settings = recorded.recipe.settings
    of_all = _engine(settings.get("session")) or _engine(settings.get("process")) or ""
    plan: Plan = recorded.plan
    entries = recorded.entries
    found: dict[NodePath, str] = {}
    for path in plan.nodes:
        given = [_entered(entries.get(place)) for place in (path, *reversed(ancestors_of(path)))]
        nearest = next((engine for engine in given if engine), None)
        found[path] = nearest or _engine(plan.node_settings.get(path)) or of_all
    return found


def _entered(layers: JsonValue) -> str | None:
    """Return the engine that the layers of one entry set, the last of which counts."""
    if not isinstance(layers, list | tuple):
        return None
    found = [_engine(layer.get("values")) for layer in layers if isinstance(layer, Mapping)]
    return next((engine for engine in reversed(found) if engine), None)


def _engine(settings: JsonValue) -> str | None:
    engine = settings.get("engine") if isinstance(settings, Mapping) else None
    return engine if isinstance(engine, str) else None
