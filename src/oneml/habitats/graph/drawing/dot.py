"""A diagram in the language of Graphviz, for those who have it."""

from collections.abc import Iterator, Mapping, Sequence

from oneml.habitats.graph.drawing import palette
from oneml.habitats.graph.drawing.diagram import Box, Diagram, LinkKind, Shape
from oneml.habitats.graph.drawing.layout import Direction

_SHAPES = {
    Shape.NODE: 'shape=box, style="rounded,filled"',
    Shape.PROVIDER: 'shape=box, style="rounded,filled"',
    Shape.FAN_OUT: 'shape=box3d, style="filled"',
    Shape.NAMESPACE: 'shape=box, peripheries=2, style="filled"',
    Shape.INPUT: 'shape=ellipse, style="filled"',
    Shape.OUTPUT: 'shape=ellipse, style="filled"',
    Shape.SETTING: 'shape=ellipse, style="filled"',
}
_FORBIDDEN = {place: None for place in range(32) if place != ord("\n")}


def dot_text(diagram: Diagram, *, direction: Direction = Direction.AUTO) -> str:
    """Return a diagram as a Graphviz digraph.

    Args:
        diagram: What is drawn.
        direction: Where links lead; down unless it is right.
    """
    return "\n".join([*_lines(diagram, direction), ""])


def quoted(text: str) -> str:
    r"""Return a text in quotes. A backslash starts an escape there (``\N``, ``\l``), and ``&`` an HTML entity."""
    safe = text.translate(_FORBIDDEN).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + safe.replace("\n", "\\n") + '"'


def _lines(diagram: Diagram, direction: Direction) -> Iterator[str]:
    yield f"digraph {quoted(diagram.title)} {{"
    yield f"  rankdir={'LR' if direction is Direction.RIGHT else 'TB'}; compound=true; labelloc=t;"
    head = "\n".join(filter(None, (diagram.title, diagram.subtitle)))
    yield f"  label={quoted(head)};"
    yield '  graph [fontname="Helvetica"]; node [fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=10];'
    yield from _content(diagram, "", diagram.boxes_by_frame(), 1)
    for link in diagram.links:
        dashed = ", style=dashed" if link.kind in {LinkKind.ORDER, LinkKind.PASSED} else ""
        label = quoted(", ".join(link.labels))
        yield f'  {quoted(link.source)} -> {quoted(link.target)} [label={label}, color="{palette.LINK[0]}"{dashed}];'
    yield "}"


def _content(diagram: Diagram, frame: str, inside: Mapping[str, Sequence[Box]], level: int) -> Iterator[str]:
    indent = "  " * level
    for box in inside.get(frame, ()):
        colours = palette.BOXES[box.tone]
        stroke = palette.OVERRIDE[0] if box.overridden else colours.stroke[0]
        width = ", penwidth=3" if box.overridden else ""
        label = quoted("\n".join((box.title, *box.lines)))
        yield (
            f"{indent}{quoted(box.name)} [label={label}, {_SHAPES[box.shape]}, "
            f'fillcolor="{colours.fill[0]}", color="{stroke}"{width}];'
        )
    for number, each in enumerate(diagram.frames):
        if each.parent == frame:
            yield f"{indent}subgraph cluster_{number} {{"
            yield f'{indent}  label={quoted(each.title)}; style="rounded"; color="{palette.FRAME.stroke[0]}";'
            yield from _content(diagram, each.name, inside, level + 1)
            yield f"{indent}}}"
