"""The slow way to plain JSON: in Python, with the place of everything at hand."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import cast
from uuid import UUID

from oneml.habitats.data.json_values import is_real_scalar, one_step
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError

DEPTH_MAX = 190
"""Readers stop soon after."""

INT_MAX_BITS = 14_280
"""Below 4300 digits, where readers stop."""

_KEY_KINDS = (date, datetime, time, UUID, Decimal)


def plain_value(value: object) -> object:
    """Return ``value`` made of nothing but what JSON has, keys included.

    Raises:
        UnwritableError: Something in it cannot be written.
    """
    return _plain(value, "", 0)


def _plain(value: object, place: str, depth: int) -> object:
    if depth > DEPTH_MAX:
        raise UnwritableError(problem=f"is nested deeper than {DEPTH_MAX}, or holds itself")
    if isinstance(value, str):
        return _checked_text(value, place)
    if value is None or isinstance(value, int | float):
        if isinstance(value, int) and value.bit_length() > INT_MAX_BITS:
            raise UnwritableError(place=place, problem=f"is an integer of {value.bit_length()} bits")
        return value
    if isinstance(value, dict):
        return dict(_entries(cast("dict[object, object]", value), place, depth))
    if isinstance(value, list | tuple):
        items = enumerate(cast("Sequence[object]", value))
        return [_plain(item, _place_of(cast("object", value), index, place), depth + 1) for index, item in items]
    return _plain_of_another_kind(value, place, depth)


def _plain_of_another_kind(value: object, place: str, depth: int) -> object:
    try:
        stepped = one_step(value)
    except UnwritableError as error:
        if isinstance(value, set | frozenset):  # a member could not be ordered
            for member in cast("set[object]", value):
                _plain(member, f"{place}{{...}}", depth + 1)
        raise UnwritableError(place=place, problem=error.problem) from error
    if isinstance(value, Mapping) or not isinstance(stepped, dict):
        return _plain(stepped, place, depth)
    fields = cast("dict[str, object]", stepped)
    return {name: _plain(inner, f"{place}.{name}", depth + 1) for name, inner in fields.items()}


def _entries(value: Mapping[object, object], place: str, depth: int) -> Iterator[tuple[str, object]]:
    seen: dict[str, object] = {}
    for key, inner in value.items():
        text = _key(key, place)
        if text in seen:
            problem = f"has two keys that JSON cannot tell apart: {seen[text]!r} and {key!r}"
            raise UnwritableError(place=place, problem=problem)
        seen[text] = key
        yield text, _plain(inner, f"{place}[{key!r}]", depth + 1)


def _key(key: object, place: str) -> str:
    if isinstance(key, Enum) and type(key.value) is str:
        key = key.value
    elif is_real_scalar(key):
        key = one_step(key)
    if isinstance(key, str):
        return _checked_text(key, place)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float):
        return float.__repr__(key)
    if type(key) in _KEY_KINDS or isinstance(key, PurePath):
        return str(one_step(key))
    raise UnwritableError(place=place, problem=f"has a key that is a {type_name_of(key)}")


def _place_of(value: object, index: int, place: str) -> str:
    names = getattr(cast("object", type(value)), "_fields", None)
    return f"{place}.{names[index]}" if isinstance(names, tuple) else f"{place}[{index}]"


def _checked_text(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnwritableError(place=place, problem=f"holds text that is not Unicode: {error.reason}") from error
    return text
