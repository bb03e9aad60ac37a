"""Whether what providers give fits the annotations of constructors, and whether settings select what there is.

Type checkers cannot see this, since the stubs of dependency-injector take anything. Reading annotations takes its
time, so it is done only where somebody asks for a check.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast, get_args, get_origin

from oneml.habitats.graph.forms import form_text
from oneml.habitats.graph.hints import Unresolved, resolved_hints
from oneml.habitats.graph.type_fit import fits
from oneml.habitats.habitats.constructors import constructor_of
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.override_types import given_form
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import Argument, Edge, ProviderKind, ProviderNode
from oneml.habitats.habitats.source_places import SourcePlaces
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.shapes import find_setting
from oneml.habitats.values.problem import Problem

_SCALARS = (str, int, float, bool, bytes, type(None))


def type_problems(container: type, graph: ProviderGraph, model: type[PipelineSettings]) -> Iterator[Problem]:
    """Give every argument whose type does not fit; what is not annotated, or cannot be told, fits."""
    places = SourcePlaces(container)
    for node in graph.nodes:
        if node.kind is ProviderKind.SELECTOR:
            yield from _unselectable(container, node, graph, model, places)
        if node.kind is not ProviderKind.CALL or isinstance(node.provides, Edge):
            continue
        wanted = _wanted(node)
        for name, argument in _named_arguments(node).items():
            given = _given(argument, graph, model)
            if name in wanted and given is not None and not fits(given, wanted[name]):
                shown = getattr(node.provides, "__qualname__", "what it calls")
                what = graph.nodes[argument.target].name if isinstance(argument, Edge) else repr(argument.value)
                yield Problem(
                    places.of(node.name),
                    f'{container.__name__}.{node.name} cannot be built: {shown} takes "{name}" as '
                    f"{form_text(wanted[name])}, and is given {what}, which is {form_text(given)}. "
                    "Give what it takes, or correct the annotation.",
                )


def _unselectable(
    container: type, node: ProviderNode, graph: ProviderGraph, model: type[PipelineSettings], places: SourcePlaces
) -> Iterator[Problem]:
    """Give the values that the type of a setting lets pass, and that select nothing."""
    form = _given(node.args[0], graph, model)
    for value in get_args(form) if get_origin(form) is Literal else ():
        if value not in node.members:
            setting = graph.nodes[cast("Edge", node.args[0]).target].name
            known = ", ".join(str(member) for member in node.members)
            yield Problem(
                places.of(node.name),
                f"{container.__name__}.{node.name} cannot be built where {setting} is {value!r}, which that may be. "
                f"Known: {known}. Give a provider for it, or take it out of the type of the setting.",
            )


def _wanted(node: ProviderNode) -> Mapping[str, object]:
    if constructor_of(node.provides) is None:
        return {}
    provides = cast("Any", node.provides)
    function = getattr(provides, "__init__") if isinstance(provides, type) else provides  # noqa: B009  # any class's
    try:
        return resolved_hints(function)
    except Unresolved:
        return {}


def _named_arguments(node: ProviderNode) -> Mapping[str, Argument]:
    constructor = constructor_of(node.provides)
    names = () if constructor is None else constructor.positional
    return dict(zip(names, node.args, strict=False)) | cast("dict[str, Argument]", node.kwargs)


def _given(argument: Argument, graph: ProviderGraph, model: type[PipelineSettings]) -> object:
    """Return the type of an argument; None where it cannot be told."""
    if not isinstance(argument, Edge):
        return type(argument.value) if isinstance(argument.value, _SCALARS) else None
    target = graph.nodes[argument.target]
    if argument.lazy:
        return None
    if isinstance(target.provides, SettingRead):
        path = target.provides.field.split(".") if target.provides.field else []
        return find_setting(model, path).annotation if path else model
    return given_form(target.provider)
