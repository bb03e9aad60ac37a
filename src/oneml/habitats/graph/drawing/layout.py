"""Where everything in a picture stands: a pure function from sizes to coordinates, in layers after Sugiyama."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from oneml.habitats.graph.drawing.layers import ranks_of
from oneml.habitats.graph.drawing.mesh import Mesh, build_mesh
from oneml.habitats.graph.drawing.ordering import order_mesh
from oneml.habitats.graph.drawing.placement import place_across
from oneml.habitats.graph.drawing.routing import Bands, bands_of, routes_of

LINE_DOWN_WIDTH = 1200.0
LINE_DOWN_HEIGHT = 900.0
"""A picture that is larger than this is shown smaller; the direction is chosen that needs less of that."""


class Direction(StrEnum):
    """Where wires lead."""

    DOWN = "down"
    RIGHT = "right"
    AUTO = "auto"
    """Whichever leaves more of the picture readable."""


class Item(NamedTuple):
    """A box.

    Attributes:
        name: What it is called in frames and wires.
        width: In pixels.
        height: In pixels.
        frame: The frame that it stands in; empty where in none.
        rounded: Whether its ends are, so that wires must meet the middle of its sides.
    """

    name: str
    width: float
    height: float
    frame: str = ""
    rounded: bool = False


class Wire(NamedTuple):
    """A line from one box to another.

    Attributes:
        source: Name of the box where it starts.
        target: Name of the box where it ends, another one.
        width: Of its label, in pixels; 0 where it has none.
        height: Of its label.
        bundle: Wires of one source and bundle run together as far as they can.
    """

    source: str
    target: str
    width: float = 0.0
    height: float = 0.0
    bundle: str = ""


class Rect(NamedTuple):
    """A rectangle: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Point(NamedTuple):
    """A point; y grows downwards."""

    x: float
    y: float


class Route(NamedTuple):
    """Where a wire runs.

    Attributes:
        points: A start and, for each cubic curve, two control points and an end.
        label: Where its label stands; None where it has none.
    """

    points: tuple[Point, ...]
    label: Rect | None


class Layout(NamedTuple):
    """Where everything stands.

    Attributes:
        width: Of the picture.
        height: Of the picture.
        boxes: Rectangles by name.
        frames: Rectangles by name, outer ones first.
        routes: One for each wire, in their order.
        direction: Where wires lead.
    """

    width: float
    height: float
    boxes: Mapping[str, Rect]
    frames: Mapping[str, Rect]
    routes: tuple[Route, ...]
    direction: Direction


def lay_out(
    items: Sequence[Item],
    wires: Sequence[Wire],
    *,
    frames: Mapping[str, str] | None = None,
    direction: Direction = Direction.AUTO,
) -> Layout:
    """Find a place for everything; the same for the same arguments, in every process.

    Args:
        items: The boxes.
        wires: The lines between them; a cycle is drawn with a line that leads back.
        frames: The frame around each frame, by name; empty for an outermost one.
        direction: Where wires lead.
    """
    parents = dict(frames or {})
    indexes = {item.name: number for number, item in enumerate(items)}
    ends = [(indexes[wire.source], indexes[wire.target]) for wire in wires]
    ranks, turned = ranks_of([item.frame for item in items], ends)
    if direction is Direction.AUTO:
        direction = _fitting(items, wires, ranks)
    down = direction is Direction.DOWN
    mesh = build_mesh(items, wires, ends=ends, turned=turned, ranks=ranks, parents=parents, down=down)
    order_mesh(mesh)
    across = place_across(mesh, down=down)
    bands = bands_of(mesh, across, down=down)
    return _layout(items, mesh, across, bands, direction)


def _fitting(items: Sequence[Item], wires: Sequence[Wire], ranks: Sequence[int]) -> Direction:
    """Return the direction in which less of the picture has to be shown smaller than it is."""
    layers: dict[int, list[Item]] = {}
    for item, rank in zip(items, ranks, strict=True):
        layers.setdefault(rank, []).append(item)
    labels = max((wire.width for wire in wires), default=0.0)
    found = layers.values()
    down_width = max((sum(item.width + 30 for item in layer) for layer in found), default=0.0)
    down_height = sum(max(item.height for item in layer) + 70 for layer in found)
    right_width = sum(max(item.width for item in layer) + 60 + labels for layer in found)
    right_height = max((sum(item.height + 24 for item in layer) for layer in found), default=0.0)
    down = min(1.0, LINE_DOWN_WIDTH / max(down_width, 1.0), LINE_DOWN_HEIGHT / max(down_height, 1.0))
    right = min(1.0, LINE_DOWN_WIDTH / max(right_width, 1.0), LINE_DOWN_HEIGHT / max(right_height, 1.0))
    return Direction.DOWN if down >= right else Direction.RIGHT


def _layout(items: Sequence[Item], mesh: Mesh, across: Sequence[float], bands: Bands, direction: Direction) -> Layout:
    down = direction is Direction.DOWN

    def rect(low: float, high: float, start: float, end: float) -> Rect:
        found = Rect(low, start, high - low, end - start)
        return found if down else Rect(found.y, found.x, found.height, found.width)

    def point(x: float, y: float) -> Point:
        return Point(x, y) if down else Point(y, x)

    boxes: dict[str, Rect] = {}
    for number, item in enumerate(items):
        middle, half = across[number], mesh.elements[number].across / 2
        start, end = bands.span_of(number)
        boxes[item.name] = rect(middle - half, middle + half, start, end)
    frames = {
        name: rect(*mesh.frame_sides(name, across), *bands.frames[name]) for name in mesh.frames if name in bands.frames
    }
    routes: list[Route] = []
    for line, label in routes_of(mesh, across, bands):
        box = None
        if label is not None:
            element, middle, centre = mesh.elements[label], across[label], bands.middle_of(label)
            sizes = element.across / 2, element.along / 2
            box = rect(middle - sizes[0], middle + sizes[0], centre - sizes[1], centre + sizes[1])
        routes.append(Route(tuple(point(x, y) for x, y in line), box))
    return _from_origin(boxes, frames, tuple(routes), direction)


def _from_origin(
    boxes: Mapping[str, Rect], frames: Mapping[str, Rect], routes: tuple[Route, ...], direction: Direction
) -> Layout:
    """Return the layout moved so that its upper left corner is the origin."""
    rects = [*boxes.values(), *frames.values(), *(route.label for route in routes if route.label is not None)]
    points = [point for route in routes for point in route.points]
    left = min([*(each.x for each in rects), *(each.x for each in points)], default=0.0)
    top = min([*(each.y for each in rects), *(each.y for each in points)], default=0.0)
    right = max([*(each.x + each.width for each in rects), *(each.x for each in points)], default=0.0)
    bottom = max([*(each.y + each.height for each in rects), *(each.y for each in points)], default=0.0)

    def moved(found: Rect) -> Rect:
        return Rect(round(found.x - left, 1), round(found.y - top, 1), round(found.width, 1), round(found.height, 1))

    return Layout(
        round(right - left, 1),
        round(bottom - top, 1),
        {name: moved(found) for name, found in boxes.items()},
        {name: moved(found) for name, found in frames.items()},
        tuple(
            Route(
                tuple(Point(round(point.x - left, 1), round(point.y - top, 1)) for point in route.points),
                None if route.label is None else moved(route.label),
            )
            for route in routes
        ),
        direction,
    )
