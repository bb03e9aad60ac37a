"""The layer of each box: every wire leads to a later one, but those that close a cycle."""

from collections.abc import Sequence
from math import ceil, sqrt

LOOSE_MAX = 4
"""So many boxes without wires stand in one layer; more of them fill a square."""


NEAR = 4
"""A wire inside a frame holds its ends together as strongly as so many that lead out of it."""


def ranks_of(frames: Sequence[str], ends: Sequence[tuple[int, int]]) -> tuple[Sequence[int], frozenset[int]]:
    """Return the layer of each box, and the wires that lead back.

    Args:
        frames: The frame of each box.
        ends: Source and target of each wire.
    """
    count = len(frames)
    order, turned = _depth_first(count, ends)
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for number, (source, target) in enumerate(ends):
        if number in turned:
            source, target = target, source  # noqa: PLW2901  # it is laid as if it led there
        after[source].append(target)
        before[target].append(source)
    ranks = [0] * count
    for box in order:
        ranks[box] = max((ranks[source] + 1 for source in before[box]), default=0)

    def pull(box: int, others: Sequence[int]) -> int:
        return sum(NEAR if frames[other] == frames[box] else 1 for other in others)

    for box in reversed(order):  # what is needed late stands near what needs it
        if pull(box, after[box]) > pull(box, before[box]):
            ranks[box] = min(ranks[target] for target in after[box]) - 1
    _spread_loose(ranks, [box for box in range(count) if not after[box] and not before[box]])
    return ranks, turned


def _depth_first(count: int, ends: Sequence[tuple[int, int]]) -> tuple[Sequence[int], frozenset[int]]:
    """Return a topological order, and the wires that must be turned for it."""
    leaving: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    has_source = [False] * count
    for number, (source, target) in enumerate(ends):
        leaving[source].append((target, number))
        has_source[target] = True
    entered, left = [False] * count, [False] * count
    turned: set[int] = set()
    finished: list[int] = []
    for root in sorted(range(count), key=has_source.__getitem__):
        if entered[root]:
            continue
        entered[root] = True
        stack = [(root, iter(leaving[root]))]
        while stack:
            box, wires = stack[-1]
            for target, number in wires:
                if not entered[target]:
                    entered[target] = True
                    stack.append((target, iter(leaving[target])))
                    break
                if not left[target]:
                    turned.add(number)
            else:
                left[box] = True
                finished.append(box)
                stack.pop()
    return finished[::-1], frozenset(turned)


def _spread_loose(ranks: list[int], loose: Sequence[int]) -> None:
    if len(loose) <= LOOSE_MAX:
        return
    side = ceil(sqrt(len(loose)))
    for place, box in enumerate(loose):
        ranks[box] = place // side
