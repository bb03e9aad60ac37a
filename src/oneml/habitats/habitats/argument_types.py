"""Whether what providers give fits the annotations of constructors, and whether settings select what there is.

Type checkers cannot see this, since the stubs of dependency-injector take anything. Reading annotations takes its
time, so it is done only where somebody asks for a check.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from types import NoneType
from typing import Any, Literal, NewType, cast, get_args, get_origin

from dependency_injector import providers

from oneml.habitats.graph.forms import bare, form_text, is_union
from oneml.habitats.graph.hints import Unresolved, resolved_hints
from oneml.habitats.graph.result_ports import is_typed_dict
from oneml.habitats.graph.type_fit import fits
from oneml.habitats.habitats.constructors import constructor_of
from oneml.habitats.habitats.given_types import Given, GivenTypes, missing_option
from oneml.habitats.habitats.provided_names import known_attributes
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import Argument, Edge, ProviderKind, ProviderNode
from oneml.habitats.habitats.providers import Reference
from oneml.habitats.habitats.references import ReferenceTarget
from oneml.habitats.habitats.source_places import SourcePlaces
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.problem import Problem
from oneml.habitats.values.suggestions import known_names

_CALLING = frozenset({ProviderKind.CALL, ProviderKind.RESOURCE, ProviderKind.THREAD_LOCAL})


def type_problems(container: type, graph: ProviderGraph, model: type[PipelineSettings]) -> Iterator[Problem]:
    """Give every argument whose type does not fit; what is not annotated, or cannot be told, fits."""
    places = SourcePlaces(container)
    types = GivenTypes(graph, model)
    for node in graph.nodes:
        for reason in _reasons(node, graph, types):
            yield Problem(places.of(node.name), f"{container.__name__}.{node.name} cannot be built{reason}")


def _reasons(node: ProviderNode, graph: ProviderGraph, types: GivenTypes) -> Iterator[str]:
    if node.kind is ProviderKind.SELECTOR:
        yield from _unselectable(node, types)
    elif node.kind is ProviderKind.DEPENDENCY:
        wanted = cast("type", node.provides)
        for given in types.of(node.args[0]):
            if not _accepts(wanted, given):
                said = f"depends on {form_text(wanted)}, and is given {given.what}, which is {_shown(given)}."
                yield f": it {said} Give it one, or correct instance_of."
    elif isinstance(node.provider, Reference):
        target = node.provider.target
        names = cast("Collection[str]", node.kwargs.keys())
        for reason in ReferenceTarget(node.name, node.provider.contract, target, names).mismatch():
            yield f": {target} does not fit: {reason}"
    elif node.kind is ProviderKind.ATTRIBUTE:
        yield from _misspelt(node, graph)
    elif node.kind in _CALLING and not isinstance(node.provides, Edge):
        yield from _without_value(node, graph)
        yield from _misfits(node, types)


def _misspelt(node: ProviderNode, graph: ProviderGraph) -> Iterator[str]:
    """Give what is wrong with ``provider.provided.name`` where the class that is called has no such attribute."""
    source = graph.nodes[cast("Edge", node.args[0]).target]
    if source.kind is not ProviderKind.PROVIDED:
        return
    of = graph.nodes[cast("Edge", source.args[0]).target]
    name, made = cast("str", node.provides), of.provides
    if of.kind is not ProviderKind.CALL or not isinstance(made, type) or constructor_of(made) is None:
        return
    known = known_attributes(made)
    if known is not None and name not in known and not name.startswith("_"):
        yield f': {of.name} gives {form_text(made)}, which has no "{name}". {known_names(name, known)}'


def _misfits(node: ProviderNode, types: GivenTypes) -> Iterator[str]:
    function = _called(node)
    wanted = _wanted(function)
    for name, argument in _named_arguments(node, function).items():
        for given in types.of(argument) if name in wanted else ():
            if not _accepts(wanted[name], given):
                shown = getattr(node.provides, "__qualname__", "what it calls")
                yield (
                    f': {shown} takes "{name}" as {form_text(wanted[name])}, and is given {given.what}, which is '
                    f"{_shown(given)}. Give what it takes, or correct the annotation."
                )


def _without_value(node: ProviderNode, graph: ProviderGraph) -> Iterator[str]:
    """Give the options of a configuration that must have a value, and have none."""
    for edge in node.edges:
        option = graph.nodes[edge.target]
        if edge.lazy or option.kind is not ProviderKind.OPTION:
            continue
        root, is_required = cast("tuple[providers.Configuration, bool]", option.provides)
        name = missing_option(option)
        if name is not None and (is_required or root.get_strict() or isinstance(node.provider, _CONVERTING)):
            yield (
                f': option "{name}" of its configuration has no value. Give it one in the class body, '
                "or declare it as a field of the settings."
            )


_CONVERTING = providers.TypedConfigurationOption


def _unselectable(node: ProviderNode, types: GivenTypes) -> Iterator[str]:
    """Give the values that the chooser may have, and that select nothing."""
    known = ", ".join(str(member) for member in node.members)
    for given in types.of(node.args[0]):
        for value in _values_of(given.form):
            if value in node.members:
                continue
            if given.is_value:
                yield f": it selects {value!r}. Known: {known}. Give a provider for it, or select another."
            else:
                yield (
                    f" where {given.what} is {value!r}, which that may be. Known: {known}. "
                    "Give a provider for it, or take it out of the type of the setting."
                )


def _values_of(form: object) -> Iterator[object]:
    """Give the values of a type that has a few."""
    form = bare(form)
    if is_union(form):
        for member in get_args(form):
            yield from _values_of(member)
    elif get_origin(form) is Literal:
        yield from get_args(form)
    elif form is NoneType:
        yield None
    elif form is bool:
        yield from (True, False)
    elif isinstance(form, type) and issubclass(form, Enum):
        yield from form


def _accepts(wanted: object, given: Given) -> bool:
    """Tell whether what is given can be what is wanted at run time, where a new type is what it was made from."""
    wanted = bare(wanted)
    if fits(given.form, wanted):
        return True
    if is_union(wanted):
        return any(_accepts(member, given) for member in get_args(wanted))
    if isinstance(wanted, NewType):
        return _accepts(wanted.__supertype__, given)
    return is_typed_dict(wanted) and (get_origin(given.form) or given.form) is dict


def _shown(given: Given) -> str:
    is_literal = given.is_value and get_origin(given.form) is Literal
    return form_text(type(cast("object", get_args(given.form)[0])) if is_literal else given.form)


def _called(node: ProviderNode) -> object:
    """Return what a provider calls, behind the decorator that makes a context manager of it."""
    return getattr(node.provides, "__wrapped__", node.provides)


def _wanted(called: object) -> Mapping[str, object]:
    if constructor_of(called) is None:
        return {}
    provides = cast("Any", called)
    function = getattr(provides, "__init__") if isinstance(provides, type) else provides  # noqa: B009  # any class's
    try:
        return resolved_hints(function)
    except Unresolved:
        return {}


def _named_arguments(node: ProviderNode, called: object) -> Mapping[str, Argument]:
    constructor = constructor_of(called)
    names = () if constructor is None else constructor.positional
    return dict(zip(names, node.args, strict=False)) | cast("dict[str, Argument]", node.kwargs)
