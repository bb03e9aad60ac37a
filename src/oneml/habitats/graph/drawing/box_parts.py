"""One box as primitives: its outline, which tells what it stands for, its sign and its texts."""

from collections.abc import Iterator

from oneml.habitats.graph.drawing import palette
from oneml.habitats.graph.drawing.diagram import Box, Shape
from oneml.habitats.graph.drawing.layout import Point, Rect
from oneml.habitats.graph.drawing.primitives import Panel, Primitive, Text
from oneml.habitats.graph.drawing.symbols import SYMBOL_SIZE, symbol_of
from oneml.habitats.graph.drawing.text_width import text_width

TITLE_SIZE, LINE_SIZE = 13.0, 11.0
LINE_HEIGHT = 15.0
STACK_STEP = 4.0
_PADDING_ACROSS, _PADDING_ALONG = 14.0, 9.0
_MIN_WIDTH = 60.0
PILLS = frozenset({Shape.INPUT, Shape.OUTPUT, Shape.SETTING})
_RADIUS = 7.0


def box_size(box: Box) -> tuple[float, float]:
    """Return how wide and how high a box must be for its texts."""
    symbol = (SYMBOL_SIZE + 7) if _has_symbol(box) else 0.0
    title = text_width(box.title, TITLE_SIZE, bold=box.shape not in PILLS) + symbol
    inner = max([title, *(text_width(line, LINE_SIZE) for line in box.lines)])
    stack = 2 * STACK_STEP if box.shape is Shape.FAN_OUT else 0.0
    height = 2 * _PADDING_ALONG + TITLE_SIZE + 2 + LINE_HEIGHT * len(box.lines)
    return max(_MIN_WIDTH, round(inner + 2 * _PADDING_ACROSS)) + stack, height + stack


def box_parts(box: Box, rect: Rect) -> Iterator[Primitive]:
    """Give what a box in a place consists of."""
    colours = palette.BOXES[box.tone]
    stroke = palette.OVERRIDE if box.overridden else colours.stroke
    width = 2.4 if box.overridden else 1.3
    dashed = box.tone in palette.DASHED or box.overridden
    front = rect
    if box.shape is Shape.FAN_OUT:
        small = rect._replace(width=rect.width - 2 * STACK_STEP, height=rect.height - 2 * STACK_STEP)
        for step in (2, 1):
            behind = small._replace(x=rect.x + step * STACK_STEP, y=rect.y + (2 - step) * STACK_STEP)
            yield Panel(behind, _RADIUS, colours.fill, stroke)
        front = small._replace(y=rect.y + 2 * STACK_STEP)
    radius = front.height / 2 if box.shape in PILLS else _RADIUS
    yield Panel(front, radius, colours.fill, stroke, width, dashed)
    if box.shape is Shape.NAMESPACE:
        inner = Rect(front.x + 3, front.y + 3, front.width - 6, front.height - 6)
        yield Panel(inner, _RADIUS - 2, colours.fill, stroke, 0.7, dashed)
    yield from _texts(box, front)


def _texts(box: Box, front: Rect) -> Iterator[Primitive]:
    bold = box.shape not in PILLS
    middle = front.x + front.width / 2
    base = front.y + (front.height - TITLE_SIZE - 2 - LINE_HEIGHT * len(box.lines)) / 2 + TITLE_SIZE - 1
    if _has_symbol(box):
        room = SYMBOL_SIZE + 7
        width = text_width(box.title, TITLE_SIZE, bold=bold)
        start = middle - (width + room) / 2
        yield from symbol_of(box.tone, Point(start, base - SYMBOL_SIZE), palette.BOXES[box.tone].stroke)
        middle += room / 2
    yield Text(Point(middle, base), box.title, TITLE_SIZE, palette.INK, bold=bold, centred=True)
    for number, line in enumerate(box.lines):
        at = Point(front.x + front.width / 2, base + LINE_HEIGHT * (number + 1) + 1)
        yield Text(at, line, LINE_SIZE, palette.MUTED, centred=True)


def _has_symbol(box: Box) -> bool:
    return next(symbol_of(box.tone, Point(0, 0), palette.INK), None) is not None
