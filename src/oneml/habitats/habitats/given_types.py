"""Of which types the arguments of providers are, as far as that is seen without building anything."""

import inspect
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin

from dependency_injector import providers
from dependency_injector.errors import Error

from oneml.habitats.graph.forms import union_of
from oneml.habitats.graph.hints import Unresolved, resolved_hints
from oneml.habitats.graph.literals import object_text
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.override_types import given_form
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import Argument, Edge, Plain, ProviderKind, ProviderNode
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.shapes import find_setting

_SCALARS = (str, int, bool, bytes)


class Given(NamedTuple):
    """One thing that an argument may be.

    Attributes:
        what: How it is called in messages.
        form: Its type.
        is_value: Whether it is a value that stands in the container, whose type is all that is known of it.
    """

    what: str
    form: object
    is_value: bool = False


class GivenTypes:
    """Tells the types of arguments.

    Args:
        graph: The providers of a container.
        model: Its settings model.
    """

    def __init__(self, graph: ProviderGraph, model: type[PipelineSettings]) -> None:
        self._graph = graph
        self._model = model

    def of(self, argument: Argument, above: frozenset[int] = frozenset()) -> Iterator[Given]:
        """Give what an argument may be: one thing for each provider that a selector has; none where nobody can tell.

        Args:
            argument: The argument.
            above: The providers that lead to it, which a cycle may lead back to.
        """
        if not isinstance(argument, Edge):
            yield _value(object_text(argument.value), argument.value)
        elif argument.lazy:
            yield _passed(self._graph.nodes[argument.target])
        else:
            yield from self._of_provider(argument.target, above)

    def _of_provider(self, index: int, above: frozenset[int]) -> Iterator[Given]:
        if index in above:
            return
        node = self._graph.nodes[index]
        inner = above | {index}
        if node.kind is ProviderKind.SELECTOR:
            for member in node.members.values():
                yield from (one._replace(what=f"{one.what} by {node.name}") for one in self._of_provider(member, inner))
        elif node.kind is ProviderKind.DEPENDENCY:
            yield from self._of_provider(cast("Edge", node.args[0]).target, inner)
        elif node.kind in (ProviderKind.AGGREGATE, ProviderKind.DELEGATE):
            yield _passed(node)
        elif node.kind is ProviderKind.OBJECT:
            yield _value(node.name, node.provides)
        elif node.kind is ProviderKind.OPTION:
            yield from self._option(node)
        else:
            form = self._form(node, inner)
            if form is not None:
                yield Given(node.name, form)

    def _option(self, node: ProviderNode) -> Iterator[Given]:
        value = _option_value(node)
        if value is not _UNKNOWN:
            configuration = self._graph.nodes[cast("Edge", node.args[0]).target].name
            yield _value(f"{configuration}.{_option_name(node)}", None if value is _MISSING else value)

    def _form(self, node: ProviderNode, above: frozenset[int]) -> object:
        if isinstance(node.provides, SettingRead):
            path = node.provides.field.split(".") if node.provides.field else []
            return find_setting(self._model, path).annotation if path else self._model
        if node.kind is ProviderKind.LIST:
            items = self._common(node.args, above)
            return list if items is None else list[items]  # type: ignore[valid-type]
        if node.kind is ProviderKind.DICT:
            items = self._common(tuple(node.kwargs.values()), above)
            is_named = all(isinstance(key, str) for key in node.kwargs)
            return dict if items is None or not is_named else dict[str, items]  # type: ignore[valid-type]
        if node.kind is ProviderKind.RESOURCE:
            return yielded_form(node.provides)
        return given_form(node.provider)

    def _common(self, arguments: tuple[Argument, ...], above: frozenset[int]) -> Any:
        """Return the union of the types of several arguments; None where that of one cannot be told."""
        forms: list[object] = []
        for argument in arguments:
            found = list(self.of(argument, above))
            if not found:
                return None
            forms += [one.form for one in found]
        return union_of(forms) if forms else None


def yielded_form(provides: object) -> object:
    """Return the type of what a resource gives: what its function yields or returns; None where it does not say."""
    function = inspect.unwrap(provides) if callable(provides) else provides
    if not inspect.isfunction(function):
        return None
    try:
        result = resolved_hints(function).get("return")
    except Unresolved:
        return None
    if inspect.isgeneratorfunction(function):
        return next(iter(get_args(result)), None)
    given = get_origin(result) or result
    return None if hasattr(given, "__enter__") or hasattr(given, "__next__") else result


def missing_option(node: ProviderNode) -> str | None:
    """Return the name of an option of a configuration that has no value; None where it has one, or may get one."""
    return _option_name(node) if _option_value(node) is _MISSING else None


_MISSING = object()
_UNKNOWN = object()


def _option_name(node: ProviderNode) -> str:
    return ".".join(str(cast("Plain", argument).value) for argument in node.args[1:])


def _option_value(node: ProviderNode) -> object:
    root, _ = cast("tuple[providers.Configuration, bool]", node.provides)
    if any(isinstance(argument, Edge) for argument in node.args[1:]):
        return _UNKNOWN
    try:
        value: object = root.get(_option_name(node))
    except Error:  # where the configuration is strict
        return _MISSING
    return _MISSING if value is None else value


def _passed(node: ProviderNode) -> Given:
    """Give the type of a provider that is passed on as one."""
    return Given(node.name, type(node.provider))


def _value(what: str, value: object) -> Given:
    form: object = Literal[value] if type(value) in _SCALARS else value.__class__
    return Given(what, form, is_value=True)
