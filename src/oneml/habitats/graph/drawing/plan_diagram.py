"""The diagram of a plan: a fan-out is one box, namespaces are frames, or one box each where there are many nodes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from oneml.habitats.graph.drawing.diagram import Box, Diagram, Frame, Shape, Tone
from oneml.habitats.graph.drawing.plan_links import plan_links
from oneml.habitats.graph.drawing.text_width import shortened
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.node_path import NodePath, ancestors_of
from oneml.habitats.values.plan import Plan, PlannedNode
from oneml.habitats.values.states import NodeState

BOXES_READABLE = 60
"""Namespaces are folded from the innermost ones on until there are not more boxes."""
LINE_MAX_CHARACTERS = 34
_MULTIPLIED = "\N{MULTIPLICATION SIGN}"
_WORST_FIRST = (
    NodeState.FAILED,
    NodeState.REFUSED,
    NodeState.CANCELLED,
    NodeState.RUNNING,
    NodeState.SKIPPED,
    NodeState.PENDING,
    NodeState.SUCCEEDED,
)


class NodeStatus(NamedTuple):
    """Where a node of a session stands.

    Attributes:
        state: Its state.
        attempt: The attempt that this is about; 0 where none was made.
        seconds: How long its body ran; None where it did not end.
        reused: Whether its outputs were taken over from another session.
        engine: What runs it.
    """

    state: NodeState = NodeState.PENDING
    attempt: int = 0
    seconds: float | None = None
    reused: bool = False
    engine: str = ""


class PlanView(NamedTuple):
    """How much of a plan is shown.

    Attributes:
        depth: So many namespaces stand around a node before it is folded into them; None for as many as are readable,
            or for all where fan-outs are expanded.
        expand: Whether each member of a fan-out is a box.
    """

    depth: int | None = None
    expand: bool = False


@dataclass(slots=True)
class _Group:
    """The nodes that one box stands for."""

    shape: Shape
    nodes: list[PlannedNode] = field(default_factory=list[PlannedNode])


def plan_diagram(
    plan: Plan,
    *,
    title: str,
    subtitle: str = "",
    view: PlanView | None = None,
    statuses: Mapping[NodePath, NodeStatus] | None = None,
) -> Diagram:
    """Return the diagram of a plan.

    Args:
        plan: The plan.
        title: What stands above it.
        subtitle: What stands below that.
        view: How much is shown.
        statuses: Where the nodes of a session stand, all of them; None where it is the diagram of no session.
    """
    shown = view or PlanView()
    folds = _folds(plan, shown)
    groups: dict[NodePath, _Group] = {}
    for path, (box, shape) in folds.items():
        groups.setdefault(box, _Group(shape)).nodes.append(plan.nodes[path])
    boxes = [_box(name, group, statuses) for name, group in groups.items()]
    inputs = [_edge_box(f"input {name}", name, Shape.INPUT) for name in plan.inputs]
    outputs = [_edge_box(f"output {name}", name, Shape.OUTPUT) for name in plan.outputs]
    return Diagram(
        subject="pipeline" if statuses is None else "session",
        title=title,
        subtitle=subtitle,
        boxes=(*inputs, *boxes, *outputs),
        frames=tuple(namespace_frames((box.frame for box in boxes), plan.included)),
        links=tuple(plan_links(plan, {path: box for path, (box, _) in folds.items()})),
    )


def _folds(plan: Plan, view: PlanView) -> Mapping[NodePath, tuple[NodePath, Shape]]:
    """Return the box of each node, and what that stands for."""
    around = {path: ancestors_of(path) for path in plan.nodes}
    deepest = max(map(len, around.values()), default=0)
    depth = deepest if view.depth is None else view.depth
    while True:
        found = {path: _fold(node, around[path], depth, expand=view.expand) for path, node in plan.nodes.items()}
        is_settled = view.depth is not None or view.expand or depth == 0
        if is_settled or len(set(found.values())) <= BOXES_READABLE:
            return found
        depth = min(depth, deepest) - 1


def _fold(node: PlannedNode, around: Sequence[NodePath], depth: int, *, expand: bool) -> tuple[NodePath, Shape]:
    if node.fan_out is not None and not expand and around.index(node.fan_out) <= depth:
        return node.fan_out, Shape.FAN_OUT
    if len(around) > depth:
        return around[depth], Shape.FAN_OUT if around[depth] == node.fan_out else Shape.NAMESPACE
    return node.path, Shape.NODE


def _box(name: NodePath, group: _Group, statuses: Mapping[NodePath, NodeStatus] | None) -> Box:
    around = ancestors_of(name)
    lines = list(_about(name, group))
    found = [] if statuses is None else [statuses[node.path] for node in group.nodes]
    lines.extend(status_lines(found))
    engines = {each.engine for each in found}
    return Box(
        name=name,
        title=_title(name, group),
        lines=tuple(shortened(line, LINE_MAX_CHARACTERS) for line in lines),
        shape=group.shape,
        tone=_tone(found),
        frame=around[-1] if around else "",
        members=len(group.nodes),
        states=state_counts(found),
        seconds=total_seconds(found),
        attempt=found[0].attempt if len(found) == 1 else 0,
        engine=engines.pop() if len(engines) == 1 else "",
    )


def _title(name: NodePath, group: _Group) -> str:
    last = shortened(name.rpartition("/")[2], LINE_MAX_CHARACTERS)
    return f"{last} {_MULTIPLIED}{len(group.nodes)}" if group.shape is Shape.FAN_OUT else last


def _about(name: NodePath, group: _Group) -> Iterator[str]:
    """Give what is told of nodes whatever their state."""
    first, last = group.nodes[0], group.nodes[-1]
    if group.shape is Shape.NAMESPACE:
        yield f"{len(group.nodes)} node{'s'[: len(group.nodes) > 1]}"
        return
    _, provider = split_provider_key(first.provider)
    if provider not in {name.rpartition("/")[2], (first.fan_out or "").rpartition("/")[2]}:
        yield provider
    if group.shape is Shape.FAN_OUT and len(group.nodes) > 1 and first.label:
        yield f"{first.label} \N{HORIZONTAL ELLIPSIS} {last.label}"
    elif first.label:
        yield first.label


def status_lines(found: Sequence[NodeStatus]) -> Iterator[str]:
    """Give where nodes stand, in words; nothing of no nodes."""
    if not found:
        return
    seconds = total_seconds(found)
    if len(found) > 1:
        counts = state_counts(found)
        yield ", ".join(f"{count} {'ok' if state == NodeState.SUCCEEDED else state}" for state, count in counts.items())
        if seconds is not None:
            yield f"{seconds_text(seconds)} in all"
        return
    [only] = found
    words = ["reused" if only.reused else only.state.value]
    if only.attempt > 1:
        words.append(f"attempt {only.attempt}")
    if seconds is not None:
        words.append(seconds_text(seconds))
    yield " \N{MIDDLE DOT} ".join(words)


def total_seconds(found: Sequence[NodeStatus]) -> float | None:
    """Return how long the bodies of nodes ran together; None where none ended."""
    seconds = [each.seconds for each in found if each.seconds is not None]
    return sum(seconds) if seconds else None


def seconds_text(seconds: float) -> str:
    """Return a duration for a person: ``0.25 s``, ``12.3 s``, ``5 min 02 s``, ``3 h 20 min``."""
    if seconds < 10:  # noqa: PLR2004  # three digits are enough
        return f"{seconds:.2f} s"
    if seconds < 60:  # noqa: PLR2004  # a minute
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004  # an hour
        return f"{minutes} min {left:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def state_counts(found: Sequence[NodeStatus]) -> Mapping[str, int]:
    """Return how many nodes are in which state: those that succeeded first, then the worst."""
    counts = Counter(each.state for each in found)
    return {state.value: counts[state] for state in (NodeState.SUCCEEDED, *_WORST_FIRST[:-1]) if counts[state]}


def _tone(found: Sequence[NodeStatus]) -> Tone:
    states = {each.state for each in found}
    return next((Tone(state.value) for state in _WORST_FIRST if state in states), Tone.PLAIN)


def _edge_box(name: str, title: str, shape: Shape) -> Box:
    return Box(name=name, title=shortened(title, LINE_MAX_CHARACTERS), shape=shape, tone=Tone.EDGE, members=0)


def namespace_frames(used: Iterable[str], included: Mapping[NodePath, str]) -> Iterator[Frame]:
    """Give the namespaces that boxes stand in, outer ones first, each of them once.

    Args:
        used: The frames of boxes.
        included: Names of included habitats by the namespace of each.
    """
    spaces = dict.fromkeys(each for path in used if path for each in (*ancestors_of(NodePath(path)), NodePath(path)))
    for space in sorted(spaces, key=lambda each: each.count("/")):
        around, last = ancestors_of(space), space.rpartition("/")[2]
        habitat = included.get(space, last)
        title = last if habitat == last else f"{last} \N{MIDDLE DOT} {habitat}"
        yield Frame(name=space, title=shortened(title, LINE_MAX_CHARACTERS), parent=around[-1] if around else "")
