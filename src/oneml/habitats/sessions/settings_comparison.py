"""Where the settings of two sessions differ, each value with where it was written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.habitats.settings_schema import schema_drifts
from oneml.habitats.settings.included import part_snapshot
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.include_paths import INCLUDED, part_of
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan

AUTHOR = "the definition of the pipeline"


class SettingsRecord(NamedTuple):
    """The settings of a session as they were recorded.

    Attributes:
        snapshot: See `EffectiveSettings.snapshot`.
        entries: Entries for nodes, by path.
        sources: See `EffectiveSettings.snapshot_sources`.
        schema: How the settings were declared.
        plan: The plan, with what authors set for nodes.
    """

    snapshot: JsonObject
    entries: JsonObject
    sources: JsonObject
    schema: JsonObject
    plan: Plan


class _Value(NamedTuple):
    text: str
    source: str


def setting_drifts(first: SettingsRecord, second: SettingsRecord) -> Sequence[Drift]:
    """Return the values that differ, of the session, then of nodes; then what is declared in another way."""
    found = [*_drifts(_of_session(first), _of_session(second), "")]
    for path in sorted(_included(first) | _included(second)):
        found.extend(_drifts(_of_part(first, path), _of_part(second, path), path))
    # An entry at an include path has been told of as what the habitat there has as a session.
    known = {(drift.subject, drift.field) for drift in found}
    for path in sorted(_paths(first, second)):
        if not _alike(first, second, path):
            of_node = _drifts(_of_node(first, path), _of_node(second, path), path)
            found.extend(drift for drift in of_node if (drift.subject, drift.field) not in known)
    told = {drift.subject for drift in found}
    declared = schema_drifts(first.schema, second.schema)
    return [*found, *(drift for drift in declared if drift.subject not in told)]


def _included(record: SettingsRecord) -> set[str]:
    return {*_object(record.snapshot.get(INCLUDED))}


def _of_part(record: SettingsRecord, path: str) -> Mapping[str, _Value]:
    """Return the settings of an included habitat as a session."""
    snapshot = part_snapshot(record.snapshot, NodePath(path))
    sources = _object(_object(record.sources.get(INCLUDED)).get(path))
    return _of_session(record._replace(snapshot=snapshot, sources=sources))


def _drifts(one: Mapping[str, _Value], other: Mapping[str, _Value], field: str) -> Iterator[Drift]:
    for name in sorted(one.keys() | other.keys()):
        before, now = one.get(name), other.get(name)
        if before is None or now is None or before.text != now.text:
            yield Drift(
                "setting",
                name,
                field,
                None if before is None else before.text,
                None if now is None else now.text,
                "" if before is None else before.source,
                "" if now is None else now.source,
            )


def _of_session(record: SettingsRecord) -> Mapping[str, _Value]:
    layers = _object(record.snapshot.get("layers"))
    values = {**_object(record.snapshot.get("process")), **_object(record.snapshot.get("session"))}
    given: dict[str, str] = {}
    for name, place in _object(record.sources.get("defaults")).items():
        given[name] = str(place)
    for scope in ("process", "session"):
        _note_sources(given, _list(layers.get(scope)), _list(record.sources.get(scope)))
    return {name: _Value(_text(value), _source(given, name)) for name, value in _flat(values)}


def _of_node(record: SettingsRecord, path: str) -> Mapping[str, _Value]:
    node = NodePath(path)
    planned = record.plan.nodes.get(node)
    place = None if planned is None else planned.place
    author = AUTHOR if place is None else str(place)
    found = {name: _Value(_text(value), author) for name, value in _flat(record.plan.node_settings.get(node, {}))}
    entries = _list(record.entries.get(path))
    parts = _object(record.sources.get(INCLUDED))
    owner = _object(parts.get(part_of([NodePath(each) for each in parts], node), record.sources))
    places = _list(_object(owner.get("nodes")).get(path))
    given: dict[str, str] = {}
    _note_sources(given, entries, places)
    for entry in entries:
        for name, value in _flat(_object(_object(entry).get("values"))):
            found[name] = _Value(_text(value), _source(given, name))
    return found


def _note_sources(given: dict[str, str], layers: Sequence[JsonValue], places: Sequence[JsonValue]) -> None:
    """Note where layers set values, from the lowest to the highest; a layer that a revision added knows by itself."""
    for number, layer in enumerate(layers):
        document = _object(layer)
        known = {**_object(document.get("sources")), **(_object(places[number]) if number < len(places) else {})}
        usual = str(document.get("layer", ""))
        for name, _ in _flat(_object(document.get("values"))):
            given[name] = str(_nearest(known, name) or usual)


def _source(given: Mapping[str, str], name: str) -> str:
    return str(_nearest(given, name) or "default")


def _nearest(known: Mapping[str, JsonValue], name: str) -> JsonValue:
    """Return what is known of a name, else of what it lies in."""
    while name not in known:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return known[name]


def _paths(first: SettingsRecord, second: SettingsRecord) -> set[str]:
    return {*first.entries, *second.entries, *first.plan.node_settings, *second.plan.node_settings}


def _alike(first: SettingsRecord, second: SettingsRecord, path: str) -> bool:
    node = NodePath(path)
    return first.entries.get(path) == second.entries.get(path) and first.plan.node_settings.get(
        node
    ) == second.plan.node_settings.get(node)


def _flat(value: JsonObject, above: str = "") -> Iterator[tuple[str, JsonValue]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", inner


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}  # its hash was held against the header


def _list(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
