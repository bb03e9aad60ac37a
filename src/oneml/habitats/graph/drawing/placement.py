"""Places across the layers: near to neighbours, as far as distances to the left and the right allow.

Elements and both sides of frames are variables; in every layer each is so much larger than the one before it. That is a
graph without cycles. Where everything is pushed to the right until it fits, that is a solution; pushed to the left
another one; and so is the middle between them, which pushes either side as far as the other.

Sums are exact (`math.fsum`), so that places are the same in every version of Python.
"""

from collections.abc import Iterator, Sequence
from math import fsum
from typing import NamedTuple

from oneml.habitats.graph.drawing.mesh import Element, Mesh
from oneml.habitats.graph.drawing.straight import straighten

ROUNDS = 60
GRAVITY = 0.03
"""So strongly everything is drawn to the middle, which holds parts together that no wire joins."""
PULL = 0.2
"""So much of the way to its neighbours a frame goes in a round, beside half the way that its elements go; they come to
meet it, so that it must be less than half in all: else both pass each other, further each time."""
BOX_DISTANCE = 26.0
POINT_DISTANCE = 14.0
FRAME_DISTANCE = 22.0
FRAME_PADDING = 14.0
FRAME_TITLE_HEIGHT = 22.0


class _Distance(NamedTuple):
    """What stands before and behind, and how far apart their middles are at least."""

    before: int
    behind: int
    least: float


def place_across(mesh: Mesh, *, down: bool) -> Sequence[float]:
    """Return the middle of each element, followed by where each frame starts and ends.

    Args:
        mesh: What is laid out, in order.
        down: Whether wires lead down: else titles of frames take room here.
    """
    count = len(mesh.elements) + 2 * len(mesh.frames)
    before: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    behind: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for distance in _distances(mesh, down=down):
        before[distance.behind].append((distance.before, distance.least))
        behind[distance.before].append((distance.behind, distance.least))
    order = _topological(before, behind)
    places = _fitted([0.0] * count, order, before, behind)
    neighbours, members = _neighbours(mesh), _members(mesh)
    pulls = [_outward(neighbours, frozenset(inside)) for inside in members]
    for _ in range(ROUNDS):
        wanted = list(places)
        for element, near in enumerate(neighbours):
            total = fsum(weight for _, weight in near) + GRAVITY
            middle = fsum(places[each] * weight for each, weight in near) / total
            wanted[element] = (places[element] + middle) / 2
        for inside, links, around in zip(members, pulls, mesh.frames.values(), strict=True):
            _pull(wanted, places, inside, links, PULL / len(around))
        for side, inside in enumerate(members):
            start = len(mesh.elements) + 2 * side
            wanted[start] = min(wanted[each] - mesh.elements[each].across / 2 for each in inside)
            wanted[start + 1] = max(wanted[each] + mesh.elements[each].across / 2 for each in inside)
        places = _fitted(wanted, order, before, behind)
    straighten(mesh, places, before, behind)
    return _tightened(mesh, places, down=down)


def _outward(
    neighbours: Sequence[Sequence[tuple[int, float]]], inside: frozenset[int]
) -> Sequence[tuple[int, int, float]]:
    """Return what leads out of a frame: an element in it, one outside, and a weight."""
    return [
        (element, other, weight)
        for element in sorted(inside)
        for other, weight in neighbours[element]
        if other not in inside
    ]


def _pull(
    wanted: list[float],
    places: Sequence[float],
    inside: Sequence[int],
    links: Sequence[tuple[int, int, float]],
    share: float,
) -> None:
    """Move a whole frame to where its neighbours are: element by element it would take too many rounds."""
    if links:
        shift = fsum((places[other] - places[one]) * weight for one, other, weight in links)
        shift *= share / fsum(weight for _, _, weight in links)
        for element in inside:
            wanted[element] += shift


def _fitted(
    wanted: Sequence[float],
    order: Sequence[int],
    before: Sequence[Sequence[tuple[int, float]]],
    behind: Sequence[Sequence[tuple[int, float]]],
) -> list[float]:
    low, high = list(wanted), list(wanted)
    for each in order:
        for other, least in before[each]:
            low[each] = max(low[each], low[other] + least)
    for each in reversed(order):
        for other, least in behind[each]:
            high[each] = min(high[each], high[other] - least)
    return [(one + other) / 2 for one, other in zip(low, high, strict=True)]


