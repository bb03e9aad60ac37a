"""What each provider reaches: the narrowest scope, process settings, what a session replaced."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oneml.habitats.habitats.lifetimes import Lifetime, SettingRead
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import Edge, ProviderKind, ProviderNode

_UNSCOPED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the providers of a graph reach, by index.

    Attributes:
        lifetimes: The scope that keeps what each gives; of the process only where no replacement is reached.
        narrowest: The narrowest scope of what each takes hold of, -1 where that has none.
        reads_process: Whether each reaches a setting of the process.
    """

    lifetimes: Sequence[Lifetime | None]
    narrowest: Sequence[int]
    reads_process: Sequence[bool]


def reach_of(graph: ProviderGraph, order: Sequence[int]) -> Reach:
    """Work out what each provider reaches.

    Args:
        graph: The graph.
        order: Its nodes, what must be built first before what is built from it.
    """
    nodes = graph.nodes
    lifetimes = [node.lifetime for node in nodes]
    narrowest = [_UNSCOPED] * len(nodes)
    reads = [node.kind is ProviderKind.SETTING and node.lifetime is Lifetime.PROCESS for node in nodes]
    replaced = [node.kind is ProviderKind.REPLACED for node in nodes]
    circling = any(edge.lazy for node in nodes for edge in node.edges)
    changed = True
    while changed:
        changed = False
        for index in order:
            kept, narrow, read, other = lifetimes[index], narrowest[index], reads[index], replaced[index]
            for label, target, _ in nodes[index].edges:
                own = lifetimes[target]
                narrow = max(narrow, narrowest[target] if own is None else own)
                read = read or reads[target]
                other = other or replaced[target] or label == "replacement"
            if other and kept is Lifetime.PROCESS:
                kept = Lifetime.SESSION
            if circling and (kept, narrow, read, other) != (
                lifetimes[index],
                narrowest[index],
                reads[index],
                replaced[index],
            ):
                changed = True
            lifetimes[index], narrowest[index], reads[index], replaced[index] = kept, narrow, read, other
    return Reach(lifetimes=lifetimes, narrowest=narrowest, reads_process=reads)


def settings_read_by(graph: ProviderGraph, start: int) -> frozenset[SettingRead]:
    """Return the settings that anything reads that ``start`` reaches."""
    reads: set[SettingRead] = set()
    seen = {start}
    waiting = [start]
    while waiting:
        node = graph.nodes[waiting.pop()]
        if isinstance(node.provides, SettingRead):
            reads.add(node.provides)
        # Whoever is given the container may ask it for anything.
        targets = graph.names.values() if node.kind is ProviderKind.SELF else [edge.target for edge in node.edges]
        for target in targets:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return frozenset(reads)


class Selecting(NamedTuple):
    """A selector that selects by a setting.

    Attributes:
        selector: The selector.
        by: The setting.
    """

    selector: ProviderNode
    by: SettingRead


def selectors_reached(graph: ProviderGraph, start: int) -> Sequence[Selecting]:
    """Return the selectors by single settings that are asked whenever ``start`` is built, whatever others select."""
    found: list[Selecting] = []
    seen = {start}
    waiting = [start]
    while waiting:
        node = graph.nodes[waiting.pop()]
        targets = [edge.target for edge in node.edges if not edge.lazy]
        if node.kind is ProviderKind.SELECTOR and isinstance(node.args[0], Edge):
            targets = [node.args[0].target]
            by = graph.nodes[targets[0]].provides
            if isinstance(by, SettingRead) and by.field:
                found.append(Selecting(node, by))
        for target in targets:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return found


def paths_to_narrower(graph: ProviderGraph, reach: Reach, holder: int) -> Iterator[tuple[ProviderNode, ...]]:
    """Give a shortest path from a provider to each narrower-scoped one that it would take hold of."""
    own = reach.lifetimes[holder]
    came_from: dict[int, int] = {holder: holder}
    waiting = [holder]
    for index in waiting:
        for edge in graph.nodes[index].edges:
            target = edge.target
            if target in came_from:
                continue
            came_from[target] = index
            scope = reach.lifetimes[target]
            if scope is None:
                waiting.append(target)
            elif own is not None and scope > own:
                yield _path(graph, came_from, target)


def _path(graph: ProviderGraph, came_from: dict[int, int], end: int) -> tuple[ProviderNode, ...]:
    path = [graph.nodes[end]]
    while came_from[path[-1].number] != path[-1].number:
        path.append(graph.nodes[came_from[path[-1].number]])
    return tuple(reversed(path))


def strict_needs(graph: ProviderGraph) -> list[list[int]]:
    """Return, by node, what must be built before it is."""
    return [[edge.target for edge in node.edges if not edge.lazy] for node in graph.nodes]
