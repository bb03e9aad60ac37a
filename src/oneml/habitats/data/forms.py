"""Whether a value is of the form (annotation) that its reader wants."""

import types
from typing import Annotated, Literal, Union, get_args, get_origin

from oneml.habitats.data.type_names import form_name, type_name_of


def check_form(value: object, form: object) -> object:
    """Return ``value``, which was read from an artifact and has its final type already.

    Raises:
        TypeError: It is not of ``form``.
    """
    if is_of_form(value, form):
        return value
    message = f"it is a {type_name_of(value)}, and {form_name(form)} is wanted"
    raise TypeError(message)


def is_of_form(value: object, form: object) -> bool:
    """Tell whether ``value`` is of ``form``, as far as classes tell.

    Arguments of generic classes are not looked into, and what is no class is taken on trust: the annotations were
    held against each other when the pipeline was built.
    """
    origin: object = get_origin(form)
    if origin is Annotated:
        return is_of_form(value, get_args(form)[0])
    if origin is Union or origin is types.UnionType:
        return any(is_of_form(value, member) for member in get_args(form))
    if origin is Literal:
        return value in get_args(form)
    alias: object = getattr(form, "__supertype__", None) or getattr(form, "__value__", None)
    if alias is not None and not isinstance(form, type):
        return is_of_form(value, alias)
    kind = type(None) if form is None else form if origin is None else origin
    return not isinstance(kind, type) or _is_instance(value, kind)


def _is_instance(value: object, kind: type) -> bool:
    try:
        return kind is object or isinstance(value, kind)
    except TypeError:  # Any, a Protocol that cannot be asked at run time, a TypedDict
        return True
