"""The diagram of an object graph: which object is injected where, what keeps it, and what stands for what.

It is made from what `GraphDescription` says of providers, which also stands in the recipe of a session: so that of a
session made elsewhere can be drawn, and nothing is imported or built.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from oneml.habitats.graph.drawing.diagram import Box, Diagram, Link, LinkKind, Shape, Tone
from oneml.habitats.graph.drawing.plan_diagram import (
    BOXES_READABLE,
    LINE_MAX_CHARACTERS,
    NodeStatus,
    state_counts,
    status_lines,
    total_seconds,
)
from oneml.habitats.graph.drawing.provider_frames import folded, frame_of, own_name, provider_frames
from oneml.habitats.graph.drawing.text_width import shortened
from oneml.habitats.values.include_paths import provider_key
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan, PlannedNode

ARGUMENTS_SHOWN = 3
BODIES_SHOWN = 2
_CONTAINER = "container"
_OVERRIDDEN = frozenset({"overridden", "replaced"})
_TONES = {"process": Tone.PROCESS_SCOPE, "session": Tone.SESSION_SCOPE, "node": Tone.NODE_SCOPE}
_Providers: TypeAlias = Mapping[str, JsonObject]


def object_diagram(
    providers: _Providers,
    *,
    plan: Plan,
    title: str,
    subtitle: str = "",
    depth: int | None = None,
    statuses: Mapping[NodePath, NodeStatus] | None = None,
) -> Diagram:
    """Return the diagram of an object graph.

    Args:
        providers: The description of each provider, by its name; see `GraphDescription.providers`.
        plan: The nodes whose bodies they give.
        title: What stands above it.
        subtitle: What stands below that.
        depth: So many containers stand around a provider before it is folded into them; None for as many as are
            readable.
        statuses: Where each node stands, of a session; None of what has none.
    """
    shown = _shown(providers)
    names = folded(shown, depth, most=BOXES_READABLE)
    bodies: dict[str, list[PlannedNode]] = {}
    for node in plan.nodes.values():
        bodies.setdefault(node.provider, []).append(node)
    inside: dict[str, list[str]] = {}
    for name, box in names.items():
        inside.setdefault(box, []).append(name)
    boxes = [
        _provider(name, shown[name], bodies.get(name, ()), statuses or {})
        if members == [name]
        else _folded(name, members)
        for name, members in inside.items()
    ]
    return Diagram(
        subject="objects",
        title=title,
        subtitle=subtitle,
        boxes=tuple(boxes),
        frames=tuple(provider_frames((box.frame for box in boxes), plan.included)),
        links=tuple(_links(shown, names)),
    )


def qualified(content: JsonObject, include: NodePath) -> JsonObject:
    """Return the description of a provider of an included habitat, which names others as the whole session does.

    Args:
        content: The description.
        include: The path of the included habitat.
    """

    def renamed(value: JsonValue) -> JsonValue:
        if isinstance(value, Mapping):
            other = value.get("provider")
            if isinstance(other, str) and isinstance(value.get("lazy"), bool):
                return {**value, "provider": provider_key(include, other)}
            return {key: renamed(each) for key, each in value.items()}
        return [renamed(each) for each in value] if isinstance(value, list | tuple) else value

    return {key: renamed(each) for key, each in content.items()}


def _shown(providers: _Providers) -> _Providers:
    """Return the providers without nested containers that nothing is given: a frame shows those."""
    given = {other for content in providers.values() for _, other, _ in _references(content)}
    return {name: each for name, each in providers.items() if each.get("kind") != _CONTAINER or name in given}


def _provider(
    name: str, content: JsonObject, bodies: Sequence[PlannedNode], statuses: Mapping[NodePath, NodeStatus]
) -> Box:
    tone = _TONES.get(str(content.get("lifetime")), Tone.EACH_USE)
    if content.get("kind") == "setting":
        _, _, field = str(content.get("setting")).partition(".")
        return Box(name=name, title=_line(field), shape=Shape.SETTING, tone=tone, frame=frame_of(name))
    lines = [_line(line) for line in _about(content)]
    if bodies:
        lines.append(_line(_runs(list(dict.fromkeys(node.fan_out or node.path for node in bodies)))))
    found = [statuses[node.path] for node in bodies if node.path in statuses]
    lines.extend(_line(line) for line in status_lines(found))
    return Box(
        name=name,
        title=_line(own_name(name)),
        lines=tuple(lines),
        shape=Shape.PROVIDER,
        tone=tone,
        frame=frame_of(name),
        overridden=content.get("kind") in _OVERRIDDEN,
        states=state_counts(found),
        seconds=total_seconds(found),
    )


def _folded(name: str, members: Sequence[str]) -> Box:
    return Box(
        name=name,
        title=_line(own_name(name)),
        lines=(f"{len(members)} providers",),
        shape=Shape.NAMESPACE,
        frame=frame_of(name),
        members=len(members),
    )


def _about(content: JsonObject) -> Iterator[str]:
    """Give what a provider makes, how, and from which plain values."""
    target = content.get("target")
    made = _short(target if isinstance(target, str) else _imported(content.get("provides")))
    kind = _short(content.get("class"))
    yield f"{made} \N{MIDDLE DOT} {kind}" if made else kind
    override = content.get("override")
    if isinstance(override, Mapping):
        yield f"replaced by {_replacement(override)}"
    elif content.get("kind") in _OVERRIDDEN:
        yield "overridden"
    given = content.get("kwargs")
    if isinstance(given, Mapping):
        plain = [f"{key}={value!r}" for key, value in given.items() if isinstance(value, str | int | float | None)]
        yield from plain[:ARGUMENTS_SHOWN]


def _replacement(override: Mapping[str, JsonValue]) -> str:
    if "reference" in override:
        return _short(override["reference"])
    if "value" in override:
        return repr(override["value"])
    return str(override.get("unproven", "something else"))


def _imported(value: JsonValue) -> str:
    found = value.get("import") if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def _short(path: JsonValue) -> str:
    """Return the last part of ``module:Qualified.Name``."""
    return str(path or "").rpartition(":")[2].rpartition(".")[2]


def _runs(bodies: Sequence[str]) -> str:
    """Return which nodes a provider gives the bodies of: as many as fit whole, and the first at least."""
    shown = min(len(bodies), BODIES_SHOWN)
    while shown > 1 and len(f"runs {', '.join(bodies[:shown])} +{len(bodies)}") > LINE_MAX_CHARACTERS:
        shown -= 1
    more = f" +{len(bodies) - shown}" if len(bodies) > shown else ""
    return f"runs {shortened(', '.join(bodies[:shown]), LINE_MAX_CHARACTERS - len('runs ') - len(more))}{more}"


def _line(text: str) -> str:
    return shortened(text, LINE_MAX_CHARACTERS)


def _links(providers: _Providers, names: Mapping[str, str]) -> Iterator[Link]:
    """Give what is injected where: from what is given to what it is given to."""
    labels: dict[tuple[str, str], dict[str, None]] = {}
    passed: dict[tuple[str, str], bool] = {}
    for name, content in providers.items():
        for label, other, lazy in _references(content):
            ends = names[other], names[name]
            if ends[0] == ends[1]:
                continue
            found = labels.setdefault(ends, {})
            if label not in {own_name(other).rpartition(".")[2], ""}:
                found[label] = None
            passed[ends] = passed.get(ends, True) and lazy
    for (source, target), found in labels.items():
        kind = LinkKind.PASSED if passed[source, target] else LinkKind.INJECTED
        yield Link(source=source, target=target, kind=kind, labels=tuple(sorted(found)))


def _references(content: JsonObject) -> Iterator[tuple[str, str, bool]]:
    """Give every other provider that a description names: the argument that it is, its name, whether it is passed."""
    keys = ("provides", "args", "kwargs", "attributes", "members")
    for key in keys[:-1] if content.get("kind") == _CONTAINER else keys:
        yield from _inside(content.get(key), "")


def _inside(value: JsonValue, label: str) -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, Mapping):
        other, lazy = value.get("provider"), value.get("lazy")
        if isinstance(other, str) and isinstance(lazy, bool):
            yield label, other, lazy
            return
        for key, each in value.items():
            yield from _inside(each, key)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _inside(each, label)
