"""Types as authors annotate them: what is behind a wrapping, and how they read in a message."""

import typing
from collections.abc import Iterable, Mapping
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, cast, get_args, get_origin

from typing_extensions import TypeAliasType

_ALIAS_DEPTH_MAX = 20
ALIAS_TYPES = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))
"""What ``type X = ...`` makes from Python 3.12 on is another class than that of the backport."""


def bare(form: object) -> object:
    """Return ``form`` without ``Annotated``, aliases and type variables; ``Any`` where it says nothing."""
    for _ in range(_ALIAS_DEPTH_MAX):
        if form is None:
            return NoneType
        if get_origin(form) is Annotated:
            form = get_args(form)[0]
        elif isinstance(form, ALIAS_TYPES):
            form = cast("object", form.__value__)
        elif isinstance(get_origin(form), ALIAS_TYPES):
            form = _alias_form(form)
        elif isinstance(form, TypeVar):
            form = _variable_form(form)
        else:
            return Any if isinstance(form, str | ForwardRef) else form
    return Any


def substituted(form: object, meaning: Mapping[TypeVar, object]) -> object:
    """Return ``form`` with what its type variables stand for."""
    if isinstance(form, TypeVar):
        return meaning.get(form, form)
    variables = cast("tuple[TypeVar, ...]", getattr(form, "__parameters__", ()))
    if not meaning or not variables or get_origin(form) is None:
        return form
    return cast("Any", form)[tuple(meaning.get(variable, variable) for variable in variables)]


def is_union(form: object) -> bool:
    """Tell whether ``form`` is ``A | B`` or ``Optional[A]``."""
    return get_origin(form) in (Union, UnionType)


def union_of(forms: Iterable[object]) -> Any:
    """Return the union of ``forms``, ``Any`` where there is none."""
    try:
        return Union[tuple(dict.fromkeys(forms))]  # pyright: ignore[reportInvalidTypeForm]  # noqa: UP007  # at run time
    except TypeError:  # none at all, or one that is no type
        return Any


def list_of(form: object) -> object:
    """Return ``list[form]``."""
    return GenericAlias(list, (form,))


def tuple_of(form: object) -> object:
    """Return ``tuple[form, ...]``."""
    return GenericAlias(tuple, (form, ...))


def form_text(form: object) -> str:
    """Return ``form`` as an author would write it, without modules."""
    origin: object = get_origin(form)
    arguments = get_args(form)
    if origin is Annotated:
        return form_text(arguments[0])
    if is_union(form):
        return " | ".join(form_text(argument) for argument in arguments)
    if origin is Literal:
        return f"Literal[{', '.join(repr(argument) for argument in arguments)}]"
    if origin is not None:
        return f"{form_text(origin)}[{', '.join(form_text(argument) for argument in arguments)}]"
    return _name_of(form)


def _name_of(form: object) -> str:
    if form is None or form is NoneType:
        return "None"
    if isinstance(form, str):
        return form
    if isinstance(form, list):
        return f"[{', '.join(form_text(item) for item in cast('list[object]', form))}]"
    name: object = getattr(form, "__qualname__", None) or getattr(form, "__name__", None)
    if isinstance(name, str):
        return name.rpartition("<locals>.")[2]
    return "..." if form is ... else repr(form).removeprefix("typing.")


def _alias_form(form: object) -> object:
    alias = cast("TypeAliasType", get_origin(form))
    variables = cast("tuple[TypeVar, ...]", alias.__type_params__)
    return substituted(alias.__value__, dict(zip(variables, get_args(form), strict=False)))


def _variable_form(variable: TypeVar) -> object:
    if variable.__constraints__:
        return Union[variable.__constraints__]  # noqa: UP007  # made at run time
    return Any if variable.__bound__ is None else cast("object", variable.__bound__)
