"""Straight wires: what is left of bends after everything has found its place."""

from collections.abc import Iterator, Sequence

from oneml.habitats.graph.drawing.mesh import Mesh

SIDE = 0.82
"""Wires start and end in this middle part of the side of a box."""

_Distances = Sequence[Sequence[tuple[int, float]]]


def straighten(mesh: Mesh, places: list[float], before: _Distances, behind: _Distances) -> None:
    """Move the points of each wire into one line, as far as what stands beside them leaves room.

    Args:
        mesh: What is laid out.
        places: The places of elements, changed.
        before: What stands before each element, and how far away at least.
        behind: What stands behind it.
    """
    settled: set[int] = set()
    for chain in sorted(mesh.chains, key=len, reverse=True):
        for run, (low, high) in _runs(chain[1:-1], places, before, behind, settled):
            middle = min(max(sum(places[each] for each in run) / len(run), low), high)
            for end, box in ((run[0], chain[0]), (run[-1], chain[-1])):
                if box in {chain[chain.index(end) - 1], chain[chain.index(end) + 1]}:
                    half = mesh.elements[box].across / 2 * SIDE
                    middle = min(max(middle, places[box] - half), places[box] + half)
            middle = min(max(middle, low), high)
            for each in run:
                places[each] = middle
            settled.update(run)


def _runs(
    points: Sequence[int], places: Sequence[float], before: _Distances, behind: _Distances, settled: set[int]
) -> Iterator[tuple[Sequence[int], tuple[float, float]]]:
    """Give points that can stand in one line, as many as possible, with the room that they have in common."""
    run: list[int] = []
    room = float("-inf"), float("inf")
    for point in points:
        if point in settled:
            own = places[point], places[point]
        else:
            own = (
                max((places[other] + least for other, least in before[point]), default=float("-inf")),
                min((places[other] - least for other, least in behind[point]), default=float("inf")),
            )
        both = max(room[0], own[0]), min(room[1], own[1])
        if run and both[0] > both[1]:
            yield run, room
            run, both = [], own
        run.append(point)
        room = both
    if run:
        yield run, room
