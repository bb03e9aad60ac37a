"""What differs between two descriptions of a graph, as far as one provider reaches, nearest to it first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from oneml.habitats.habitats.canonical_texts import value_text
from oneml.habitats.habitats.graph_description import GraphDescription
from oneml.habitats.habitats.provider_node import ProviderKind
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json

_FIELDS = {
    "kind": "kind",
    "class": "provider class",
    "lifetime": "lifetime",
    "provides": "class",
    "value": "value",
    "setting": "setting",
    "instance_of": "type",
    "target": "target",
    "contract": "contract",
    "container": "container",
    "required": "required",
    "strict": "strict",
    "override": "override",
    "names": "names",
}
"""The name of each part of a description for a person, in the order in which differences are told."""

_PARTS = {"args": "argument", "kwargs": "argument", "attributes": "attribute", "members": "member"}


def graph_drifts(
    recorded: Mapping[str, JsonObject],
    found: GraphDescription,
    provider: str,
    *,
    recorded_places: Mapping[str, str],
) -> Sequence[Drift]:
    """Return what differs in a provider and in what it reaches, nearest to it first.

    Args:
        recorded: The descriptions that a session was created with, by name.
        found: What is here.
        provider: Its name.
        recorded_places: Where providers stood when the session was created, by name.
    """
    drifts: list[Drift] = []

    def place_of(name: str) -> str:
        place = found.place_of(name)
        return "" if place is None else str(place)

    waiting = list(dict.fromkeys([provider]))
    seen = set(waiting)
    for name in waiting:
        then, now = recorded.get(name), found.providers.get(name)
        drifts.extend(_drifts(name, then, now, recorded_places.get(name, ""), place_of))
        for target in (*_targets(recorded, then), *_targets(found.providers, now)):
            # What only one side has is told where it is referred to.
            if target not in seen and target in recorded and target in found.providers:
                seen.add(target)
                waiting.append(target)
    return drifts


def whole_graph_drifts(
    first: Mapping[str, JsonObject],
    second: Mapping[str, JsonObject],
    first_places: Mapping[str, str],
    second_places: Mapping[str, str],
) -> Sequence[Drift]:
    """Return what differs between two recorded descriptions, by name of the provider.

    Args:
        first: The descriptions of one session, by name; they are what is expected.
        second: Those of the other.
        first_places: Where the providers of the first stood.
        second_places: Where those of the second stood.
    """

    def place_of(name: str) -> str:
        return second_places.get(name, "")

    return [
        drift
        for name in sorted(first.keys() | second.keys())
        for drift in _drifts(name, first.get(name), second.get(name), first_places.get(name, ""), place_of)
    ]


def _drifts(
    name: str, then: JsonObject | None, now: JsonObject | None, source: str, place_of: Callable[[str], str]
) -> Iterator[Drift]:
    differences = _differences(then, now) if then is not None and now is not None else _absence(then, now)
    place: str | None = None
    for field, expected, here in differences:
        place = place_of(name) if place is None else place
        yield Drift("provider", name, field, expected, here, source, place)


def _absence(then: JsonObject | None, now: JsonObject | None) -> Iterator[tuple[str, str | None, str | None]]:
    if then is not None or now is not None:
        yield "", _summary(then), _summary(now)


def _summary(description: JsonObject | None) -> str | None:
    if description is None:
        return None
    return value_text(description.get("provides") or description.get("class"))


def _differences(then: JsonObject, now: JsonObject) -> Iterator[tuple[str, str | None, str | None]]:
    for key, field in _FIELDS.items():
        if _differ(then.get(key), now.get(key)):
            yield field, _shown(then.get(key)), _shown(now.get(key))
    for key, field in _PARTS.items():
        yield from _named_differences(field, _by_name(then.get(key)), _by_name(now.get(key)))
    if "configuration" in then or "configuration" in now:
        yield from _named_differences(
            "configuration", dict(_flat(then.get("configuration"))), dict(_flat(now.get("configuration")))
        )


def _named_differences(
    field: str, then: Mapping[str, JsonValue], now: Mapping[str, JsonValue]
) -> Iterator[tuple[str, str | None, str | None]]:
    for name in sorted(then.keys() | now.keys()):
        if name not in then or name not in now or _differ(then[name], now[name]):
            yield f"{field} {name}".rstrip(), _side(then, name), _side(now, name)


def _side(found: Mapping[str, JsonValue], name: str) -> str | None:
    return value_text(found[name]) if name in found else None


def _shown(value: JsonValue) -> str | None:
    return None if value is None else value if isinstance(value, str) else value_text(value)


def _differ(then: JsonValue, now: JsonValue) -> bool:
    return then is not now and canonical_json(then) != canonical_json(now)


def _by_name(found: JsonValue) -> Mapping[str, JsonValue]:
    """Return what stands in a part of a description: under names, at places, or in pairs."""
    if isinstance(found, Mapping):
        return found
    if not isinstance(found, Sequence) or isinstance(found, str):
        return {}
    return {str(place): value for place, value in enumerate(found)}


def _flat(value: JsonValue, above: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Give every value of a configuration by its dotted name."""
    pairs = value.get("dict") if isinstance(value, Mapping) and len(value) == 1 else None
    if not pairs or isinstance(pairs, str) or not isinstance(pairs, Sequence):
        yield above, value
        return
    for key, item in cast("Sequence[Sequence[JsonValue]]", pairs):
        name = key if isinstance(key, str) else value_text(key)
        yield from _flat(item, f"{above}.{name}" if above else name)


def _targets(providers: Mapping[str, JsonObject], description: JsonObject | None) -> Iterator[str]:
    """Give the names of the providers that a description refers to."""
    if description is None:
        return
    if description.get("kind") == ProviderKind.SELF:
        yield from sorted(providers)
    for value in (description.get("provides"), *[item for key in _PARTS for item in _items(description.get(key))]):
        if isinstance(value, Mapping) and isinstance(name := value.get("provider"), str):
            yield name


def _items(part: JsonValue) -> Iterator[JsonValue]:
    for value in _by_name(part).values():
        yield value[1] if isinstance(value, Sequence) and not isinstance(value, str) else value
