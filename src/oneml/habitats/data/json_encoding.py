"""Values to canonical JSON: equal bytes for equal values, whatever the process and its hash seed.

Plain data is left to the encoder of the standard library, with a hook for everything else. Only where that fails is
the value walked in Python, to convert keys that JSON does not have, or to say where the trouble is.

Keys are sorted. NaN and the infinities become ``NaN``, ``Infinity`` and ``-Infinity``, which the readers of Python and
pydantic take: a metric may be NaN. Bytes inside a value are refused, because readers differ in what they make of them.
"""

from oneml.habitats.data.json_values import ENCODER
from oneml.habitats.data.json_walk import DEPTH_MAX, plain_value

_NONE_AS_KEY = '"null":'
"""What the encoder makes of None as a key, which would come back as text."""


def encode_json(value: object) -> bytes:
    """Return ``value`` as canonical JSON.

    Raises:
        UnwritableError: Something in it cannot be written.
    """
    try:
        text = ENCODER.encode(value)
        data = text.encode()
    except (TypeError, ValueError, RecursionError):
        return ENCODER.encode(plain_value(value)).encode()
    if _NONE_AS_KEY in text:
        plain_value(value)
    if text.count("[") + text.count("{") > DEPTH_MAX:
        _check_depth(value, data)
    return data


def _check_depth(value: object, data: bytes) -> None:
    from pydantic_core import from_json  # noqa: PLC0415  # small documents do without

    try:
        from_json(data)
    except ValueError:
        plain_value(value)
        raise
