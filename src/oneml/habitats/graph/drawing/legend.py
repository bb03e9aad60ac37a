"""The legend: only what occurs in the picture, and needs saying."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oneml.habitats.graph.drawing import palette
from oneml.habitats.graph.drawing.box_parts import box_parts
from oneml.habitats.graph.drawing.diagram import Box, Diagram, LinkKind, Shape, Tone
from oneml.habitats.graph.drawing.layout import Point, Rect
from oneml.habitats.graph.drawing.primitives import Curve, Primitive, Text, moved
from oneml.habitats.graph.drawing.symbols import SYMBOL_SIZE, symbol_of
from oneml.habitats.graph.drawing.text_width import text_width

_SIZE = 11.0
_ROW_HEIGHT = 22.0
_SAMPLE = Rect(0, 0, 26, 15)
_GAP, _SPACE = 7.0, 20.0

_SHAPES = {
    Shape.FAN_OUT: "fan-out",
    Shape.NAMESPACE: "folded namespace",
    Shape.INPUT: "input or output",
    Shape.OUTPUT: "input or output",
    Shape.SETTING: "setting",
}
_LINKS = {LinkKind.ORDER: "order, without data", LinkKind.PASSED: "passed as a provider"}


class Legend(NamedTuple):
    """A legend, from its own origin on."""

    parts: tuple[Primitive, ...]
    width: float
    height: float


def legend_of(diagram: Diagram, width: float) -> Legend:
    """Return the legend of a diagram, in as many rows as it needs in a width."""
    x = y = widest = 0.0
    parts: list[Primitive] = []
    for sample, words in _entries(diagram):
        room = _SAMPLE.width + _GAP + text_width(words, _SIZE)
        if x and x + room > width:
            x, y = 0.0, y + _ROW_HEIGHT
        parts.extend(moved(part, Point(x, y)) for part in sample)
        parts.append(Text(Point(x + _SAMPLE.width + _GAP, y + 11.5), words, _SIZE, palette.MUTED))
        x += room + _SPACE
        widest = max(widest, x - _SPACE)
    return Legend(tuple(parts), widest, y + _SAMPLE.height if parts else 0.0)


def _entries(diagram: Diagram) -> Iterator[tuple[Sequence[Primitive], str]]:
    tones = {box.tone for box in diagram.boxes} - {Tone.PLAIN, Tone.EDGE}
    for tone in (tone for tone in Tone if tone in tones):
        box = Box(name="", title="", tone=tone, shape=Shape.PROVIDER)
        corner = Point((_SAMPLE.width - SYMBOL_SIZE) / 2, (_SAMPLE.height - SYMBOL_SIZE) / 2)
        yield [*_outline(box), *symbol_of(tone, corner, palette.BOXES[tone].stroke)], palette.MEANINGS.get(tone, tone)
    told: set[str] = set()
    shapes = {box.shape for box in diagram.boxes}
    for shape, words in _SHAPES.items():
        if shape in shapes and words not in told:
            told.add(words)
            tone = Tone.EDGE if shape in {Shape.INPUT, Shape.OUTPUT} else Tone.PLAIN
            yield _outline(Box(name="", title="", tone=tone, shape=shape)), words
    if any(box.overridden for box in diagram.boxes):
        yield _outline(Box(name="", title="", shape=Shape.PROVIDER, overridden=True)), "overridden"
    kinds = {link.kind for link in diagram.links}
    for kind, words in _LINKS.items():
        if kind in kinds:
            middle = _SAMPLE.height / 2
            points = [Point(0, middle), Point(9, middle), Point(17, middle), Point(_SAMPLE.width, middle)]
            yield [Curve(points, palette.LINK, dashed=True)], words


def _outline(box: Box) -> Sequence[Primitive]:
    return [part for part in box_parts(box, _SAMPLE) if not isinstance(part, Text) and hasattr(part, "rect")]
