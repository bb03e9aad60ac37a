"""One step from a value towards plain JSON, for everything that JSON does not have itself."""

import dataclasses
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PosixPath, PurePosixPath
from typing import Any
from uuid import UUID

from oneml.habitats.data.type_names import type_name, type_name_of
from oneml.habitats.data.unwritable import UnwritableError

PLAIN_KINDS = frozenset({type(None), bool, int, float, str, list, tuple, dict})

_MODULES_OF_TEXTS = frozenset({"ipaddress", "pydantic.networks", "pydantic_core._pydantic_core"})
"""Addresses and URLs: their text says all."""


def is_json_kind(value: object) -> bool:
    """Tell whether ``value`` itself is of a kind that can be written; what it holds is not looked at."""
    kind = type(value)
    return (
        kind in PLAIN_KINDS
        or kind in _BY_TYPE
        or isinstance(value, str | int | float | list | tuple)
        or any(is_one(value) for is_one, _ in _BY_LOOKING)
    )


def one_step(value: object) -> object:
    """Return what JSON writes for ``value``; what is inside that may need a step of its own.

    Raises:
        UnwritableError: JSON has nothing for it.
    """
    kind = type(value)
    convert = _BY_TYPE.get(kind)
    if convert is None:
        convert = next((convert for is_one, convert in _BY_LOOKING if is_one(value)), None)
    if convert is None:
        raise UnwritableError(problem=f"is a {type_name(kind)}")
    return convert(value)


def is_real_scalar(value: object) -> bool:
    """Tell whether ``value`` is a NumPy scalar that a JSON number or boolean holds exactly."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic):
        return False
    return isinstance(value, numpy.bool_ | numpy.integer | numpy.float16 | numpy.float32 | numpy.float64)


def _is_dataclass(value: object) -> bool:
    return dataclasses.is_dataclass(type(value))


def _is_model(value: object) -> bool:
    return hasattr(type(value), "__pydantic_fields__")


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_enum(value: object) -> bool:
    return isinstance(value, Enum)


def _is_text_at_heart(value: object) -> bool:
    return type(value).__module__ in _MODULES_OF_TEXTS


def _of_dataclass(value: object) -> object:
    kind: type = type(value)
    return {name: getattr(value, name) for name in _field_names(kind)}


def _of_model(value: Any) -> object:
    return value.__pydantic_serializer__.to_python(value, round_trip=True, warnings="none")


def _of_scalar(value: Any) -> object:
    return value.item()


def _of_set(value: set[object] | frozenset[object]) -> list[object]:
    """Order the members by what is written of them: their own order may be partial, or none."""
    return sorted(value, key=ENCODER.encode)


def _of_enum(value: Enum) -> object:
    if type(value.value) in {bool, int, float, str}:
        return value.value
    raise UnwritableError(problem=f"is {value}, whose value is a {type_name_of(value.value)} and not plain")


def _of_timedelta(value: timedelta) -> object:
    from pydantic_core import to_jsonable_python  # noqa: PLC0415  # rare

    return to_jsonable_python(value)


def _of_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise UnwritableError(problem=f"is Decimal({str(value)!r}), which readers refuse")
    return str(value)


def _of_bytes(_: object) -> object:
    raise UnwritableError(problem="is bytes, which JSON does not have: give them a port of their own")


@lru_cache(maxsize=512)
def _field_names(kind: type) -> tuple[str, ...]:
    names = tuple(field.name for field in dataclasses.fields(kind) if field.init)
    gone = [name for name in inspect.signature(kind).parameters if name not in names]
    if gone:
        problem = f"is a {type_name(kind)}, which is made from {', '.join(gone)} but does not keep that"
        raise UnwritableError(problem=problem)
    return names


_BY_TYPE: Mapping[type, Callable[[Any], object]] = {
    set: _of_set,
    frozenset: _of_set,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: _of_timedelta,
    Decimal: _of_decimal,
    UUID: str,
    PosixPath: str,
    PurePosixPath: str,
    bytes: _of_bytes,
}

_BY_LOOKING: Sequence[tuple[Callable[[object], bool], Callable[[Any], object]]] = (
    (_is_enum, _of_enum),
    (_is_dataclass, _of_dataclass),
    (_is_model, _of_model),
    (_is_mapping, dict),
    (is_real_scalar, _of_scalar),
    (_is_text_at_heart, str),
)

ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=True, default=one_step)
