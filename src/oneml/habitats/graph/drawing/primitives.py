"""What a picture consists of: a few primitives, from which SVG and PNG are written."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from oneml.habitats.graph.drawing.layout import Point, Rect

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


class Strokes(NamedTuple):
    """Straight lines from point to point."""

    points: Sequence[Point]
    stroke: Colour
    width: float = 1.7


class Text(NamedTuple):
    """A line of text.

    Attributes:
        at: Its start, or its middle where it is centred, on its base line.
        text: The line.
        size: Of the font.
        fill: Its colour.
        bold: Whether the font is.
        centred: Whether ``at`` is its middle.
        halo: What it stands on, where lines may pass behind it.
    """

    at: Point
    text: str
    size: float
    fill: Colour
    bold: bool = False
    centred: bool = False
    halo: Colour | None = None


Primitive: TypeAlias = Panel | Curve | Area | Strokes | Text


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


def moved(part: Primitive, by: Point) -> Primitive:
    """Return a primitive that stands so much further to the right and below."""
    if isinstance(part, Panel):
        return part._replace(rect=part.rect._replace(x=part.rect.x + by.x, y=part.rect.y + by.y))
    if isinstance(part, Text):
        return part._replace(at=Point(part.at.x + by.x, part.at.y + by.y))
    return part._replace(points=[Point(point.x + by.x, point.y + by.y) for point in part.points])
