"""Places along the wires, and the wires: straight through layers, curved between them, so that they meet no box."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from oneml.habitats.graph.drawing.mesh import Mesh
from oneml.habitats.graph.drawing.placement import FRAME_PADDING, FRAME_TITLE_HEIGHT

LAYER_DISTANCE = 46.0
LABEL_DISTANCE = 20.0
SLOPE = 0.12
"""Between layers there is more room where wires run far across."""
SLOPE_MAX = 70.0
ARROW_DISTANCE = 9.0

_Place = tuple[float, float]


class Bands(NamedTuple):
    """Where layers and frames stand along the wires.

    Attributes:
        mesh: What is laid out.
        starts: Start of each layer.
        ends: End of each layer.
        frames: Start and end of each frame.
    """

    mesh: Mesh
    starts: Sequence[float]
    ends: Sequence[float]
    frames: Mapping[str, tuple[float, float]]

    def middle_of(self, element: int) -> float:
        """Return the middle of an element along the wires."""
        rank = self.mesh.elements[element].rank
        return (self.starts[rank] + self.ends[rank]) / 2

    def span_of(self, element: int) -> tuple[float, float]:
        """Return where a box starts and ends along the wires."""
        middle, half = self.middle_of(element), self.mesh.elements[element].along / 2
        return middle - half, middle + half


def bands_of(mesh: Mesh, across: Sequence[float], *, down: bool) -> Bands:
    """Find a place for every layer.

    Args:
        mesh: What is laid out.
        across: Places across.
        down: Whether wires lead down: then titles of frames take room here.
    """
    spans = mesh.spans()
    title = FRAME_TITLE_HEIGHT if down else 0.0
    opening, closing = [0] * len(mesh.layers), [0] * len(mesh.layers)
    for around in mesh.frames.values():
        low, high = spans[around[-1]]
        opening[low] = max(opening[low], sum(spans[name][0] == low for name in around))
        closing[high] = max(closing[high], sum(spans[name][1] == high for name in around))
    starts: list[float] = []
    ends: list[float] = []
    at = 0.0
    for rank, layer in enumerate(mesh.layers):
        at += opening[rank] * (FRAME_PADDING + title)
        starts.append(at)
        at += max((mesh.elements[element].along for element in layer), default=0.0)
        ends.append(at)
        at += closing[rank] * FRAME_PADDING + _distance(mesh, across, rank)
    frames: dict[str, tuple[float, float]] = {}
    for name, around in reversed(mesh.frames.items()):
        low, high = spans[name]
        inner = [frames[other] for other, others in mesh.frames.items() if others[:-1] == around]
        start = min([starts[low], *(each[0] for each in inner)]) - FRAME_PADDING - title
        end = max([ends[high], *(each[1] for each in inner)]) + FRAME_PADDING
        frames[name] = start, end
    return Bands(mesh, starts, ends, frames)


def _distance(mesh: Mesh, across: Sequence[float], rank: int) -> float:
    far = max(
        (abs(across[element] - across[lower]) for element in mesh.layers[rank] for lower in mesh.below[element]),
        default=0.0,
    )
    boxes = all(any(mesh.elements[each].is_box for each in layer) for layer in mesh.layers[rank : rank + 2])
    return (LAYER_DISTANCE if boxes else LABEL_DISTANCE) + min(SLOPE_MAX, SLOPE * far)


def routes_of(mesh: Mesh, across: Sequence[float], bands: Bands) -> Iterator[tuple[Sequence[_Place], int | None]]:
    """Give the line of each wire as cubic curves, and the element that is its label."""
    arrivals = _arrivals(mesh, across)
    for number, chain in enumerate(mesh.chains):
        places = [
            *(across[element] for element in chain[1:-1]),
            arrivals[number],
        ]
        places.insert(0, _toward(mesh, across, chain[0], places[0]))
        line = _line(mesh, chain, places, bands)
        yield line[::-1] if number in mesh.turned else line, mesh.labels.get(number)


def _toward(mesh: Mesh, across: Sequence[float], box: int, place: float) -> float:
    """Return the place on the side of a box that is nearest to ``place``: a straight line where that can be."""
    half = mesh.elements[box].reach
    return min(max(place, across[box] - half), across[box] + half)


def _arrivals(mesh: Mesh, across: Sequence[float]) -> Sequence[float]:
    """Return where each wire meets its target, so that arrows stand apart."""
    found = [0.0] * len(mesh.chains)
    arriving: dict[int, list[int]] = {}
    for number, chain in enumerate(mesh.chains):
        arriving.setdefault(chain[-1], []).append(number)
    for target, wires in arriving.items():
        wires.sort(key=lambda number: (across[mesh.chains[number][-2]], number))
        half = mesh.elements[target].reach
        step = min(ARROW_DISTANCE, 2 * half / max(1, len(wires) - 1))
        wanted = [_toward(mesh, across, target, _last_place(mesh, across, number)) for number in wires]
        low, high = list(wanted), list(wanted)
        for place in range(1, len(wires)):
            low[place] = max(low[place], low[place - 1] + step)
            high[-1 - place] = min(high[-1 - place], high[-place] - step)
        middle = [(one + other) / 2 for one, other in zip(low, high, strict=True)]
        shift = max(0.0, across[target] - half - middle[0]) or min(0.0, across[target] + half - middle[-1])
        for place, number in enumerate(wires):
            found[number] = _toward(mesh, across, target, middle[place] + shift)
    return found


def _last_place(mesh: Mesh, across: Sequence[float], number: int) -> float:
    """Return where a wire comes from, at its end: for two boxes, the place that both have in common."""
    source, target = mesh.chains[number][-2:]
    if not mesh.elements[source].is_box:
        return across[source]
    halves = mesh.elements[source].reach, mesh.elements[target].reach
    low = max(across[source] - halves[0], across[target] - halves[1])
    high = min(across[source] + halves[0], across[target] + halves[1])
    return (low + high) / 2 if low <= high else across[source]


def _line(mesh: Mesh, chain: Sequence[int], places: Sequence[float], bands: Bands) -> list[_Place]:
    stops: list[_Place] = [(places[0], bands.span_of(chain[0])[1])]
    for element, place in zip(chain, places, strict=True):
        rank = mesh.elements[element].rank
        if element != chain[0]:
            stops.append((place, bands.starts[rank]))
        if element != chain[-1]:
            stops.append((place, bands.ends[rank]))
    stops.append((places[-1], bands.span_of(chain[-1])[0]))
    distinct = [stops[0], *(after for before, after in pairwise(stops) if after != before)]
    line = [distinct[0]]
    for (x, start), (to, end) in pairwise(distinct):
        bend = (start + end) / 2
        line += [(x, bend), (to, bend), (to, end)]
    return line
