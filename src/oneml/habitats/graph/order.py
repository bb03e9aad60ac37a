"""Topological order of definitions: the author's own where that is one, else the nearest to it."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from oneml.habitats.graph.definitions import Definition, Draft, result_sources
from oneml.habitats.values.plan import PortSource


class Order(NamedTuple):
    """Definitions in order.

    Attributes:
        ordered: Each after everything before it; of those that could come next, the one defined first.
        stuck: Indexes of those on a loop, or below one.
        upstreams: Indexes of what comes before each definition, by index, each once; empty where the order of
            definition is topological, because nobody needs them then.
    """

    ordered: Sequence[Definition]
    stuck: Sequence[int] = ()
    upstreams: Sequence[Sequence[int]] = ()


def topological_order(draft: Draft) -> Order:
    """Order the definitions of a draft; a loop leaves some of them stuck."""
    if _is_ordered(draft):
        return Order(draft.definitions)
    return _sort(draft.definitions, [_upstreams(definition, draft) for definition in draft.definitions])


def _is_ordered(draft: Draft) -> bool:
    by_path = draft.by_path
    for definition in draft.definitions:
        index = definition.index
        for argument in definition.arguments.values():
            sources = (argument,) if type(argument) is PortSource else result_sources(argument)
            for source in sources:
                upstream = by_path.get(source.node)
                if upstream is not None and upstream.index >= index:
                    return False
        for path in definition.after:
            if path in by_path and by_path[path].index >= index:
                return False
    return True


def _upstreams(definition: Definition, draft: Draft) -> Sequence[int]:
    paths = dict.fromkeys(definition.after)
    for argument in definition.arguments.values():
        paths.update((source.node, None) for source in result_sources(argument))
    return [draft.by_path[path].index for path in paths if path in draft.by_path]


def _sort(definitions: Sequence[Definition], upstreams: Sequence[Sequence[int]]) -> Order:
    waiting = [len(before) for before in upstreams]
    downstreams: list[list[int]] = [[] for _ in definitions]
    for index, before in enumerate(upstreams):
        for upstream in before:
            downstreams[upstream].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    heapify(ready)
    ordered: list[Definition] = []
    while ready:
        index = heappop(ready)
        ordered.append(definitions[index])
        for lower in downstreams[index]:
            waiting[lower] -= 1
            if waiting[lower] == 0:
                heappush(ready, lower)
    return Order(ordered, [index for index, count in enumerate(waiting) if count], upstreams)
