"""Compares two sessions by what was recorded of them: no container is opened, and no code of theirs is imported."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oneml.habitats.habitats.code_difference import code_drifts
from oneml.habitats.habitats.code_document import identity_from_json
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.graph_difference import whole_graph_drifts
from oneml.habitats.habitats.outline_difference import recorded_definitions
from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.sessions.output_comparison import output_drifts
from oneml.habitats.sessions.plan_comparison import plan_drifts
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.settings_comparison import SettingsRecord, setting_drifts
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import SessionState

_OF_PACKAGES = frozenset({"distribution", "python"})


class RecordedSession(NamedTuple):
    """What was recorded of a session.

    Attributes:
        recipe: Its recipe, with the newest revision of its settings.
        plan: Its DAG.
        entries: The entries of its settings for nodes, by path.
        state: Where it stands.
        rows: The states of its nodes.
        ports_of: Where the outputs of a node are; empty where it has published none.
        code: Reads the document of its code.
        explanation: Reads one of its explanations.
    """

    recipe: Recipe
    plan: Plan
    entries: JsonObject
    state: SessionState
    rows: Mapping[NodePath, NodeRow]
    ports_of: Callable[[NodePath], Mapping[str, PortRecord]]
    code: Callable[[], JsonObject]
    explanation: Callable[[str], JsonObject]


class ComparedSession(NamedTuple):
    """Which session was compared."""

    session_id: SessionId
    habitat: str
    created_at: str
    state: SessionState


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionComparison:
    """Where two sessions differ; ``expected`` is of the first session everywhere, and ``found`` of the second.

    Attributes:
        first: The one.
        second: The other.
        settings: Values of settings, of the session and of nodes (then ``field`` is the node), and their declarations.
        plan: Nodes, what feeds them, and the inputs and outputs of the pipeline.
        graph: Providers and their edges.
        code: First-party modules, definition by definition, and package data.
        packages: Versions of distributions, and of Python.
        outputs: States of nodes, and the contents of their outputs.
        seconds: How long the bodies of the nodes ran that both have; None where one did not.
    """

    first: ComparedSession
    second: ComparedSession
    settings: Sequence[Drift]
    plan: Sequence[Drift]
    graph: Sequence[Drift]
    code: Sequence[Drift]
    packages: Sequence[Drift]
    outputs: Sequence[Drift]
    seconds: Mapping[NodePath, tuple[float | None, float | None]]

    @property
    def sections(self) -> Mapping[str, Sequence[Drift]]:
        """Every section by its name; equal ones are empty."""
        return {
            "settings": self.settings,
            "plan": self.plan,
            "graph": self.graph,
            "code": self.code,
            "packages": self.packages,
            "outputs": self.outputs,
        }

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not any(self.sections.values())

    def to_json(self) -> JsonObject:
        """Return it as JSON."""
        return {
            "first": self.first._asdict(),
            "second": self.second._asdict(),
            "same": self.same,
            **{name: [drift.to_json() for drift in drifts] for name, drifts in self.sections.items()},
            "seconds": {path: list(both) for path, both in self.seconds.items()},
        }


def compare_sessions(first: RecordedSession, second: RecordedSession) -> SessionComparison:
    """Compare two sessions, which may be of different habitats.

    Raises:
        InvalidDocumentError: Something that was recorded is not of its form.
        RecipeAlteredError: A document of a recipe is missing, or was altered.
        StoreError: The store failed.
    """
    code, packages = _code_and_packages(first, second)
    return SessionComparison(
        first=_told(first),
        second=_told(second),
        settings=setting_drifts(_settings(first), _settings(second)),
        plan=plan_drifts(first.plan, second.plan, first.recipe.inputs, second.recipe.inputs),
        graph=_graph(first, second),
        code=code,
        packages=packages,
        outputs=output_drifts(first.plan, second.plan, first.rows, second.rows, first.ports_of, second.ports_of),
        seconds={
            path: (_seconds(first.rows.get(path)), _seconds(second.rows.get(path)))
            for path in first.plan.nodes
            if path in second.plan.nodes
        },
    )


def _told(session: RecordedSession) -> ComparedSession:
    recipe = session.recipe
    return ComparedSession(recipe.session_id, recipe.habitat, recipe.created_at, session.state)


def _seconds(row: NodeRow | None) -> float | None:
    return None if row is None else row.seconds


def _settings(session: RecordedSession) -> SettingsRecord:
    return SettingsRecord(
        session.recipe.settings,
        session.entries,
        session.explanation("origins"),
        _object(session.explanation("graph"), "settings_schema"),
        session.plan,
    )


def _graph(first: RecordedSession, second: RecordedSession) -> Sequence[Drift]:
    if first.recipe.explanations["graph"] == second.recipe.explanations["graph"]:
        return ()
    one, other = first.explanation("graph"), second.explanation("graph")
    found = [*_graph_of_one(one, other, "")]
    before, now = _objects(one, "included"), _objects(other, "included")
    for path in sorted(before.keys() | now.keys()):
        found.extend(_graph_of_one(before.get(path, {}), now.get(path, {}), f"{path}:"))
    return found


def _graph_of_one(one: JsonObject, other: JsonObject, prefix: str) -> Iterator[Drift]:
    drifts = whole_graph_drifts(
        _objects(one, "providers"),
        _objects(other, "providers"),
        _texts(one, "places"),
        _texts(other, "places"),
    )
    return (drift._replace(subject=f"{prefix}{drift.subject}") for drift in drifts)


def _code_and_packages(first: RecordedSession, second: RecordedSession) -> tuple[Sequence[Drift], Sequence[Drift]]:
    one, other = identity_from_json(first.code().get("identity")), identity_from_json(second.code().get("identity"))
    code: list[Drift] = []
    packages: list[Drift] = []
    definitions = _Definitions(first, second, one, other)
    # What to install, and which interpreter this is, is about this environment, and not about the sessions.
    for drift in code_drifts(one, other).refused:
        if drift.kind in _OF_PACKAGES:
            packages.append(drift._replace(remedy="", expected_source="", found_source=""))
        else:
            code.extend(definitions.of(drift))
    return code, packages


class _Definitions:
    """Names the definitions that changed in a module, where outlines of both sides were recorded."""

    def __init__(self, first: RecordedSession, second: RecordedSession, one: CodeIdentity, other: CodeIdentity) -> None:
        self._sessions = (first, second)
        self._codes = (one, other)
        self._outlines: tuple[JsonObject, JsonObject] | None = None

    def of(self, drift: Drift) -> Iterator[Drift]:
        one, other = (code.modules.get(drift.subject) for code in self._codes)
        if drift.field != "source" or one is None or other is None:
            yield drift
            return
        if self._outlines is None:
            first, second = self._sessions
            self._outlines = first.explanation("outline"), second.explanation("outline")
        yield from recorded_definitions(one, other, *self._outlines) or [drift]


def _object(document: JsonObject, key: str) -> JsonObject:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}  # its hash was held against the header


def _objects(document: JsonObject, key: str) -> Mapping[str, JsonObject]:
    found = _object(document, key)
    return {name: _object(found, name) for name in found}


def _texts(document: JsonObject, key: str) -> Mapping[str, str]:
    return {name: str(text) for name, text in _object(document, key).items()}
