"""The links between the boxes of a plan: whatever joins two boxes is one link."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TypeAlias

from oneml.habitats.graph.drawing.diagram import Link, LinkKind
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import (
    SINGLE_PORT,
    ExternalSource,
    GatherSource,
    InputSource,
    LiteralSource,
    Plan,
    PortSource,
)

_Pair: TypeAlias = tuple[str, str]
_Boxes: TypeAlias = Mapping[NodePath, NodePath]


def plan_links(plan: Plan, boxes: _Boxes) -> Iterator[Link]:
    """Give the links between boxes: each pair of them once for data, else once for order.

    Args:
        plan: The plan.
        boxes: The box of each node. Inputs and outputs of the pipeline are ``input NAME`` and ``output NAME``.
    """
    ports: dict[_Pair, dict[str, None]] = {}
    for pair, label in chain(_into_nodes(plan, boxes), _into_outputs(plan, boxes)):
        ports.setdefault(pair, {})[label] = None
    for (source, target), labels in ports.items():
        yield Link(source=source, target=target, labels=tuple(sorted(filter(None, labels))))
    for source, target in dict.fromkeys(_orders(plan, boxes)):
        if (source, target) not in ports:
            yield Link(source=source, target=target, kind=LinkKind.ORDER)


def _into_nodes(plan: Plan, boxes: _Boxes) -> Iterator[tuple[_Pair, str]]:
    for path, node in plan.nodes.items():
        for name, source in node.inputs.items():
            for start, label in _ends(source, name, boxes):
                if start != boxes[path]:
                    yield (start, boxes[path]), label


def _into_outputs(plan: Plan, boxes: _Boxes) -> Iterator[tuple[_Pair, str]]:
    for name, source in plan.outputs.items():
        for start, label in _ends(source, name, boxes):
            yield (start, f"output {name}"), "" if label == name else label


def _orders(plan: Plan, boxes: _Boxes) -> Iterator[_Pair]:
    for path, node in plan.nodes.items():
        for upper in node.after:
            if boxes[upper] != boxes[path]:
                yield boxes[upper], boxes[path]


def _ends(source: InputSource, name: str, boxes: _Boxes) -> Iterator[tuple[str, str]]:
    """Give the box that feeds an input, and what to write on the link."""
    if isinstance(source, LiteralSource):
        return
    if isinstance(source, ExternalSource):
        yield f"input {source.name}", "" if source.name == name else name
    elif isinstance(source, GatherSource):
        for item in source.items:
            yield from _ends(item, name, boxes)
    elif isinstance(source, PortSource) and source.port not in {SINGLE_PORT, name}:
        yield boxes[source.node], f"{source.port} \N{RIGHTWARDS ARROW} {name}"
    else:
        yield boxes[source.node], name
