"""Straight wires: bends that are left after everything has found its place are taken out where there is room."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum

from oneml.habitats.graph.drawing.mesh import Mesh

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
    for path in _paths(mesh):
        for run, (low, high) in _runs(path, places, before, behind, settled):
            middle = min(max(fsum(places[each] for each in run) / len(run), low), high)
            for each in run:
                places[each] = middle
            settled.update(run)
    for chain in sorted(mesh.chains, key=len, reverse=True):
        for run, (low, high) in _runs(chain[1:-1], places, before, behind, settled):
            middle = fsum(places[each] for each in run) / len(run)
            for box, at_its_end in ((chain[0], run[0] == chain[1]), (chain[-1], run[-1] == chain[-2])):
                if at_its_end:
                    half = mesh.elements[box].reach
                    middle = min(max(middle, places[box] - half), places[box] + half)
            middle = min(max(middle, low), high)
            for each in run:
                places[each] = middle
            settled.update(run)


def _paths(mesh: Mesh) -> Iterator[Sequence[int]]:
    """Give boxes that only follow each other, with the points between them."""
    leaving, arriving = Counter(chain[0] for chain in mesh.chains), Counter(chain[-1] for chain in mesh.chains)
    only = {chain[0]: chain for chain in mesh.chains if leaving[chain[0]] == 1 and arriving[chain[-1]] == 1}
    followers = {chain[-1] for chain in only.values()}
    for start in only:
        if start in followers:
            continue
        path = [start]
        while path[-1] in only:
            path += only[path[-1]][1:]
        yield path


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
