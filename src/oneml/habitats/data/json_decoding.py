"""JSON to values of the form that their reader wants."""

import sys
import types
from collections.abc import Collection, Iterable, Reversible, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args, get_origin

from oneml.habitats.data.type_names import form_name, type_name

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_ONCE_ONLY: Collection[object] = (Iterable, Collection, Reversible)
"""Forms that pydantic would fill with something that can be read once, or not at all."""


def decode_json(data: bytes, form: object) -> object:
    """Return the value that ``data`` holds, in ``form``.

    Without a form (``object`` or ``Any``) it is made of what JSON has: lists where there were tuples and sets, text for
    dates and for the keys of mappings, dicts for dataclasses and models.

    Raises:
        ValueError: ``data`` is no JSON.
        TypeError: It holds something that is not of ``form``, or ``form`` cannot be read from JSON.
    """
    if form is object or form is Any:
        from pydantic_core import from_json  # noqa: PLC0415  # only where something is decoded

        return from_json(data)
    scalar = _numpy_scalar(form)
    return _read(data, form) if scalar is None else _read_scalar(data, scalar)


def _read(data: bytes, form: object) -> object:
    from pydantic import PydanticUserError, ValidationError  # noqa: PLC0415  # only where something is decoded

    try:
        return _adapter_of(form).validate_json(data, strict=True, by_alias=True, by_name=True)
    except PydanticUserError as error:
        message = f"{form_name(form)} cannot be read from JSON: {error.message.splitlines()[0]}"
        raise TypeError(message) from error
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise ValueError(problems[0]["msg"]) from error
        raise TypeError(_summary(problems, form)) from error


def _adapter_of(form: object) -> "TypeAdapter[object]":
    try:
        hash(form)
    except TypeError:  # an annotation with metadata that cannot be hashed
        return _new_adapter(form)
    return _cached_adapter(form)


def _new_adapter(form: object) -> "TypeAdapter[object]":
    from pydantic import TypeAdapter  # noqa: PLC0415  # only where something is decoded

    wanted: Any = form
    if form in _ONCE_ONLY:
        wanted = list[object]
    elif get_origin(form) in _ONCE_ONLY:
        wanted = types.GenericAlias(list, get_args(form))
    return TypeAdapter[object](wanted)


_cached_adapter = lru_cache(maxsize=512)(_new_adapter)


def _summary(problems: "Sequence[Any]", form: object) -> str:
    first = problems[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"it is no {form_name(form)}: value{place}: {first['msg']}{more}"


def _numpy_scalar(form: object) -> "type[Any] | None":
    """Return ``form`` if it is a class of real NumPy scalars, which pydantic does not know."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(form, type) or get_origin(form) is not None:
        return None
    return form if issubclass(form, (numpy.bool_, numpy.integer, numpy.floating)) else None


def _read_scalar(data: bytes, kind: "type[Any]") -> object:
    numpy = sys.modules["numpy"]
    plain = bool if issubclass(kind, numpy.bool_) else int if issubclass(kind, numpy.integer) else float
    value = _read(data, plain)
    try:
        return kind(value)
    except OverflowError as error:
        message = f"{value} does not fit {type_name(kind)}"
        raise TypeError(message) from error
