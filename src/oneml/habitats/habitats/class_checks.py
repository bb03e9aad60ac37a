"""What is wrong with the names in the body of a container, found when the class is made."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from types import FunctionType

from dependency_injector import containers, providers
from typing_extensions import Format, get_annotations

from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.habitats.source_places import SourcePlaces
from oneml.habitats.settings.class_lines import declared_at
from oneml.habitats.values.problem import Problem


def class_problems(container: type, base: type) -> Sequence[Problem]:
    """Return every name that ``container`` declares but may not.

    Args:
        container: The class.
        base: The class that all containers are derived from.
    """
    places = SourcePlaces(container)
    declared = {**vars(container), **vars(container)["cls_providers"]}
    own = {
        name
        for name in (*vars(base), *get_annotations(base, format=Format.STRING))
        if name not in _FILLED_IN and not _is_dunder(name)
    }
    found = [(name, _reason(name, value, own)) for name, value in declared.items()]
    return [
        Problem(places.of(name), f"{container.__name__}.{name}: {reason}")
        for name, reason in found
        if reason is not None
    ]


def no_pipeline(container: type) -> InvalidPipelineError:
    """Return the error of a container that has no method ``define`` of its own."""
    name = container.__name__
    message = f"{name} defines no pipeline. Give it a method define(self, pipeline)."
    return InvalidPipelineError(habitat=name, problems=[Problem(declared_at(container), message)])


def _reason(name: str, value: object, own: Collection[str]) -> str | None:
    meaning = _MEANINGS.get(name)
    if meaning is not None:
        fits, reason = meaning
        if not fits(value):
            return reason
        return _misdefined(value) if name == "define" else None
    if isinstance(value, Settings):
        return 'settings are found by the name "settings". Call them that.'
    if isinstance(value, containers.WiringConfiguration):
        wired = value.modules or value.packages
        return "functions are not wired into opened containers. Pass them what they need." if wired else None
    if name in own or (isinstance(value, providers.Provider) and hasattr(containers.DeclarativeContainer, name)):
        return "every container has something of that name. Choose another name."
    return None


def _misdefined(define: object) -> str | None:
    """Return why calling a method ``define`` would fail, or define nothing at all."""
    if not isinstance(define, FunctionType):
        return None
    code = define.__code__
    if code.co_flags & (inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
        return "it is called once, to its end: take async and yield out of it."
    required = code.co_argcount - len(define.__defaults__ or ())
    takes_any = code.co_flags & inspect.CO_VARARGS
    if required > _DEFINE_ARGUMENTS or (code.co_argcount < _DEFINE_ARGUMENTS and not takes_any):
        return "it is called with the pipeline alone. Write define(self, pipeline)."
    return None


_DEFINE_ARGUMENTS = 2

_MEANINGS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "settings": (
        lambda value: isinstance(value, Settings),
        "this name is for the settings. Give settings = Settings(Model), or choose another name.",
    ),
    "define": (
        lambda value: callable(value) and not isinstance(value, providers.Provider),
        "this name is for the method that defines the DAG. Choose another name.",
    ),
    "first_party": (
        lambda value: not isinstance(value, providers.Provider),
        'this name is for packages that count as code: first_party = ("my_library",). Choose another name.',
    ),
    "package_data": (
        lambda value: not isinstance(value, providers.Provider),
        'this name is for files that count as code: package_data = ("my_library:prompts/*.txt",). Choose another name.',
    ),
    "__init__": (
        lambda _: False,
        "instances are made by open(), which does not call it. Build what it makes by a provider.",
    ),
}
"""Names that mean something to every container: what they may be, and what is said where they are not."""

_FILLED_IN = frozenset({"cls_providers", "containers", "inherited_providers", "providers"})
"""What the library itself puts into the body of each container."""


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
