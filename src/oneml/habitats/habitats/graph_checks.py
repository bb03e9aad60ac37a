"""What can be wrong with the providers of a container, found from their graph without building anything."""

from collections.abc import Collection, Iterator, Sequence

from oneml.habitats.habitats.constructors import (
    UNKNOWN_FIT,
    Fit,
    fit_of,
    is_coroutine_function,
    surplus_problem,
)
from oneml.habitats.habitats.graph_order import loop_through
from oneml.habitats.habitats.graph_reach import Reach, paths_to_narrower
from oneml.habitats.habitats.lifetimes import Lifetime, SettingRead
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import Edge, ProviderKind, ProviderNode
from oneml.habitats.habitats.settings_views import SettingView, model_of
from oneml.habitats.habitats.source_places import SourcePlaces
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.problem import Problem

_KINDS = {Lifetime.SESSION: "Singleton", Lifetime.NODE: "NodeSingleton"}
_RESOURCES = {Lifetime.SESSION: "Resource", Lifetime.NODE: "NodeResource"}


def cycle_problems(
    container: type, graph: ProviderGraph, groups: Sequence[Sequence[int]], needs: Sequence[Sequence[int]]
) -> Iterator[Problem]:
    """Give each cycle among providers, every member named."""
    places = SourcePlaces(container)
    for group in groups:
        if len(group) == 1 and group[0] not in needs[group[0]]:
            continue
        members = sorted(group, key=lambda index: graph.nodes[index].name)
        loop = loop_through(members, needs)
        shown = " -> ".join(graph.nodes[index].name for index in loop)
        others = [graph.nodes[index].name for index in members if index not in loop]
        more = f" Cycles with these go through {', '.join(others)} too." if others else ""
        yield Problem(
            places.of(graph.nodes[members[0]].name),
            f"Providers of {container.__name__} need each other: {shown}.{more} Pass one of them as a provider "
            "(name.provider), or take out what both need.",
        )


def provider_problems(
    container: type, graph: ProviderGraph, reach: Reach, fits: Sequence[Fit], model: type[PipelineSettings]
) -> Iterator[Problem]:
    """Give everything that is wrong with single providers, and with what they take hold of."""
    places = SourcePlaces(container)
    owner = container.__name__
    injected = {
        edge.target for node in graph.nodes if node.kind not in _PASSING for edge in node.edges if not edge.lazy
    }
    coroutines = {index for index in injected if is_coroutine_function(_provided(graph.nodes[index]))}
    for node in graph.nodes:
        if node.problem is not None:
            yield Problem(places.of(node.name), f"{owner}.{node.name}: {node.problem}")
            continue
        reason = (
            _coroutine_problem(node, graph, coroutines)
            or _argument_problem(node, fits[node.number])
            or _setting_problem(node, model)
        )
        if reason is not None:
            yield Problem(places.of(node.name), f"{owner}.{node.name} {reason}")
        own = reach.lifetimes[node.number]
        if own is not None and reach.narrowest[node.number] > own and node.kind is not ProviderKind.SETTING:
            for path in paths_to_narrower(graph, reach, node.number):
                yield _captive(owner, path, reach, places)


_PASSING = frozenset({ProviderKind.OVERRIDDEN, ProviderKind.DEPENDENCY, ProviderKind.CONTAINER})


def _coroutine_problem(node: ProviderNode, graph: ProviderGraph, coroutines: Collection[int]) -> str | None:
    if not coroutines or node.kind in _PASSING:
        return None
    for edge in node.edges:
        if edge.target in coroutines and not edge.lazy:
            name = graph.nodes[edge.target].name
            return (
                f'is given the coroutine of "{name}", not what that would return. Pass the provider '
                f"({name}.provider), and await what it gives."
            )
    return None


def _argument_problem(node: ProviderNode, fit: Fit) -> str | None:
    problem = surplus_problem(fit, len(node.args), node.kwargs)
    return None if problem is None else f"cannot be built: {called_by(node)} {problem}"


def fit_of_node(node: ProviderNode) -> Fit:
    """Return how the arguments of a provider fit what it calls."""
    if node.kind not in _CALLING or isinstance(node.provides, Edge):
        return UNKNOWN_FIT
    return fit_of(_provided(node), len(node.args), node.kwargs)


def called_by(node: ProviderNode) -> str:
    """Return the name of what a provider calls."""
    name: object = getattr(node.provides, "__qualname__", None)
    return name if isinstance(name, str) else "what it calls"


_CALLING = frozenset({ProviderKind.CALL, ProviderKind.RESOURCE, ProviderKind.THREAD_LOCAL})


def _provided(node: ProviderNode) -> object:
    provides: object = node.provides if node.kind in _CALLING else None
    return getattr(provides, "__wrapped__", provides) if node.kind is ProviderKind.RESOURCE else provides


def _setting_problem(node: ProviderNode, model: type[PipelineSettings]) -> str | None:
    if not isinstance(node.provider, SettingView) or issubclass(model, model_of(node.provider)):
        return None
    return (
        f"is a setting of {model_of(node.provider).__name__}, but the settings of the container are "
        f"{model.__name__}. Derive {model.__name__} from it, or read the container's own settings."
    )


def _captive(owner: str, path: Sequence[ProviderNode], reach: Reach, places: SourcePlaces) -> Problem:
    holder, held = path[0], path[-1]
    own, narrow = reach.lifetimes[holder.number] or Lifetime.PROCESS, reach.lifetimes[held.number] or Lifetime.NODE
    kinds = _RESOURCES if holder.kind is ProviderKind.RESOURCE else _KINDS
    if isinstance(held.provides, SettingRead):
        other = f"read {SettingRead(str(own), held.provides.field)}"
    else:
        other = f'widen the scope of "{held.name}"'
    return Problem(
        places.of(holder.name),
        f"{owner}.{holder.name} ({own}) holds {held.name} ({narrow})\n"
        f"    {' -> '.join(node.name for node in path)}\n"
        f'    Make "{holder.name}" a {kinds[narrow]}, or {other}.',
    )
