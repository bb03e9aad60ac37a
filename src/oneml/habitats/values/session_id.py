"""Session ids: made, checked, and encoded into files and keys."""

import hashlib
import os
import re
import time
import uuid
from typing import NewType

from oneml.habitats.errors import InvalidSessionIdError

SessionId = NewType("SessionId", str)
"""A checked session id."""

_GRAMMAR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_VERSION_7 = 0x7 << 76
_VERSION_8 = 0x8 << 76
_VARIANT = 0x2 << 62


def new_session_id() -> SessionId:
    """Return a new id: a version 7 uuid (RFC 9562), so that ids sort by time of creation."""
    milliseconds = time.time_ns() // 1_000_000 & (1 << 48) - 1
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | _VERSION_7 | (random >> 68) << 64 | _VARIANT | random & (1 << 62) - 1
    return SessionId(str(uuid.UUID(int=value)))


def derived_session_id(*parts: str) -> SessionId:
    """Return the id that these texts alone decide: a version 8 uuid (RFC 9562) of their hash."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) & ~(0x3 << 62) | _VERSION_8 | _VARIANT
    return SessionId(str(uuid.UUID(int=value)))


def parse_session_id(text: str) -> SessionId:
    """Check an id that somebody gave.

    Raises:
        InvalidSessionIdError: The text is not an id of the grammar.
    """
    if _GRAMMAR.fullmatch(text) is None:
        raise InvalidSessionIdError(session_id=text)
    return SessionId(text)


def session_key(session_id: SessionId) -> str:
    """Return the one name of a session in files and keys, without collision where case is folded."""
    folded = session_id.lower()
    if folded == session_id:
        return session_id
    return f"{folded}.{hashlib.sha256(session_id.encode()).hexdigest()[:16]}"
