"""Canonical JSON out, strict JSON in: the only ways in which documents of ours are written and read."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias, cast

from oneml.habitats.errors import InvalidDocumentError

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

DEPTH_MAX = 64
INT_MAX_DIGITS = 400
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: JsonValue) -> bytes:
    """Return the one encoding of ``value``: UTF-8, keys sorted, no space, NaN and infinities refused.

    Raises:
        ValueError: The value holds NaN or an infinity.
        TypeError: The value is not made of JSON types alone.
    """
    return _ENCODER.encode(value).encode()


def strict_json(data: bytes, *, what: str, limit_bytes: int) -> JsonValue:
    """Decode a document that may be hostile.

    Args:
        data: The document, UTF-8.
        what: What the document is, for the message: ``recipe of session ...``.
        limit_bytes: More than that is refused unread.

    Raises:
        InvalidDocumentError: Too large, too deep, not UTF-8, not JSON, a key given twice, NaN or an infinity, a number
            that only an infinity could stand for (``1e400``), or an integer of more than 400 digits.
    """
    if len(data) > limit_bytes:
        raise InvalidDocumentError(what=what, reason=f"it has {len(data)} bytes; at most {limit_bytes} are read")
    try:
        value = cast(
            "JsonValue",
            json.loads(
                data.decode(),
                object_pairs_hook=_unique_keys,
                parse_constant=_no_constant,
                parse_int=_short_int,
                parse_float=_finite,
            ),
        )
    except ValueError as error:
        raise InvalidDocumentError(what=what, reason=str(error)) from error
    except RecursionError as error:
        raise _too_deep(what) from error
    _check_depth(value, what)
    return value


def json_object(data: bytes, *, what: str, limit_bytes: int) -> JsonObject:
    """Decode a document whose top is an object; as `strict_json` otherwise.

    Raises:
        InvalidDocumentError: As `strict_json`, or the top is something else.
    """
    value = strict_json(data, what=what, limit_bytes=limit_bytes)
    if not isinstance(value, Mapping):
        raise InvalidDocumentError(what=what, reason="its top is not an object")
    return value


def _check_depth(value: JsonValue, what: str) -> None:
    level: list[JsonValue] = [value]
    for _ in range(DEPTH_MAX):
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return
        level = below
    if any(isinstance(item, dict | list) for item in level):
        raise _too_deep(what)


def _too_deep(what: str) -> InvalidDocumentError:
    return InvalidDocumentError(what=what, reason=f"it is nested deeper than {DEPTH_MAX}")


def _unique_keys(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        message = f"a key is given twice: {', '.join(twice)}"
        raise ValueError(message)
    return found


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        message = f"{digits[:40]} is beyond every number that can be kept"
        raise ValueError(message)
    return number


def _short_int(digits: str) -> int:
    if len(digits) > INT_MAX_DIGITS:
        message = f"an integer of {len(digits)} digits"
        raise ValueError(message)
    return int(digits)
