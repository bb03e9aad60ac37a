"""Orders a directed graph so that what is needed comes first, and finds its cycles; iterative throughout."""

from collections.abc import Sequence


def components_of(needs: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components of a graph, what is needed before what needs it.

    Tarjan's algorithm (SIAM J. Comput. 1(2), 1972), without recursion: time and memory are linear.

    Args:
        needs: By node, the nodes that it needs.
    """
    count = len(needs)
    found = [0] * count
    lowest = [0] * count
    open_ = [False] * count
    stack: list[int] = []
    components: list[list[int]] = []
    clock = 0
    for start in range(count):
        if found[start]:
            continue
        path = [(start, iter(needs[start]))]
        clock += 1
        found[start] = lowest[start] = clock
        open_[start] = True
        stack.append(start)
        while path:
            node, rest = path[-1]
            for needed in rest:
                if not found[needed]:
                    clock += 1
                    found[needed] = lowest[needed] = clock
                    open_[needed] = True
                    stack.append(needed)
                    path.append((needed, iter(needs[needed])))
                    break
                if open_[needed]:
                    lowest[node] = min(lowest[node], found[needed])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] == found[node]:
                    components.append(_closed(stack, open_, node))
    return components


def _closed(stack: list[int], open_: list[bool], root: int) -> list[int]:
    component: list[int] = []
    while True:
        node = stack.pop()
        open_[node] = False
        component.append(node)
        if node == root:
            return component


def loop_through(members: Sequence[int], needs: Sequence[Sequence[int]]) -> list[int]:
    """Return a shortest loop of a strongly connected component, from and to its first member.

    Raises:
        ValueError: The component has no loop.
    """
    start, inside = members[0], frozenset(members)
    came_from: dict[int, int] = {}
    waiting = [start]
    for node in waiting:
        for needed in needs[node]:
            if needed == start:
                loop = [node]
                while loop[-1] != start:
                    loop.append(came_from[loop[-1]])
                return [*reversed(loop), start]
            if needed in inside and needed not in came_from:
                came_from[needed] = node
                waiting.append(needed)
    message = "the component has no loop"
    raise ValueError(message)
