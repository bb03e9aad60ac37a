"""Keeps long chains of providers from nesting one call in another without end.

Building nests: a chain of factories may be about 900 providers long before Python's own limit stops it. What is kept
need not nest: objects on the way down, chosen so that never many calls lie between them, are built first.
"""

from collections.abc import Mapping, Sequence

from oneml.habitats.habitats.graph_reach import Reach
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import ProviderKind, ProviderNode
from oneml.habitats.habitats.scopes import Builder, Scope

NESTED_MAX = 60
"""Providers that may nest before something that is kept is built first."""

_CHOOSING = frozenset({ProviderKind.SELECTOR, ProviderKind.SETTING})
_KEPT = frozenset({ProviderKind.CALL, ProviderKind.RESOURCE})


def flattened(graph: ProviderGraph, reach: Reach, order: Sequence[int], builders: Sequence[Builder]) -> list[Builder]:
    """Return the builders to begin with: where a chain is long, they build what lies on the way down first."""
    flat = list(builders)
    stones = _stones(graph, reach, order)
    if stones:
        above: set[int] = set()
        for index in order:
            needs = _needs(graph.nodes[index])
            if any(needed in above or needed in stones for needed in needs):
                above.add(index)
                flat[index] = _over_stones(graph, stones, builders, index)
    return flat


def _stones(graph: ProviderGraph, reach: Reach, order: Sequence[int]) -> Mapping[int, int]:
    """Return the providers that are built first, each with its place in the order."""
    stones: dict[int, int] = {}
    nested = [0] * len(graph.nodes)
    for place, index in enumerate(order):
        depth = 1 + max((nested[needed] for needed in _needs(graph.nodes[index])), default=0)
        if depth >= NESTED_MAX and graph.nodes[index].kind in _KEPT and reach.lifetimes[index] is not None:
            stones[index] = place
            depth = 0
        nested[index] = depth
    return stones


def _needs(node: ProviderNode) -> Sequence[int]:
    """Return what is built whenever a provider is."""
    return () if node.kind in _CHOOSING else [edge.target for edge in node.edges if not edge.lazy]


def _over_stones(graph: ProviderGraph, stones: Mapping[int, int], builders: Sequence[Builder], index: int) -> Builder:
    build = builders[index]
    first: list[Builder] | None = None

    def build_flat(scope: Scope) -> object:
        nonlocal first
        if first is None:
            first = [builders[stone] for stone in sorted(_below(graph, index) & stones.keys(), key=stones.__getitem__)]
        for stone in first:
            stone(scope)
        return build(scope)

    return build_flat


def _below(graph: ProviderGraph, start: int) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        for needed in _needs(graph.nodes[waiting.pop()]):
            if needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found
