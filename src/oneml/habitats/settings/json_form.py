"""Python values as the JSON values that layers, recipes and other processes hold."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import cast

from pydantic import BaseModel, RootModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from oneml.habitats.settings.shapes import is_secret_type
from oneml.habitats.values.json_value import INT_MAX_DIGITS, JsonValue, canonical_json

DEPTH_MAX = 32


def as_json(value: object, depth: int = 0) -> JsonValue:
    """Return ``value`` as JSON; of a model only what was set in it.

    Infinities and NaN become the texts that pydantic reads back.

    Raises:
        ValueError: It has no form in JSON, or holds a secret; says which type, never the value.
    """
    if depth > DEPTH_MAX:
        message = f"is nested deeper than {DEPTH_MAX}"
        raise ValueError(message)
    if isinstance(value, Enum):
        return as_json(cast("object", value.value), depth + 1)
    if value is None or isinstance(value, bool | str | int | float):
        return _scalar(value)
    if is_secret_type(type(value)):
        message = "holds a secret itself; give a reference to it, env:NAME or file:NAME"
        raise ValueError(message)
    children = _children(value)
    if children is not None:
        return {_key(key): as_json(item, depth + 1) for key, item in children.items()}
    if isinstance(value, list | tuple):
        return [as_json(item, depth + 1) for item in cast("list[object]", value)]
    if isinstance(value, Set):
        return sorted((as_json(item, depth + 1) for item in cast("Set[object]", value)), key=canonical_json)
    return as_json(_by_pydantic(value), depth + 1)


def _scalar(value: str | float | None) -> JsonValue:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int):
        if value.bit_length() > INT_MAX_DIGITS * 3.32:
            message = f"is an integer of more than {INT_MAX_DIGITS} digits"
            raise ValueError(message)
        return int(value)
    try:
        value.encode()
    except UnicodeEncodeError:
        message = "is not Unicode text"
        raise ValueError(message) from None
    return str(value)


def _children(value: object) -> dict[object, object] | None:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, BaseModel):
        set_in_it = [name for name in type(value).model_fields if name in value.model_fields_set]
        return None if issubclass(type(value), RootModel) else _attributes(value, set_in_it, value.model_extra or {})
    if is_dataclass(value) and not isinstance(value, type):
        return _attributes(value, [field.name for field in fields(value) if field.init], {})
    return None


def _attributes(value: object, names: Sequence[str], extra: Mapping[str, object]) -> dict[object, object]:
    found: dict[object, object] = {name: cast("object", getattr(value, name)) for name in names}
    found.update(extra)
    return found


def _key(key: object) -> str:
    if isinstance(key, str):
        return str(_scalar(key))
    return str(next(iter(cast("Mapping[str, object]", _by_pydantic({key: None})))))


def _by_pydantic(value: object) -> object:
    if isinstance(value, RootModel):
        return cast("object", value.root)
    try:
        return cast("object", to_jsonable_python(value))
    except (PydanticSerializationError, ValueError):
        message = f"is a {type(value).__qualname__}, which has no form in JSON"
        raise ValueError(message) from None
