"""What can be checked only when everything is said: loops, paths, executables, missing inputs, fan-outs, outputs."""

from collections.abc import Collection

from oneml.habitats.graph.cycles import find_loops
from oneml.habitats.graph.definitions import BROKEN, Definition, Draft, Gathered, result_sources
from oneml.habitats.graph.fan_out import axes_of, member_count
from oneml.habitats.graph.order import Order
from oneml.habitats.values.node_path import PATH_MAX_CHARACTERS, ROOT, NodePath, ancestors_of
from oneml.habitats.values.place import Place

MEMBERS_MAX = 10_000_000
"""Members of one fan-out."""

EDGES_MAX = 50_000_000
"""Edges of one fan-out to what every member of it gathers or comes after."""

_NODES_SHOWN = 1_000


def check(draft: Draft, order: Order) -> None:
    """Note every problem of a draft that is complete, and find the axes of its definitions."""
    _check_loops(draft, order)
    _check_paths(draft)
    _check_executables(draft)
    _check_missing(draft)
    _check_fan_outs(draft, order)
    for name, declared in draft.inputs.items():
        if name not in draft.used_inputs:
            draft.report(f'Input "{name}" feeds nothing. Give it to a node, or drop it.', declared.place)


def _check_loops(draft: Draft, order: Order) -> None:
    if not order.stuck:
        return
    found = find_loops(order.stuck, order.upstreams)
    for loop in found.loops:
        _report_nodes(draft, [draft.definitions[index] for index in loop], "A cycle", closed=True)
    if found.tangled:
        tangled = [draft.definitions[index] for index in found.tangled]
        _report_nodes(draft, tangled, "On further cycles with those above", closed=False)


def _report_nodes(draft: Draft, members: list[Definition], title: str, *, closed: bool) -> None:
    paths = [definition.path for definition in members]
    shown = [*paths, paths[0]] if closed else paths
    if len(shown) > _NODES_SHOWN:
        shown = [*shown[: _NODES_SHOWN - 1], NodePath(f"({len(shown) - _NODES_SHOWN} more)"), shown[-1]]
    advice = " Take one edge of it out." if closed else ""
    place = _place_of(draft, members)
    draft.report(f"{title}: {(' -> ' if closed else ', ').join(shown)}.{advice}", place, *paths)


def _place_of(draft: Draft, members: list[Definition]) -> Place:
    """Return where the pipeline that connects some nodes has made, or included, the first of them."""
    lines = [_owners(draft, definition.owner) for definition in members]
    depth = next((depth for depth, owners in enumerate(zip(*lines, strict=False)) if len(set(owners)) > 1), None)
    common = min(map(len, lines)) if depth is None else depth
    first = lines[0]
    return draft.included[first[common]].intake.place if common < len(first) else members[0].place


def _owners(draft: Draft, owner: NodePath) -> list[NodePath]:
    """Return the include paths that lead to a pipeline, the outermost first and its own last."""
    owners: list[NodePath] = []
    while owner != ROOT:
        owners.insert(0, owner)
        owner = draft.included[owner].intake.owner
    return owners


def _check_paths(draft: Draft) -> None:
    namespaces = set(draft.namespaces)
    for namespace in draft.namespaces:
        namespaces.update(ancestors_of(namespace))
    for path in sorted(namespaces & draft.by_path.keys()):
        inner = next(other for other in draft.by_path if other.startswith(f"{path}/"))
        message = f'"{path}" is a node, so "{inner}" cannot lie below it. Rename one of them.'
        draft.report(message, draft.by_path[inner].place, path, inner)


def _check_executables(draft: Draft) -> None:
    bound = set(draft.executables.paths())
    for pipeline in draft.included.values():
        bound.update(pipeline.executables.paths())
    for path in sorted(draft.by_path.keys() - bound):
        definition = draft.by_path[path]
        if definition.signature is not None:
            draft.report(f'Node "{path}" has no provider among the executables.', definition.place, path)
    for path in sorted(bound - draft.by_path.keys()):
        draft.report(f'The executables have a provider for "{path}", which is no node of the pipeline.', None, path)


def _check_missing(draft: Draft) -> None:
    for definition in draft.definitions:
        signature = definition.signature
        if signature is not None and not signature.required <= definition.arguments.keys():
            for name in signature.inputs:
                if name in signature.required and name not in definition.arguments:
                    wanted = f'Node "{definition.path}" needs input "{name}", which nothing feeds.'
                    message = f"{wanted} Give {name}=... where it is called."
                    draft.report(message, definition.place, definition.path)


