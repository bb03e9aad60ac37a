"""A picture as PNG: shapes drawn large and reduced, texts drawn on them in the fonts that come with the libraries."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from itertools import pairwise
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING

from oneml.habitats.errors import MissingLibraryError
from oneml.habitats.graph.drawing.layout import Point
from oneml.habitats.graph.drawing.primitives import Area, Colour, Curve, Panel, Scene, Strokes, Text

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

SCALE_MAX = 2.0
PIXELS_MAX = 24_000_000
"""A picture with more pixels is drawn smaller."""
_OVERSAMPLING_PIXELS_MAX = 80_000_000
_CURVE_STEPS = 14
_DASH, _SPACE = 5.0, 3.0


def png_bytes(scene: Scene) -> bytes:
    """Return a picture, light, as a PNG file.

    Raises:
        MissingLibraryError: Pillow is not installed.
    """
    try:
        from PIL import Image  # noqa: PLC0415  # only where a PNG is asked for
    except ModuleNotFoundError as error:
        raise MissingLibraryError(library="pillow", extra="images") from error
    scale = min(SCALE_MAX, (PIXELS_MAX / (scene.width * scene.height)) ** 0.5)
    pixels = scene.width * scene.height * scale * scale
    factor = 2 if pixels * 4 <= _OVERSAMPLING_PIXELS_MAX else 1
    size = round(scene.width * scale), round(scene.height * scale)
    image = Image.new("RGB", (size[0] * factor, size[1] * factor), "white")
    _Shapes(image, scale * factor).draw(scene)
    if factor > 1:
        image = image.resize(size, Image.Resampling.BOX)
    _draw_texts(image, scene, scale)
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


class _Shapes:
    """Draws everything but texts."""

    def __init__(self, image: "Image.Image", scale: float) -> None:
        from PIL import ImageDraw  # noqa: PLC0415  # only where a PNG is asked for

        self._draw: ImageDraw.ImageDraw = ImageDraw.Draw(image)
        self._scale = scale

    def draw(self, scene: Scene) -> None:
        for part in (part for group in scene.groups for part in group.parts):
            if isinstance(part, Panel):
                self._panel(part)
            elif isinstance(part, Curve):
                self._line(list(_flattened(part.points)), part.stroke, part.width, dashed=part.dashed)
            elif isinstance(part, Strokes):
                self._line(list(part.points), part.stroke, part.width, dashed=False)
            elif isinstance(part, Area):
                self._draw.polygon([self._at(point) for point in part.points], fill=part.fill[0])

    def _at(self, point: Point) -> tuple[float, float]:
        return point.x * self._scale, point.y * self._scale

    def _panel(self, panel: Panel) -> None:
        x, y, width, height = panel.rect
        corners = [*self._at(Point(x, y)), *self._at(Point(x + width, y + height))]
        radius = min(panel.radius, width / 2, height / 2) * self._scale
        outline = panel.stroke is not None and not panel.dashed
        self._draw.rounded_rectangle(
            corners,
            radius,
            fill=panel.fill[0],
            outline=panel.stroke[0] if outline and panel.stroke is not None else None,
            width=max(1, round(panel.width * self._scale)),
        )
        if panel.stroke is not None and panel.dashed:
            self._line(list(_outline(panel)), panel.stroke, panel.width, dashed=True)

    def _line(self, points: list[Point], stroke: Colour, width: float, *, dashed: bool) -> None:
        pixels = max(1, round(width * self._scale))
        for piece in _dashes(points) if dashed else [points]:
            self._draw.line([self._at(point) for point in piece], fill=stroke[0], width=pixels, joint="curve")


def _draw_texts(image: "Image.Image", scene: Scene, scale: float) -> None:
    from PIL import ImageDraw  # noqa: PLC0415  # only where a PNG is asked for

    draw = ImageDraw.Draw(image)
    for part in (part for group in scene.groups for part in group.parts):
        if isinstance(part, Text):
            draw.text(
                (part.at.x * scale, part.at.y * scale),
                part.text,
                fill=part.fill[0],
                font=_font(part.size * scale, bold=part.bold),
                anchor="ms" if part.centred else "ls",
                stroke_width=0 if part.halo is None else round(1.5 * scale),
                stroke_fill=None if part.halo is None else part.halo[0],
            )


@cache
def _font(size: float, *, bold: bool) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    """Return DejaVu Sans, which matplotlib brings along, else what Pillow has: no font of the system."""
    from PIL import ImageFont  # noqa: PLC0415  # only where a PNG is asked for

    found = find_spec("matplotlib")
    if found is not None and found.origin is not None:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        file = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        if file.exists():
            return ImageFont.truetype(str(file), size)
    return ImageFont.load_default(size)


def _flattened(points: Sequence[Point]) -> Iterator[Point]:
    """Give points on cubic curves."""
    yield points[0]
    for place in range(1, len(points) - 2, 3):
        start, (one, other, end) = points[place - 1], points[place : place + 3]
        if start.x == end.x or start.y == end.y:
            yield end
            continue
        for step in range(1, _CURVE_STEPS + 1):
            t = step / _CURVE_STEPS
            shares = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            corners = (start, one, other, end)
            yield Point(
                sum(share * point.x for share, point in zip(shares, corners, strict=True)),
                sum(share * point.y for share, point in zip(shares, corners, strict=True)),
            )


def _outline(panel: Panel) -> Iterator[Point]:
    """Give points on the outline of a rectangle with round corners."""
    x, y, width, height = panel.rect
    radius = min(panel.radius, width / 2, height / 2)
    bend = radius * 0.45
    right, bottom = x + width, y + height
    corners = [
        (Point(right, y), Point(-1, 0), Point(0, 1)),
        (Point(right, bottom), Point(0, -1), Point(-1, 0)),
        (Point(x, bottom), Point(1, 0), Point(0, -1)),
        (Point(x, y), Point(0, 1), Point(1, 0)),
    ]
    yield Point(x + radius, y)
    for corner, back, on in corners:
        shares = (back, radius), (back, bend), (on, bend), (on, radius)
        yield from _flattened([Point(corner.x + way.x * far, corner.y + way.y * far) for way, far in shares])
    yield Point(x + radius, y)


def _dashes(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Give the pieces of a line that are drawn where it is dashed."""
    drawn, left = True, _DASH
    piece = [points[0]]
    for before, after in pairwise(points):
        at, length = before, hypot(after.x - before.x, after.y - before.y)
        while length > left:
            share = left / length
            at = Point(at.x + (after.x - at.x) * share, at.y + (after.y - at.y) * share)
            length -= left
            piece.append(at)
            if drawn:
                yield piece
            drawn, left, piece = not drawn, _SPACE if drawn else _DASH, [at]
        left -= length
        piece.append(after)
    if drawn and len(piece) > 1:
        yield piece
