"""A picture as SVG: no font, script or file from elsewhere; light or dark as the reader likes it."""

from collections.abc import Iterator, Sequence
from html import escape

from oneml.habitats.graph.drawing.layout import Point
from oneml.habitats.graph.drawing.primitives import Area, Colour, Curve, Panel, Primitive, Scene, Strokes, Text

_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif"
_DASHES = "5 3"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def svg_text(scene: Scene) -> str:
    """Return a picture as an SVG document."""
    classes: dict[tuple[str, Colour], str] = {}
    body = list(_body(scene, classes))
    width, height = _number(scene.width), _number(scene.height)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="oneml-graph" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" font-family="{_FONTS}">',
            f"<title>{_text(scene.title)}</title>",
            *_styles(classes),
            *body,
            "</svg>",
            "",
        ]
    )


def _styles(classes: dict[tuple[str, Colour], str]) -> Iterator[str]:
    """Give the colours once for light pages and once for dark ones.

    The name of a class is its colours: a page may hold several pictures, whose styles hold for each other.
    """
    light = [f".oneml-graph .{name}{{{attribute}:{colour[0]}}}" for (attribute, colour), name in classes.items()]
    dark = [f".oneml-graph .{name}{{{attribute}:{colour[1]}}}" for (attribute, colour), name in classes.items()]
    yield "<style>"
    yield from light
    yield "@media (prefers-color-scheme:dark){"
    yield from dark
    yield "}"
    yield "</style>"


def _body(scene: Scene, classes: dict[tuple[str, Colour], str]) -> Iterator[str]:
    for group in scene.groups:
        if not group.parts:
            continue
        hint = f"<title>{_text(group.hint)}</title>" if group.hint else ""
        yield f"<g>{hint}"
        for part in group.parts:
            yield _element(part, classes)
        yield "</g>"


def _element(part: Primitive, classes: dict[tuple[str, Colour], str]) -> str:
    if isinstance(part, Panel):
        x, y, width, height = map(_number, part.rect)
        stroke = "" if part.stroke is None else f' stroke-width="{_number(part.width)}"{_dashes(dashed=part.dashed)}'
        return (
            f'<rect {_class(classes, fill=part.fill, stroke=part.stroke)} x="{x}" y="{y}" width="{width}" '
            f'height="{height}" rx="{_number(part.radius)}"{stroke}/>'
        )
    if isinstance(part, Curve):
        return (
            f'<path {_class(classes, stroke=part.stroke)} fill="none" stroke-width="{_number(part.width)}"'
            f'{_dashes(dashed=part.dashed)} d="{_path(part.points)}"/>'
        )
    if isinstance(part, Area):
        return f'<polygon {_class(classes, fill=part.fill)} points="{_points(part.points)}"/>'
    if isinstance(part, Strokes):
        return (
            f'<polyline {_class(classes, stroke=part.stroke)} fill="none" stroke-width="{_number(part.width)}" '
            f'stroke-linecap="round" stroke-linejoin="round" points="{_points(part.points)}"/>'
        )
    return _text_element(part, classes)


def _text_element(part: Text, classes: dict[tuple[str, Colour], str]) -> str:
    anchor = ' text-anchor="middle"' if part.centred else ""
    weight = ' font-weight="600"' if part.bold else ""
    halo = ' stroke-width="3" stroke-linejoin="round" paint-order="stroke"' if part.halo is not None else ""
    return (
        f'<text {_class(classes, fill=part.fill, stroke=part.halo)} x="{_number(part.at.x)}" '
        f'y="{_number(part.at.y)}" font-size="{_number(part.size)}"{anchor}{weight}{halo}>{_text(part.text)}</text>'
    )


def _class(classes: dict[tuple[str, Colour], str], **colours: Colour | None) -> str:
    names = [
        classes.setdefault((attribute, colour), attribute[0] + "".join(colour).replace("#", ""))
        for attribute, colour in colours.items()
        if colour is not None
    ]
    return f'class="{" ".join(names)}"'


def _dashes(*, dashed: bool) -> str:
    return f' stroke-dasharray="{_DASHES}"' if dashed else ""


def _path(points: Sequence[Point]) -> str:
    """Return cubic curves, those that are straight as lines."""
    words = [f"M{_pair(points[0])}"]
    for place in range(1, len(points) - 2, 3):
        before, (one, other, end) = points[place - 1], points[place : place + 3]
        if before.x == one.x == other.x == end.x or before.y == one.y == other.y == end.y:
            words.append(f"L{_pair(end)}")
        else:
            words.append(f"C{_pair(one)} {_pair(other)} {_pair(end)}")
    return "".join(words)


def _points(points: Sequence[Point]) -> str:
    return " ".join(map(_pair, points))


def _pair(point: Point) -> str:
    return f"{_number(point.x)},{_number(point.y)}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    """Return a text as XML may hold it; characters that XML forbids are replaced."""
    return escape("".join(each if _is_allowed(each) else _REPLACEMENT for each in text))


def _is_allowed(character: str) -> bool:
    place = ord(character)
    if place < 0x20:  # noqa: PLR2004  # control characters
        return character in "\t\n\r"
    return not (0xD800 <= place <= 0xDFFF or place in {0xFFFE, 0xFFFF})  # noqa: PLR2004  # surrogates