def _check_fan_outs(draft: Draft, order: Order) -> None:
    uncertain = {draft.definitions[index].path for index in order.stuck}
    if not draft.is_plain:
        for definition in order.ordered:
            if draft.problems and _is_uncertain(definition, draft, uncertain):
                uncertain.add(definition.path)
            definition.axes = axes_of(definition, draft.by_path)
            if not _check_size(draft, definition):
                definition.axes = ()
                uncertain.add(definition.path)
            _check_gathers(draft, definition, uncertain)
    _check_outputs(draft, uncertain)


def _is_uncertain(definition: Definition, draft: Draft, uncertain: Collection[NodePath]) -> bool:
    """Tell whether ``definition`` may be a fan-out but for a problem that was noted already."""
    if definition.signature is None:
        return True
    for argument in definition.arguments.values():
        if argument is BROKEN:
            return True
        if any(source.node in uncertain or source.node not in draft.by_path for source in result_sources(argument)):
            return True
    return False


def _check_size(draft: Draft, definition: Definition) -> bool:
    count = member_count(definition.axes)
    characters = len(definition.path) + sum(1 + max(map(len, axis.keys)) for axis in definition.axes)
    if count > MEMBERS_MAX:
        message = f'Fan-out "{definition.path}" would have {count:,} members; at most {MEMBERS_MAX:,} are possible.'
    elif characters > PATH_MAX_CHARACTERS:
        message = (
            f'Paths in fan-out "{definition.path}" have {characters} characters; at most {PATH_MAX_CHARACTERS} fit.'
        )
    else:
        gathered = [argument.of.node for argument in definition.arguments.values() if isinstance(argument, Gathered)]
        uppers = [draft.by_path[path] for path in (*gathered, *definition.after) if path in draft.by_path]
        edges = count * sum(member_count(upper.axes) for upper in uppers) if count > 1 else 0
        if edges <= EDGES_MAX:
            return True
        message = (
            f'Every member of fan-out "{definition.path}" waits for every member of another, {edges:,} edges in all; '
            f"at most {EDGES_MAX:,} are possible. Gather in one node, and give its result to the fan-out."
        )
    draft.report(message, definition.place, definition.path)
    return False


def _check_gathers(draft: Draft, definition: Definition, uncertain: Collection[NodePath]) -> None:
    for name, argument in definition.arguments.items():
        if isinstance(argument, Gathered) and _is_single(draft, argument, uncertain):
            message = (
                f'Input "{name}" of node "{definition.path}" gathers "{argument.of.node}", which is no fan-out. '
                "Pass its result without gather(), or in a list."
            )
            draft.report(message, definition.place, definition.path)
        elif isinstance(argument, Gathered):
            _check_gathered_alone(draft, argument, f'Input "{name}" of node "{definition.path}"', definition.place)


def _check_gathered_alone(draft: Draft, gathered: Gathered, what: str, place: Place) -> None:
    """Note where an included pipeline gathers what another fans out: what it means by a list would be another."""
    owner, upstream = gathered.owner, draft.by_path.get(gathered.of.node)
    if owner == ROOT or upstream is None:
        return
    outside = [axis for axis in upstream.axes if axis.owner != owner and not axis.owner.startswith(f"{owner}/")]
    if outside:
        intake = draft.included[owner].intake
        over = " and ".join(f'"{axis.label}"' for axis in outside)
        message = (
            f'{what} gathers "{gathered.of.node}", which fans out over {over} of the pipeline that includes "{owner}", '
            f"at {intake.place}: one list would hold what its author keeps apart. Include it once for each value, or "
            "run it for each in a session of its own, PipelineSessionContext.nested_session."
        )
        draft.report(message, place, upstream.path, owner)


def _is_single(draft: Draft, gathered: Gathered, uncertain: Collection[NodePath]) -> bool:
    upstream = draft.by_path.get(gathered.of.node)
    return upstream is not None and not upstream.axes and upstream.path not in uncertain


def _check_outputs(draft: Draft, uncertain: Collection[NodePath]) -> None:
    for name, declared in draft.outputs.items():
        source = declared.source
        if isinstance(source, Gathered):
            if _is_single(draft, source, uncertain):
                message = f'Output "{name}" gathers "{source.of.node}", which is no fan-out. Pass it without gather().'
                draft.report(message, declared.place, source.of.node)
            else:
                _check_gathered_alone(draft, source, f'Output "{name}"', declared.place)
            continue
        upstream = draft.by_path.get(source.node)
        if upstream is not None and upstream.axes:
            count = member_count(upstream.axes)
            message = f'Output "{name}" takes one value, but "{source.node}" is a fan-out of {count}. Gather it.'
            draft.report(message, declared.place, source.node)
