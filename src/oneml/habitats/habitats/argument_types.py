"""Whether what providers give fits the annotations of the constructors that they are given to.

Type checkers cannot see this, since the stubs of dependency-injector take anything. Reading annotations takes its
time, so it is done only where somebody asks for a check.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

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
