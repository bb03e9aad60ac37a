"""Which part of a pipeline a session has: decisions only, nothing here is read or written."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from oneml.habitats.errors import InvalidSelectionError, UnknownNodeError
from oneml.habitats.values.lineage import Selection
from oneml.habitats.values.node_path import NodePath, ancestors_of, parse_node_path
from oneml.habitats.values.plan import ExternalSource, Plan, PlannedNode, source_nodes

Paths = str | Sequence[str]
"""One path of a node, a fan-out or a namespace, or several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """A part of a plan.

    Attributes:
        plan: The nodes that were selected, and those above them whose outputs are taken over.
        selection: What was asked for.
        selected: The nodes that were selected.
        taken_over: The nodes whose outputs are taken over, in the order of the plan.
        feeding: Those of them whose outputs go to a selected node.
        proven: All nodes that decide these outputs, in the order of the plan: ``taken_over``, those above them that
            keep their outputs in memory, and those among them that are selected themselves.
    """

    plan: Plan
    selection: Selection
    selected: frozenset[NodePath]
    taken_over: tuple[NodePath, ...]
    feeding: tuple[NodePath, ...]
    proven: tuple[NodePath, ...]


def selection_of(start_at: Paths, stop_at: Paths, only: Paths) -> Selection | None:
    """Return what was asked for; None for a whole pipeline.

    Raises:
        InvalidNodePathError: Something is no path.
        InvalidSelectionError: ``only`` is given beside the others.
    """
    selection = Selection(*(_parsed(paths) for paths in (start_at, stop_at, only)))
    if selection.only and (selection.start_at or selection.stop_at):
        reason = "--only names all that shall run, so --from and --to (start_at, stop_at) cannot be given beside it"
        raise InvalidSelectionError(selection=str(selection), reason=reason)
    return selection if any(selection) else None


def narrowed(plan: Plan, selection: Selection, *, in_memory: Callable[[NodePath], bool]) -> Narrowed:
    """Return the part of a plan that was asked for.

    Args:
        plan: The whole plan.
        selection: What was asked for.
        in_memory: Tells whether a node keeps its outputs in memory, so that nobody can take them over.

    Raises:
        UnknownNodeError: There is no such node, fan-out or namespace.
        InvalidSelectionError: Nothing is left, or outputs would be needed that only stay in memory.
    """
    selected = _selected(plan, selection)
    if not selected:
        starts, stops = ", ".join(selection.start_at), ", ".join(selection.stop_at)
        reason = f"nothing lies between: {stops} does not come after {starts}. Exchange them, or leave one out"
        raise InvalidSelectionError(selection=str(selection), reason=reason)
    feeding = _in_order(plan, {upper for path in selected for upper in _data_sources(plan.nodes[path])} - selected)
    kept = [path for path in feeding if in_memory(path)]
    if kept:
        reason = (
            f'the outputs of {", ".join(kept)} are needed, and stay in memory (store = "memory:"). '
            f"Select it too: --from {kept[0]}"
        )
        raise InvalidSelectionError(selection=str(selection), reason=reason)
    proven = _closure(feeding, lambda path: _data_sources(plan.nodes[path]))
    taken_over = {path for path in proven - selected if not in_memory(path)}
    return Narrowed(
        plan=_part(plan, selected | taken_over),
        selection=selection,
        selected=frozenset(selected),
        taken_over=_in_order(plan, taken_over),
        feeding=feeding,
        proven=_in_order(plan, proven),
    )


def first_of(plan: Plan, paths: Iterable[NodePath]) -> Sequence[NodePath]:
    """Return where to start so that all of ``paths`` run: those above the others, a fan-out for several members."""
    wanted = frozenset(paths)
    several = {space: members for space, members in plan.fan_outs.items() if len(wanted.intersection(members)) > 1}
    fan_out_of = {member: space for space, members in several.items() for member in members}
    found: dict[NodePath, None] = {}
    reached: set[NodePath] = set()
    for path, node in plan.nodes.items():  # each comes after all that it needs
        if not reached.isdisjoint(node.upstreams()):
            reached.add(path)
        elif path in wanted:
            reached.add(path)
            found[fan_out_of.get(path, path)] = None
    return tuple(found)


def _parsed(paths: Paths) -> tuple[NodePath, ...]:
    return tuple(dict.fromkeys(parse_node_path(path) for path in ([paths] if isinstance(paths, str) else paths)))


def _selected(plan: Plan, selection: Selection) -> set[NodePath]:
    if selection.only:
        return _members(plan, selection.only)
    found = set(plan.nodes)
    if selection.start_at:
        below: dict[NodePath, list[NodePath]] = {}
        for path, node in plan.nodes.items():
            for upper in node.upstreams():
                below.setdefault(upper, []).append(path)
        found &= _closure(_members(plan, selection.start_at), lambda path: below.get(path, ()))
    if selection.stop_at:
        found &= _closure(_members(plan, selection.stop_at), lambda path: plan.nodes[path].upstreams())
    return found


def _members(plan: Plan, paths: Iterable[NodePath]) -> set[NodePath]:
    """Return the nodes at paths; a fan-out or a namespace stands for all of its members."""
    found: set[NodePath] = set()
    for path in paths:
        inside = {path} if path in plan.nodes else {node for node in plan.nodes if node.startswith(f"{path}/")}
        if not inside:
            spaces = {space for node in plan.nodes for space in ancestors_of(node)}
            raise UnknownNodeError(node=path, known=[*plan.nodes, *spaces])
        found |= inside
    return found


def _closure(start: Iterable[NodePath], following: Callable[[NodePath], Iterable[NodePath]]) -> set[NodePath]:
    found = set(start)
    waiting = list(found)
    while waiting:
        for path in following(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return found


def _data_sources(node: PlannedNode) -> Iterator[NodePath]:
    for source in node.inputs.values():
        yield from source_nodes(source)


def _in_order(plan: Plan, paths: Collection[NodePath]) -> tuple[NodePath, ...]:
    return tuple(path for path in plan.nodes if path in paths)


def _part(plan: Plan, paths: Collection[NodePath]) -> Plan:
    """Return a plan with some of its nodes; order that others would have given is gone with them."""
    nodes = {path: _ordered_among(node, paths) for path, node in plan.nodes.items() if path in paths}
    fan_outs = {space: tuple(path for path in members if path in paths) for space, members in plan.fan_outs.items()}
    sources = (source for node in nodes.values() for source in node.inputs.values())
    needed = {source.name for source in sources if isinstance(source, ExternalSource)}
    return replace(
        plan,
        nodes=nodes,
        inputs={name: one if name in needed else one._replace(required=False) for name, one in plan.inputs.items()},
        outputs={name: one for name, one in plan.outputs.items() if all(path in paths for path in source_nodes(one))},
        fan_outs={space: members for space, members in fan_outs.items() if members},
        node_settings={path: entries for path, entries in plan.node_settings.items() if path in paths},
    )


def _ordered_among(node: PlannedNode, paths: Collection[NodePath]) -> PlannedNode:
    after = tuple(path for path in node.after if path in paths)
    return node if after == node.after else node._replace(after=after)
