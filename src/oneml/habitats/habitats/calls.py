"""Providers that are called with arguments of the caller's: rare, so the table is interpreted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from oneml.habitats.errors import UnbuildableError
from oneml.habitats.habitats.bound import BoundProvider
from oneml.habitats.habitats.plain_arguments import fresh
from oneml.habitats.habitats.provider_node import Argument, Edge, ProviderKind, ProviderNode
from oneml.habitats.habitats.providers import Reference
from oneml.habitats.habitats.references import ReferenceTarget
from oneml.habitats.habitats.resources import enter_resource
from oneml.habitats.habitats.scopes import Scope
from oneml.habitats.values.suggestions import known_names

Positional = Sequence[Any]
Named = Mapping[str, Any]


def call_with(scope: Scope, index: int, args: Positional, kwargs: Named) -> Any:
    """Return what a provider gives when it is called with arguments.

    They mean what they mean to dependency-injector: positional ones follow the declared ones, named ones stand above
    them, and ``name__argument`` goes to the provider of the argument ``name``. What is kept is built with them only
    if it has not been built.
    """
    blueprint = scope.blueprint
    node = blueprint.graph.nodes[index]
    if node.kind in _MADE:
        return blueprint.kept(node, lambda inner: _made(inner, node, args, kwargs))(scope)
    call = _CALLS.get(node.kind)
    return blueprint.builders[index](scope) if call is None else call(scope, node, args, kwargs)


def _made(scope: Scope, node: ProviderNode, args: Positional, kwargs: Named) -> Any:
    positional = [_argument(scope, argument) for argument in node.args]
    made = _callee(scope, node, kwargs)(*positional, *args, **_named(scope, node, kwargs))
    if node.kind is ProviderKind.RESOURCE:
        return enter_resource(scope, made, node.name)
    for name, argument in node.attributes.items():
        setattr(made, name, _argument(scope, argument))
    return made


def _callee(scope: Scope, node: ProviderNode, kwargs: Named) -> Callable[..., Any]:
    if isinstance(node.provider, Reference) and node.kind is ProviderKind.REFERENCE:
        reference = node.provider
        names = {*cast("Mapping[str, Argument]", node.kwargs), *kwargs}
        return cast(
            "Callable[..., Any]",
            ReferenceTarget(node.name, reference.contract, reference.target, names).in_scope(scope),
        )
    if isinstance(node.provides, Edge):
        return BoundProvider(scope, node.provides.target)
    return cast("Callable[..., Any]", node.provides)


def _named(scope: Scope, node: ProviderNode, kwargs: Named) -> dict[str, Any]:
    declared = cast("Mapping[str, Argument]", node.kwargs)
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in kwargs.items():
        prefix, separated, rest = name.partition("__")
        if separated and isinstance(declared.get(prefix), Edge):
            inner.setdefault(prefix, {})[rest] = value
        else:
            own[name] = value
    for name, argument in declared.items():
        if name not in own:
            own[name] = _argument(scope, argument, inner.get(name))
    return own


def _argument(scope: Scope, argument: Argument, kwargs: Named | None = None) -> Any:
    if not isinstance(argument, Edge):
        return fresh(argument.value)
    if argument.lazy:
        return BoundProvider(scope, argument.target)
    if kwargs is None:
        return scope.blueprint.builders[argument.target](scope)
    return call_with(scope, argument.target, (), kwargs)


def _first(scope: Scope, node: ProviderNode, args: Positional, kwargs: Named) -> Any:
    return call_with(scope, cast("Edge", node.args[0]).target, args, kwargs)


def _list(scope: Scope, node: ProviderNode, args: Positional, _kwargs: Named) -> Any:
    return [*[_argument(scope, argument) for argument in node.args], *args]


def _dict(scope: Scope, node: ProviderNode, _args: Positional, kwargs: Named) -> Any:
    return _named(scope, node, kwargs)


def _aggregate(scope: Scope, node: ProviderNode, args: Positional, kwargs: Named) -> Any:
    rest = dict(kwargs)
    which, left = (args[0], args[1:]) if args else (rest.pop("factory_name", None), args)
    return call_with(scope, _member(node, which), left, rest)


def _selector(scope: Scope, node: ProviderNode, args: Positional, kwargs: Named) -> Any:
    chosen = _argument(scope, node.args[0])
    return call_with(scope, _member(node, chosen if isinstance(node.args[0], Edge) else chosen()), args, kwargs)


def _member(node: ProviderNode, which: object) -> int:
    try:
        return node.members[which]
    except KeyError as error:
        known = known_names(str(which), [str(member) for member in node.members])
        raise UnbuildableError(provider=node.name, reason=f"it has no {which!r}. {known}") from error


def _attribute(scope: Scope, node: ProviderNode, args: Positional, kwargs: Named) -> Any:
    return getattr(_first(scope, node, args, kwargs), cast("str", node.provides))


def _item(scope: Scope, node: ProviderNode, args: Positional, kwargs: Named) -> Any:
    return _first(scope, node, args, kwargs)[node.provides]


def _method(scope: Scope, node: ProviderNode, args: Positional, kwargs: Named) -> Any:
    callee, *positional = [_argument(scope, argument) for argument in node.args]
    return callee(*positional, *args, **_named(scope, node, kwargs))


_MADE = frozenset({ProviderKind.CALL, ProviderKind.RESOURCE, ProviderKind.THREAD_LOCAL, ProviderKind.REFERENCE})
_CALLS: Mapping[ProviderKind, Callable[[Scope, ProviderNode, Positional, Named], Any]] = {
    ProviderKind.LIST: _list,
    ProviderKind.DICT: _dict,
    ProviderKind.AGGREGATE: _aggregate,
    ProviderKind.SELECTOR: _selector,
    ProviderKind.OVERRIDDEN: _first,
    ProviderKind.DEPENDENCY: _first,
    ProviderKind.PROVIDED: _first,
    ProviderKind.ATTRIBUTE: _attribute,
    ProviderKind.ITEM: _item,
    ProviderKind.METHOD: _method,
}
