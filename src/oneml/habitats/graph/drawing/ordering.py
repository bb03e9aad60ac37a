"""The order inside each layer: few crossings, and what stands in one frame stands together."""

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from math import fsum
from typing import TypeAlias

from oneml.habitats.graph.drawing.mesh import Mesh

SWEEPS_MAX = 12
PATIENCE = 3
"""Sweeps end where so many of them have found nothing better."""

_Key: TypeAlias = tuple[tuple[float, int], ...]


def order_mesh(mesh: Mesh) -> None:
    """Order the layers of a mesh by the barycentres of neighbours, sweep after sweep, and keep the best order."""
    numbers = {name: number for number, name in enumerate(mesh.frames)}
    _first_order(mesh)
    position = _positions(mesh.layers, len(mesh.elements))
    best: tuple[int, list[list[int]]] | None = None
    waited = 0
    for sweep in range(SWEEPS_MAX):
        frames = _frame_keys(mesh, position)
        downwards = sweep % 2 == 0
        ranks = range(len(mesh.layers)) if downwards else reversed(range(len(mesh.layers)))
        for rank in ranks:
            near, far = (mesh.above, mesh.below) if downwards else (mesh.below, mesh.above)
            _sort_layer(mesh, rank, position, near, far, frames, numbers)
        crossings = sum(_crossings(mesh, rank) for rank in range(len(mesh.layers) - 1))
        if best is None or crossings < best[0]:
            best, waited = (crossings, [list(layer) for layer in mesh.layers]), 0
        else:
            waited += 1
        if best[0] == 0 or waited == PATIENCE:
            break
    if best is not None:
        mesh.layers = best[1]


def _first_order(mesh: Mesh) -> None:
    """Order layers as a walk in depth meets them, so that what belongs together starts near to each other."""
    met: dict[int, None] = {}
    for root in range(len(mesh.elements)):
        if mesh.above[root]:
            continue
        stack = [root]
        while stack:
            element = stack.pop()
            if element not in met:
                met[element] = None
                stack.extend(reversed(mesh.below[element]))
    mesh.layers = [[] for _ in mesh.layers]
    for element in met:
        mesh.layers[mesh.elements[element].rank].append(element)


def _positions(layers: Sequence[Sequence[int]], count: int) -> list[float]:
    """Return where each element stands in its layer, counted from the middle of that."""
    found = [0.0] * count
    for layer in layers:
        for place, element in enumerate(layer):
            found[element] = place - (len(layer) - 1) / 2
    return found


def _frame_keys(mesh: Mesh, position: Sequence[float]) -> Mapping[str, float]:
    """Return the middle of each frame: one for all its layers, so that frames do not change sides between them."""
    sums: dict[str, tuple[float, int]] = dict.fromkeys(mesh.frames, (0.0, 0))
    for number, element in enumerate(mesh.elements):
        for name in mesh.frames.get(element.frame, ()):
            total, count = sums[name]
            sums[name] = total + position[number], count + 1
    return {name: total / count for name, (total, count) in sums.items() if count}


def _sort_layer(
    mesh: Mesh,
    rank: int,
    position: list[float],
    near: Sequence[Sequence[int]],
    far: Sequence[Sequence[int]],
    frames: Mapping[str, float],
    numbers: Mapping[str, int],
) -> None:
    def key(element: int) -> _Key:
        neighbours = near[element] or far[element]
        own = fsum(position[each] for each in neighbours) / len(neighbours) if neighbours else position[element]
        around = mesh.frames.get(mesh.elements[element].frame, ())
        return (*((frames[name], numbers[name]) for name in around), (own, len(numbers) + places[element]))

    layer = mesh.layers[rank]
    places = {element: place for place, element in enumerate(layer)}
    layer.sort(key=key)
    for place, element in enumerate(layer):
        position[element] = place - (len(layer) - 1) / 2


def _crossings(mesh: Mesh, rank: int) -> int:
    """Count how often wires cross between a layer and the next one."""
    places = {element: place for place, element in enumerate(mesh.layers[rank + 1])}
    count = 0
    passed: list[int] = []
    for element in mesh.layers[rank]:
        ends = sorted(places[lower] for lower in mesh.below[element])
        count += sum(len(passed) - bisect_right(passed, end) for end in ends)
        for end in ends:
            insort(passed, end)
    return count
