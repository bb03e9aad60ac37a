"""Keys of artifact stores: one grammar, safe in file names on every file system."""

import re

from oneml.habitats.errors import InvalidStoreKeyError

KEY_MAX_CHARACTERS = 1024
_SEGMENT = re.compile(r"[a-z0-9._-]{1,128}", re.ASCII)


def is_segment(text: str) -> bool:
    """Tell whether ``text`` may stand in a key."""
    return _SEGMENT.fullmatch(text) is not None and text not in {".", ".."}


def split_key(key: str) -> tuple[str, ...]:
    """Return the segments of ``key``.

    Raises:
        InvalidStoreKeyError: It is not of the grammar.
    """
    segments = tuple(key.split("/"))
    if len(key) > KEY_MAX_CHARACTERS or not all(map(is_segment, segments)):
        raise InvalidStoreKeyError(key=key)
    return segments
