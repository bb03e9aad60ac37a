"""A diagram as a picture: sizes, layout, then primitives from the back to the front."""

from collections.abc import Iterator, Sequence
from math import hypot

from oneml.habitats.graph.drawing import palette
from oneml.habitats.graph.drawing.box_parts import PILLS, box_parts, box_size
from oneml.habitats.graph.drawing.diagram import Box, Diagram, Link, LinkKind
from oneml.habitats.graph.drawing.layout import Direction, Item, Layout, Point, Rect, Route, Wire, lay_out
from oneml.habitats.graph.drawing.legend import legend_of
from oneml.habitats.graph.drawing.primitives import Area, Curve, Group, Panel, Primitive, Scene, Text, moved
from oneml.habitats.graph.drawing.text_width import fitting, shortened, text_width

MARGIN = 20.0
LABELS_MAX = 90
"""Where there are more links, ports are not written on them."""
LABELS_SHOWN = 2
_LABEL_MAX_CHARACTERS = 28
_LABEL_SIZE, _FRAME_SIZE, _HEAD_SIZE, _SUBTITLE_SIZE = 10.0, 11.5, 16.0, 11.5
_HEAD_WIDTH_MIN = 320.0
_ARROW_LENGTH, _ARROW_WIDTH = 7.5, 7.0
_FRAME_TITLE_BASE = 17.0


def scene_of(diagram: Diagram, *, direction: Direction = Direction.AUTO) -> Scene:
    """Return the picture of a diagram.

    Args:
        diagram: What is drawn.
        direction: Where links lead.
    """
    labels = [link_label(link) if len(diagram.links) <= LABELS_MAX else "" for link in diagram.links]
    layout = lay_out(
        [Item(box.name, *box_size(box), box.frame, box.shape in PILLS) for box in diagram.boxes],
        [_wire(link, label) for link, label in zip(diagram.links, labels, strict=True)],
        frames={frame.name: frame.parent for frame in diagram.frames},
        direction=direction,
    )
    head = list(_head(diagram))
    legend = legend_of(diagram, max(layout.width, _HEAD_WIDTH_MIN))
    inner = max([layout.width, legend.width, *(text_width(each.text, each.size, bold=each.bold) for each in head)])
    top = MARGIN + (max(each.at.y for each in head) + 20 if head else 0.0)
    below = top + layout.height + (22 if legend.parts else 0)
    width, height = inner + 2 * MARGIN, below + legend.height + MARGIN
    shift = Point(MARGIN + (inner - layout.width) / 2, top)
    picture = [
        *_frames(diagram, layout),
        *_links(diagram, layout.routes, labels),
        *_frame_titles(diagram, layout),
        *_boxes(diagram, layout),
    ]
    return Scene(
        round(width, 1),
        round(height, 1),
        diagram.title,
        (
            Group("", (Panel(Rect(0, 0, width, height), 10, palette.PAGE),)),
            Group("", tuple(moved(each, Point(MARGIN, MARGIN)) for each in head)),
            *(Group(each.hint, tuple(moved(part, shift) for part in each.parts)) for each in picture),
            Group("", tuple(moved(part, Point(MARGIN, below)) for part in legend.parts)),
        ),
    )


def link_label(link: Link) -> str:
    """Return what is written on a link: ports, as far as there is room."""
    shown = ", ".join(link.labels[:LABELS_SHOWN])
    more = len(link.labels) - LABELS_SHOWN
    return shortened(shown, _LABEL_MAX_CHARACTERS) + (f" +{more}" if more > 0 else "")


def _wire(link: Link, label: str) -> Wire:
    width = text_width(label, _LABEL_SIZE) + 6 if label else 0.0
    return Wire(link.source, link.target, width, _LABEL_SIZE + 4 if label else 0.0, link.kind.value)


def _head(diagram: Diagram) -> Iterator[Text]:
    if diagram.title:
        yield Text(Point(0, _HEAD_SIZE), diagram.title, _HEAD_SIZE, palette.INK, bold=True)
    if diagram.subtitle:
        yield Text(Point(0, _HEAD_SIZE + 18), diagram.subtitle, _SUBTITLE_SIZE, palette.MUTED)


def _frames(diagram: Diagram, layout: Layout) -> Iterator[Group]:
    for frame in diagram.frames:
        panel = Panel(layout.frames[frame.name], 9, palette.FRAME.fill, palette.FRAME.stroke, 1.0)
        yield Group(frame.name, (panel,))


def _frame_titles(diagram: Diagram, layout: Layout) -> Iterator[Group]:
    """Give the titles of frames, which stand in front of links."""
    for frame in diagram.frames:
        rect = layout.frames[frame.name]
        at = Point(rect.x + 12, rect.y + _FRAME_TITLE_BASE)
        words = fitting(frame.title, rect.width - 20, _FRAME_SIZE, bold=True)
        title = Text(at, words, _FRAME_SIZE, palette.MUTED, bold=True, halo=palette.FRAME.fill)
        yield Group(f"{frame.name}\n{frame.title}", (title,))


def _links(diagram: Diagram, routes: Sequence[Route], labels: Sequence[str]) -> Iterator[Group]:
    texts: list[Group] = []
    for link, route, label in zip(diagram.links, routes, labels, strict=True):
        hint = f"{link.source} \N{RIGHTWARDS ARROW} {link.target}"
        if link.labels:
            hint = f"{hint}: {', '.join(link.labels)}"
        dashed = link.kind in {LinkKind.ORDER, LinkKind.PASSED}
        curve = Curve(_short_of_arrow(route.points), palette.LINK, dashed=dashed)
        yield Group(hint, (curve, _arrow(route.points)))
        if route.label is not None:
            middle = Point(route.label.x + route.label.width / 2, route.label.y + route.label.height / 2 + 3.5)
            words = Text(middle, label, _LABEL_SIZE, palette.MUTED, centred=True, halo=palette.PAGE)
            texts.append(Group(hint, (words,)))
    yield from texts


def _short_of_arrow(points: Sequence[Point]) -> Sequence[Point]:
    """Return a line that ends inside its arrow rather than at the tip."""
    (x, y), length = _heading(points), _ARROW_LENGTH * 0.6
    return [*points[:-1], Point(points[-1].x - x * length, points[-1].y - y * length)]


def _arrow(points: Sequence[Point]) -> Area:
    (x, y), tip = _heading(points), points[-1]
    back = Point(tip.x - x * _ARROW_LENGTH, tip.y - y * _ARROW_LENGTH)
    side = _ARROW_WIDTH / 2
    corners = (Point(back.x - y * side, back.y + x * side), Point(back.x + y * side, back.y - x * side))
    return Area((tip, *corners), palette.LINK)


def _heading(points: Sequence[Point]) -> tuple[float, float]:
    """Return the direction in which a line ends."""
    tip = points[-1]
    for point in reversed(points[:-1]):
        length = hypot(tip.x - point.x, tip.y - point.y)
        if length:
            return (tip.x - point.x) / length, (tip.y - point.y) / length
    return 0.0, 1.0


def _boxes(diagram: Diagram, layout: Layout) -> Iterator[Group]:
    for box in diagram.boxes:
        parts: Iterator[Primitive] = box_parts(box, layout.boxes[box.name])
        yield Group(_hint(box), tuple(parts))


def _hint(box: Box) -> str:
    return "\n".join([box.name, *box.lines])