def _neighbours(mesh: Mesh) -> Sequence[Sequence[tuple[int, float]]]:
    """Return what each element is drawn to, and how strongly: boxes to each other, points to both ends of a wire."""
    found: list[list[tuple[int, float]]] = [[] for _ in mesh.elements]
    for chain in mesh.chains:
        source, target = chain[0], chain[-1]
        weight = len(chain) ** -0.5
        found[source].append((target, weight))
        found[target].append((source, weight))
        for point in chain[1:-1]:
            found[point] += [(source, 1.0), (target, 1.0)]
    return found


def _members(mesh: Mesh) -> Sequence[Sequence[int]]:
    """Return the elements of each frame."""
    found: dict[str, list[int]] = {name: [] for name in mesh.frames}
    for number, element in enumerate(mesh.elements):
        for name in mesh.frames.get(element.frame, ()):
            found[name].append(number)
    return list(found.values())


def _distances(mesh: Mesh, *, down: bool) -> Iterator[_Distance]:
    """Give the least distances in every layer, sides of frames included."""
    sides = {name: len(mesh.elements) + 2 * place for place, name in enumerate(mesh.frames)}
    start_padding = FRAME_PADDING if down else FRAME_PADDING + FRAME_TITLE_HEIGHT
    for layer in mesh.layers:
        last, last_half, gap = -1, 0.0, 0.0
        last_frames: tuple[str, ...] = ()
        for number in layer:
            element = mesh.elements[number]
            frames = mesh.frames.get(element.frame, ())
            shared = sum(1 for one, other in zip(last_frames, frames, strict=False) if one == other)
            for name in reversed(last_frames[shared:]):
                yield _Distance(last, sides[name] + 1, last_half + FRAME_PADDING)
                last, last_half = sides[name] + 1, 0.0
            gap = FRAME_DISTANCE
            if not last_frames[shared:] and not frames[shared:] and last >= 0:
                gap = _gap(mesh.elements[last], element)
            for name in frames[shared:]:
                if last >= 0:
                    yield _Distance(last, sides[name], last_half + gap)
                last, last_half, gap = sides[name], 0.0, start_padding
            if last >= 0:
                yield _Distance(last, number, last_half + gap + element.across / 2)
            last, last_half, last_frames = number, element.across / 2, frames
        for name in reversed(last_frames):
            yield _Distance(last, sides[name] + 1, last_half + FRAME_PADDING)
            last, last_half = sides[name] + 1, 0.0


def _gap(one: Element, other: Element) -> float:
    return BOX_DISTANCE if one.is_box and other.is_box else POINT_DISTANCE


def _topological(
    before: Sequence[Sequence[tuple[int, float]]], behind: Sequence[Sequence[tuple[int, float]]]
) -> Sequence[int]:
    left = [len(each) for each in before]
    order = [each for each, count in enumerate(left) if not count]
    for each in order:
        for other, _ in behind[each]:
            left[other] -= 1
            if not left[other]:
                order.append(other)
    return order


def _tightened(mesh: Mesh, places: list[float], *, down: bool) -> Sequence[float]:
    """Draw the sides of frames to what they hold: inner frames first."""
    start_padding = FRAME_PADDING if down else FRAME_PADDING + FRAME_TITLE_HEIGHT
    sides = {name: len(mesh.elements) + 2 * place for place, name in enumerate(mesh.frames)}
    low = dict.fromkeys(mesh.frames, float("inf"))
    high = dict.fromkeys(mesh.frames, float("-inf"))
    for number, element in enumerate(mesh.elements):
        if element.frame:
            low[element.frame] = min(low[element.frame], places[number] - element.across / 2)
            high[element.frame] = max(high[element.frame], places[number] + element.across / 2)
    for name, around in reversed(mesh.frames.items()):
        start, end = low[name] - start_padding, high[name] + FRAME_PADDING
        places[sides[name]], places[sides[name] + 1] = start, end
        if len(around) > 1:
            outer = around[-2]
            low[outer], high[outer] = min(low[outer], start), max(high[outer], end)
    return places
