"""A picture as primitives: what SVG and PNG are written from, so that both look the same."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from oneml.habitats.graph.drawing import palette
from oneml.habitats.graph.drawing.diagram import Box, Diagram, Link, LinkKind, Shape, Tone
from oneml.habitats.graph.drawing.layout import Direction, Item, Layout, Point, Rect, Route, Wire, lay_out
from oneml.habitats.graph.drawing.legend import legend_of
from oneml.habitats.graph.drawing.symbols import SYMBOL_SIZE, symbol_of
from oneml.habitats.graph.drawing.text_width import shortened, text_width

TITLE_SIZE, LINE_SIZE, LABEL_SIZE, HEAD_SIZE, LEGEND_SIZE = 13.0, 11.0, 10.0, 16.0, 11.0
PADDING_ACROSS, PADDING_ALONG = 14.0, 9.0
BOX_MIN_WIDTH = 64.0
MARGIN = 20.0
STACK_STEP = 4.0
LABELS_MAX = 90
"""Where there are more links, ports are not written on them."""
LABEL_MAX_CHARACTERS = 26

Colour: TypeAlias = tuple[str, str]
"""On a light page, and on a dark one."""


class Panel(NamedTuple):
    """A rectangle with round corners."""

    rect: Rect
    radius: float
    fill: Colour
    stroke: Colour | None = None
    width: float = 1.2
    dashed: bool = False


class Curve(NamedTuple):
    """A line: a start and three points for each cubic curve, as `Route.points`."""

    points: Sequence[Point]
    stroke: Colour
    width: float = 1.3
    dashed: bool = False


class Area(NamedTuple):
    """A filled polygon."""

    points: Sequence[Point]
    fill: Colour


class Line(NamedTuple):
    """Straight lines from point to point."""

    points: Sequence[Point]
    stroke: Colour
    width: float = 1.6


class Text(NamedTuple):
    """A line of text; ``y`` is its base line."""

    at: Point
    text: str
    size: float
    fill: Colour
    bold: bool = False
    centred: bool = False
    halo: Colour | None = None


Primitive: TypeAlias = Panel | Curve | Area | Line | Text


class Group(NamedTuple):
    """Primitives that belong together, with what a person is told who points at them."""

    hint: str
    parts: tuple[Primitive, ...]


class Scene(NamedTuple):
    """A picture.

    Attributes:
        width: In pixels.
        height: In pixels.
        title: What it shows.
        groups: From the back to the front.
    """

    width: float
    height: float
    title: str
    groups: tuple[Group, ...]


def scene_of(diagram: Diagram, *, direction: Direction = Direction.AUTO) -> Scene:
    """Return the picture of a diagram.

    Args:
        diagram: What is drawn.
        direction: Where links lead.
    """
    labelled = len(diagram.links) <= LABELS_MAX
    items = [Item(box.name, *_size(box), box.frame) for box in diagram.boxes]
    labels = [link_label(link) if labelled else "" for link in diagram.links]
    wires = [_wire(link, label) for link, label in zip(diagram.links, labels, strict=True)]
    frames = {frame.name: frame.parent for frame in diagram.frames}
    layout = lay_out(items, wires, frames=frames, direction=direction)
    head = list(_head(diagram))
    head_height = sum(text.size + 8 for text in head)
    legend, legend_width, legend_height = legend_of(diagram, max(layout.width, 420.0))
    inner = max([layout.width, legend_width, *(text_width(each.text, each.size, bold=each.bold) for each in head)])
    offset = Point(MARGIN + (inner - layout.width) / 2, MARGIN + head_height + (12 if head else 0))
    groups = [
        Group("", (Panel(Rect(0, 0, 0, 0), 10, palette.PAGE),)),
        *_frame_groups(diagram, layout),
        *_link_groups(diagram, layout.routes, labels),
        *(Group(_hint(box), tuple(_box_parts(box, layout.boxes[box.name]))) for box in diagram.boxes),
    ]
    below = offset.y + layout.height + (18 if legend else 0)
    width, height = inner + 2 * MARGIN, below + legend_height + MARGIN
    page = Group("", (Panel(Rect(0, 0, width, height), 10, palette.PAGE),))
    return Scene(
        round(width, 1),
        round(height, 1),
        diagram.title,
        (
            page,
            Group("", tuple(moved(text, Point(MARGIN, MARGIN)) for text in head)),
            *(Group(each.hint, tuple(moved(part, offset) for part in each.parts)) for each in groups[1:]),
            Group("", tuple(moved(part, Point(MARGIN, below)) for part in legend)),
        ),
    )
