"""Where the DAGs of two sessions differ: nodes, what feeds them, and what comes from outside."""

from collections.abc import Iterator, Mapping, Sequence

from oneml.habitats.sessions.port_texts import record_text
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.place import Place
from oneml.habitats.values.plan import (
    ExternalSource,
    GatherSource,
    InputSource,
    LiteralSource,
    Plan,
    PlannedNode,
    PortSource,
)

LITERAL_MAX_CHARACTERS = 200


def plan_drifts(
    first: Plan, second: Plan, first_inputs: Mapping[str, PortRecord], second_inputs: Mapping[str, PortRecord]
) -> Sequence[Drift]:
    """Return the differences, in the order of the first plan; what only the second has comes last.

    Args:
        first: The one plan.
        second: The other.
        first_inputs: What was given to the inputs of the first pipeline.
        second_inputs: The same of the second.
    """
    return [
        *_inputs(first, second, first_inputs, second_inputs),
        *_nodes(first, second),
        *_sources("output", first.outputs, second.outputs),
    ]


def _inputs(
    first: Plan, second: Plan, one: Mapping[str, PortRecord], other: Mapping[str, PortRecord]
) -> Iterator[Drift]:
    for name in sorted(first.inputs.keys() | second.inputs.keys()):
        before, now = first.inputs.get(name), second.inputs.get(name)
        if before is None or now is None or before.form != now.form:
            yield Drift(
                "input", name, "type", None if before is None else before.form, None if now is None else now.form
            )
        given, taken = one.get(name), other.get(name)
        if (given and given[:4]) != (taken and taken[:4]):
            yield Drift("input", name, "value", record_text(given), record_text(taken))


def _nodes(first: Plan, second: Plan) -> Iterator[Drift]:
    for path, node in first.nodes.items():
        other = second.nodes.get(path)
        if other is None:
            yield Drift("node", path, "", _summary(node), None, _place(node.place))
        else:
            yield from _node(node, other)
    for path, node in second.nodes.items():
        if path not in first.nodes:
            yield Drift("node", path, "", None, _summary(node), "", _place(node.place))


def _node(one: PlannedNode, other: PlannedNode) -> Iterator[Drift]:
    places = _place(one.place), _place(other.place)
    compared = (
        ("provider", one.provider, other.provider),
        ("outputs", ", ".join(one.outputs), ", ".join(other.outputs)),
        ("result", one.whole, other.whole),
        ("after", ", ".join(sorted(one.after)), ", ".join(sorted(other.after))),
    )
    for field, before, now in compared:
        if before != now:
            yield Drift("node", one.path, field, before or None, now or None, *places)
    for drift in _sources("node", one.inputs, other.inputs):
        yield drift._replace(
            subject=one.path, field=f"input {drift.subject}", expected_source=places[0], found_source=places[1]
        )


def _sources(kind: str, one: Mapping[str, InputSource], other: Mapping[str, InputSource]) -> Iterator[Drift]:
    for name in sorted(one.keys() | other.keys()):
        before, now = one.get(name), other.get(name)
        if before != now or _text(before) != _text(now):  # 1 == 1.0 == True
            yield Drift(kind, name, "", _text(before), _text(now))


def _summary(node: PlannedNode) -> str:
    return f"{node.provider} ({node.label})" if node.label else node.provider


def _text(source: InputSource | None) -> str | None:
    if source is None:
        return None
    if isinstance(source, LiteralSource):
        return canonical_json(source.json).decode()[:LITERAL_MAX_CHARACTERS]
    if isinstance(source, ExternalSource):
        return f"input {source.name}"
    if isinstance(source, GatherSource):
        return f"[{', '.join(str(_text(item)) for item in source.items)}]"
    return f"{source.node}.{source.port}" if isinstance(source, PortSource) else source.node


def _place(place: Place | None) -> str:
    return "" if place is None else str(place)
