"""The function behind the body that a provider gives, found without building it: its annotations are the ports."""

import collections.abc
import contextlib
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NamedTuple, cast, get_args, get_origin, get_type_hints

from dependency_injector import providers

from oneml.habitats.habitats.constructors import missing_problem
from oneml.habitats.habitats.graph_checks import called_by, fit_of_node
from oneml.habitats.habitats.override_types import function_given_by, given_form
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import Edge, ProviderKind, ProviderNode
from oneml.habitats.habitats.providers import Reference

_MANAGED = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    contextlib.AbstractContextManager,
)


_CALLABLE: object = get_origin(Callable[[], object])


class NoBodyError(Exception):
    """A provider gives nothing that can be the body of a node; says why. Never leaves this package."""


class Body(NamedTuple):
    """The function of a body; ``bound`` tells whether it already lacks ``self``."""

    call: Callable[..., object]
    bound: bool


def body_of(graph: ProviderGraph, index: int) -> Body:
    """Return the function behind the body that a provider gives.

    Raises:
        NoBodyError: It gives nothing that can be called, or does not say what.
    """
    node = graph.nodes[index]
    _check_arguments(graph, index)
    seen: set[int] = set()
    while node.number not in seen:
        seen.add(node.number)
        function = function_given_by(node.provider) if node.kind in _STANDING else None
        if function is not None:
            return Body(function, bound=True)
        declared = given_form(node.provider) if node.kind in _STANDING else None
        if isinstance(declared, type) and _call_of(declared) is not None:
            return _of_form(declared)
        if node.kind is ProviderKind.REPLACED:
            break
        if node.kind not in _STANDING:
            return _of_node(node)
        node = graph.nodes[cast("Edge", node.args[0]).target]
    reason = "what stands for it in this session does not say what it takes. Annotate the provider's type."
    raise NoBodyError(reason)


def _check_arguments(graph: ProviderGraph, index: int) -> None:
    """Refuse what could only be built by a caller who gives more arguments: whoever runs a node gives none."""
    came_from: dict[int, int] = {index: index}
    waiting = [index]
    for found in waiting:
        node = graph.nodes[found]
        missing = missing_problem(fit_of_node(node), len(node.args), node.kwargs)
        if missing is not None:
            if found == index:
                reason = f"{called_by(node)} {missing} A node takes its inputs in __call__."
            else:
                reason = f'{_way(graph, came_from, found)}: {called_by(node)} {missing} Give it to "{node.name}".'
            raise NoBodyError(reason)
        for edge in node.edges:
            if not edge.lazy and edge.label != "provides" and edge.target not in came_from:
                came_from[edge.target] = found
                waiting.append(edge.target)


def _way(graph: ProviderGraph, came_from: Mapping[int, int], index: int) -> str:
    """Return the providers from the body to one that it needs: ``report -> writer -> bucket``."""
    names = [graph.nodes[index].name]
    while came_from[index] != index:
        index = came_from[index]
        names.append(graph.nodes[index].name)
    return " -> ".join(reversed(names))


_STANDING = frozenset({ProviderKind.OVERRIDDEN, ProviderKind.REPLACED, ProviderKind.DEPENDENCY, ProviderKind.PROVIDED})
"""Kinds for which something else stands; what they were declared to give goes before what that gives."""


def _of_node(node: ProviderNode) -> Body:
    if isinstance(node.provider, Reference):
        return _of_form(node.provider.contract)
    if node.kind is ProviderKind.OBJECT:
        return _of_value(node.provides)
    if node.kind is ProviderKind.RESOURCE:
        return _of_resource(node.provides)
    if node.kind is ProviderKind.CALL or node.kind is ProviderKind.THREAD_LOCAL:
        return _of_call(node)
    reason = f"it gives what is known only once it is built ({node.kind}). Give the node a Factory of a class."
    raise NoBodyError(reason)


def _of_call(node: ProviderNode) -> Body:
    provides = node.provides
    if isinstance(provides, type):
        return _of_form(provides)
    form = given_form(node.provider) if isinstance(provides, FunctionType) else None
    if form is None:
        shown = getattr(provides, "__qualname__", repr(provides)[:80])
        what = "a coroutine" if isinstance(cast("object", node.provider), providers.Coroutine) else "something"
        reason = (
            f"calling {shown} gives {what} whose type it does not say. Annotate what it returns; or, where {shown} is "
            f"the body itself, use providers.Object({shown})."
        )
        raise NoBodyError(reason)
    return _of_form(form)


def _of_resource(provides: Any) -> Body:
    if isinstance(provides, type):
        enter = getattr(provides, "init", None) or getattr(provides, "__enter__", None)
        form = None if enter is None else get_type_hints(enter).get("return")
        return _of_form(form if isinstance(form, type) else provides)
    form = get_type_hints(getattr(provides, "__wrapped__", provides)).get("return")
    if get_origin(form) in _MANAGED:
        form = next(iter(get_args(form)), None)
    return _of_form(form)


def _of_value(value: object) -> Body:
    if isinstance(value, FunctionType | MethodType | BuiltinFunctionType):
        return Body(value, bound=True)
    if isinstance(value, type):
        reason = f"it gives the class {value.__qualname__} itself. Use a Factory of it."
        raise NoBodyError(reason)
    return _of_form(type(value))


def _of_form(form: Any) -> Body:
    """Return the body of objects of a type: the ``__call__`` that its class declares."""
    if get_origin(form) is _CALLABLE:
        return _of_callable(form)
    call = _call_of(get_origin(form) or form)
    if call is None:
        shown = form.__qualname__ if isinstance(form, type) else str(form)
        reason = f"it gives {shown}, which cannot be called. Give the class a method __call__."
        raise NoBodyError(reason)
    return call


def _call_of(form: object) -> Body | None:
    """Return what calling an object of a class calls, not what calling the class does."""
    if not isinstance(form, type):
        return None
    for owner in form.__mro__:
        call: object = vars(owner).get("__call__")
        if isinstance(call, staticmethod | classmethod):
            return Body(cast("Any", call).__get__(None, form), bound=True)
        if callable(call):
            return Body(call, bound=False)
    return None


def _of_callable(form: Any) -> Body:
    taken, result = get_args(form)
    if taken != []:
        reason = f"it gives {form}, whose inputs have no names. Let it give a class or a Protocol with __call__."
        raise NoBodyError(reason)

    def call() -> object:
        raise NotImplementedError

    call.__annotations__ = {"return": result}
    return Body(call, bound=True)
