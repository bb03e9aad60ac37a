"""A sign for each state, so that nobody needs to tell colours apart: drawn, since fonts may lack it."""

from collections.abc import Iterator, Sequence

from oneml.habitats.graph.drawing.diagram import Tone
from oneml.habitats.graph.drawing.layout import Point
from oneml.habitats.graph.drawing.primitives import Area, Colour, Primitive, Strokes

SYMBOL_SIZE = 10.0

_STROKES: dict[Tone, Sequence[Sequence[tuple[float, float]]]] = {
    Tone.SUCCEEDED: [[(0.05, 0.55), (0.38, 0.9), (0.98, 0.12)]],
    Tone.FAILED: [[(0.08, 0.08), (0.92, 0.92)], [(0.92, 0.08), (0.08, 0.92)]],
    Tone.REFUSED: [
        [(0.3, 0.0), (0.7, 0.0), (1.0, 0.3), (1.0, 0.7), (0.7, 1.0), (0.3, 1.0), (0.0, 0.7), (0.0, 0.3), (0.3, 0.0)],
        [(0.25, 0.5), (0.75, 0.5)],
    ],
    Tone.SKIPPED: [[(0.05, 0.1), (0.45, 0.5), (0.05, 0.9)], [(0.5, 0.1), (0.9, 0.5), (0.5, 0.9)]],
    Tone.PENDING: [[(0.1, 0.0), (0.9, 0.0), (0.1, 1.0), (0.9, 1.0), (0.1, 0.0)]],
}
_AREAS: dict[Tone, Sequence[tuple[float, float]]] = {
    Tone.RUNNING: [(0.15, 0.0), (0.95, 0.5), (0.15, 1.0)],
    Tone.CANCELLED: [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)],
}


def symbol_of(tone: Tone, at: Point, colour: Colour) -> Iterator[Primitive]:
    """Give the sign of a state, nothing for other tones; ``at`` is its upper left corner."""

    def placed(points: Sequence[tuple[float, float]]) -> Sequence[Point]:
        return [Point(at.x + x * SYMBOL_SIZE, at.y + y * SYMBOL_SIZE) for x, y in points]

    for line in _STROKES.get(tone, ()):
        yield Strokes(placed(line), colour)
    if tone in _AREAS:
        yield Area(placed(_AREAS[tone]), colour)
