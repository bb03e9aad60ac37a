"""Explains loops in a DAG: every member of each, in the order of the loop."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

LOOPS_MAX = 20
"""Loops told one by one in a tangle of them; the members that are left are told together."""


class Loops(NamedTuple):
    """What keeps definitions from being ordered.

    Attributes:
        loops: Indexes of the members of each loop, in its order.
        tangled: Indexes of members of further loops.
    """

    loops: Sequence[Sequence[int]]
    tangled: Sequence[int]


def find_loops(stuck: Iterable[int], upstreams: Sequence[Sequence[int]]) -> Loops:
    """Find loops such that every index on any loop is named.

    Args:
        stuck: Indexes on a loop, or below one.
        upstreams: Indexes before each index.
    """
    import networkx as nx  # noqa: PLC0415  # slow to import, and needed only where something is wrong

    kept = set(stuck)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_edges_from(
        (upstream, index) for index in sorted(kept) for upstream in upstreams[index] if upstream in kept
    )
    loops: list[Sequence[int]] = []
    tangled: list[int] = []
    knots = (sorted(knot) for knot in nx.strongly_connected_components(graph))
    for knot in sorted(knot for knot in knots if len(knot) > 1 or graph.has_edge(knot[0], knot[0])):
        found = _loops_in({index: sorted(graph[index]) for index in knot})
        loops += found.loops
        tangled += found.tangled
    return Loops(loops, tangled)


def _loops_in(successors: dict[int, list[int]]) -> Loops:
    """Cover a strongly connected component with loops, the shortest through each index that is not covered yet."""
    loops: list[Sequence[int]] = []
    left = dict.fromkeys(successors)
    while left and len(loops) < LOOPS_MAX:
        loop = _shortest_loop(next(iter(left)), successors)
        loops.append(loop)
        for index in loop:
            left.pop(index, None)
    return Loops(loops, list(left))


def _shortest_loop(start: int, successors: dict[int, list[int]]) -> Sequence[int]:
    came_from: dict[int, int] = {}
    queue = deque([start])
    while start not in came_from:
        index = queue.popleft()
        for lower in successors[index]:
            if lower in successors and lower not in came_from:
                came_from[lower] = index
                queue.append(lower)
    loop = [start]
    while came_from[loop[-1]] != start:
        loop.append(came_from[loop[-1]])
    return [start, *reversed(loop[1:])]
