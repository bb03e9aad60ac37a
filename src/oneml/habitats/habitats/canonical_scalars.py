"""Canonical forms of values that contain no others."""

import hashlib
import math
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from types import EllipsisType, NoneType, NotImplementedType
from typing import Any
from uuid import UUID

from oneml.habitats.values.json_value import JsonValue

_TEXT_MAX_CHARACTERS = 1_000
_BYTES_MAX = 64
_INT_MAX_BITS = 1_000


def text_form(value: str) -> JsonValue:
    """Return the form of a text: itself, or its digest where it is long."""
    if len(value) <= _TEXT_MAX_CHARACTERS and not _has_surrogates(value):
        return value
    data = value.encode(errors="surrogatepass")
    return {"str": {"characters": len(value), "sha256": hashlib.sha256(data).hexdigest()}}


def bytes_form(value: bytes | bytearray) -> JsonValue:
    """Return the form of bytes: in hexadecimal, or their digest where they are many."""
    if len(value) <= _BYTES_MAX:
        return value.hex()
    return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}


def _has_surrogates(value: str) -> bool:
    if value.isascii():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _int(value: int) -> JsonValue:
    if value.bit_length() <= _INT_MAX_BITS:
        return value
    data = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return {"int": {"bits": value.bit_length(), "sha256": hashlib.sha256(data).hexdigest()}}


def _float(value: float) -> JsonValue:
    return value if math.isfinite(value) else {"float": str(value)}


def _path(value: PurePath) -> JsonValue:
    return {type(value).__name__: text_form(str(value))}


def _itself(value: bool | None) -> JsonValue:  # noqa: FBT001  # a value, not an option
    return value


SCALARS: Mapping[type, Callable[[Any], JsonValue]] = {
    str: text_form,
    bool: _itself,
    NoneType: _itself,
    int: _int,
    float: _float,
    bytes: lambda value: {"bytes": bytes_form(value)},
    bytearray: lambda value: {"bytearray": bytes_form(value)},
    complex: lambda value: {"complex": [_float(value.real), _float(value.imag)]},
    Decimal: lambda value: {"Decimal": str(value)},
    Fraction: lambda value: {"Fraction": [_int(value.numerator), _int(value.denominator)]},
    date: lambda value: {"date": value.isoformat()},
    timedelta: lambda value: {"timedelta": [value.days, value.seconds, value.microseconds]},
    UUID: lambda value: {"UUID": str(value)},
    range: lambda value: {"range": [_int(value.start), _int(value.stop), _int(value.step)]},
    EllipsisType: lambda _: {"constant": "Ellipsis"},
    NotImplementedType: lambda _: {"constant": "NotImplemented"},
    PurePosixPath: _path,
    PureWindowsPath: _path,
    PosixPath: _path,
    WindowsPath: _path,
}
"""The form of each of them, by the exact type of the value."""
