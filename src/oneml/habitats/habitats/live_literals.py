"""Digests of literals that cannot be changed in place, the same whether computed from source or from a live object."""

import hashlib
from typing import cast

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(...))


def literal_digest(value: object) -> str | None:
    """Return the begin of a SHA-256 of type and value; None for all but constants, and tuples of them."""
    text = _text(value)
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _text(value: object) -> str | None:
    if type(value) is tuple:
        items = [_text(item) for item in cast("tuple[object, ...]", value)]
        return None if None in items else f"({','.join(str(item) for item in items)})"
    if type(value) not in _PLAIN:
        return None
    shown = hex(value) if type(value) is int else repr(value)
    return f"{type(value).__name__}:{shown}"
