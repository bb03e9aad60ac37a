"""Fan-outs: the axes of a definition, and the nodes that it becomes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import cast

from oneml.habitats.graph.axes import axis_label
from oneml.habitats.graph.definitions import (
    Argument,
    Axis,
    Definition,
    Gathered,
    Listed,
    ResultSource,
    result_sources,
)
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import GatherSource, InputSource, PlannedNode, PortSource, WholeSource


def axes_of(definition: Definition, by_path: Mapping[NodePath, Definition]) -> tuple[Axis, ...]:
    """Return the axes that the arguments of a definition bring along, in their order, each once.

    Those of the definitions upstream must be known.
    """
    axes: dict[Axis, None] = {}
    for argument in definition.arguments.values():
        if isinstance(argument, Axis):
            axes[argument] = None
        elif not isinstance(argument, Gathered):
            for source in result_sources(argument):
                if source.node in by_path:
                    axes.update(dict.fromkeys(by_path[source.node].axes))
    return tuple(axes)


def member_count(axes: Sequence[Axis]) -> int:
    """Return how many members a fan-out over ``axes`` has; 1 for a plain node."""
    return math.prod(len(axis.keys) for axis in axes)


def member_paths(definition: Definition) -> tuple[NodePath, ...]:
    """Return the paths of the members, the first axis varying slowest."""
    paths = [definition.path]
    for axis in definition.axes:
        paths = [NodePath(f"{path}/{key}") for path in paths for key in axis.keys]
    return tuple(paths)


class Expansion:
    """Turns definitions into planned nodes, from upstream to downstream; members and axes must be known."""

    def __init__(self, by_path: Mapping[NodePath, Definition]) -> None:
        self._by_path = by_path
        self._sources: dict[ResultSource, tuple[ResultSource, ...]] = {}
        self._gathered: dict[ResultSource, GatherSource] = {}
        self._barriers: dict[tuple[NodePath, ...], tuple[NodePath, ...]] = {}

    def nodes(self, definition: Definition) -> Iterator[PlannedNode]:
        """Give the nodes of a definition."""
        after = self._barrier(definition.after)
        columns = {name: self._column(argument, definition.axes) for name, argument in definition.arguments.items()}
        rows = zip(*columns.values(), strict=False) if definition.axes else iter([tuple(map(next, columns.values()))])
        labels = _labels(definition.axes)
        members = definition.members or (definition.path,)
        for path, label, row in zip(members, labels, rows, strict=True):
            yield PlannedNode(
                path=path,
                provider=definition.provider,
                inputs=dict(zip(columns, row, strict=True)),
                outputs=definition.ports,
                whole=definition.whole,
                after=after,
                label=label,
                fan_out=definition.path if definition.axes else None,
                place=definition.place,
            )

    def source(self, argument: ResultSource | Gathered) -> InputSource:
        """Return what stands in the plan for the output of one node, or for a gathering."""
        return self._gather(argument.of) if isinstance(argument, Gathered) else argument

    def _column(self, argument: Argument, axes: tuple[Axis, ...]) -> Iterator[InputSource]:
        """Give the source of one input for member after member."""
        if isinstance(argument, Axis):
            literals = argument.literals
            return iter(literals) if axes == (argument,) else (literals[at] for at in _positions(axes, (argument,)))
        if isinstance(argument, Gathered):
            return repeat(self._gather(argument.of))
        if isinstance(argument, Listed):
            rows = zip(*(self._results(item, axes) for item in argument.items), strict=False)
            return (GatherSource(row) for row in rows)
        if isinstance(argument, PortSource | WholeSource):
            return self._results(argument, axes)
        return repeat(cast("InputSource", argument))  # no slot: they are filled by now

    def _results(self, source: ResultSource, axes: tuple[Axis, ...]) -> Iterator[ResultSource]:
        upstream = self._by_path[source.node].axes
        if not upstream:
            return repeat(source)
        members = self._members(source)
        return iter(members) if upstream == axes else (members[at] for at in _positions(axes, upstream))

    def _members(self, source: ResultSource) -> tuple[ResultSource, ...]:
        """Return ``source`` of every member of its fan-out; the same objects for every consumer."""
        found = self._sources.get(source)
        if found is None:
            found = tuple(source._replace(node=path) for path in self._by_path[source.node].members)
            self._sources[source] = found
        return found

    def _gather(self, source: ResultSource) -> GatherSource:
        found = self._gathered.get(source)
        if found is None:
            found = self._gathered[source] = GatherSource(self._members(source))
        return found

    def _barrier(self, after: tuple[NodePath, ...]) -> tuple[NodePath, ...]:
        """Return ``after`` with the members in place of each fan-out; the same object for the same definitions."""
        if not after:
            return ()
        found = self._barriers.get(after)
        if found is None:
            found = tuple(path for upper in after for path in self._by_path[upper].members or (upper,))
            self._barriers[after] = found
        return found


def _positions(axes: Sequence[Axis], theirs: Sequence[Axis]) -> Sequence[int]:
    """Return, for every member over ``axes``, the number of the member over ``theirs``, some of them, that it reads."""
    positions = [0]
    for axis in axes:
        stride = member_count(theirs[theirs.index(axis) + 1 :]) if axis in theirs else 0
        positions = [position + stride * at for position in positions for at in range(len(axis.keys))]
    return positions


def _labels(axes: Sequence[Axis]) -> Sequence[str]:
    labels = [""]
    for axis in axes:
        texts = [axis_label(axis, at) for at in range(len(axis.keys))]
        labels = [f"{label}, {text}" if label else text for label in labels for text in texts]
    return labels
