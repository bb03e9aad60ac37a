"""Errors of SQLite as errors of a store, each with what to do about it."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from oneml.habitats.errors import StoreError

REBUILD = "Move that file away: the index is then rebuilt from the artifact store."
_REMEDIES = {
    "SQLITE_BUSY": "Another process holds it; try again once that is done.",
    "SQLITE_LOCKED": "Another process holds it; try again once that is done.",
    "SQLITE_FULL": "Free space there, or let ONEML_STORE_URL name another folder.",
    "SQLITE_READONLY": "Make the file and its folder writable for this user.",
    "SQLITE_CANTOPEN": "Make the file and its folder readable and writable for this user.",
    "SQLITE_PERM": "Make the file and its folder readable and writable for this user.",
    "SQLITE_IOERR": "Look after the disk and its limits; nothing was recorded.",
    "SQLITE_CORRUPT": REBUILD,
    "SQLITE_NOTADB": REBUILD,
}


@contextmanager
def index_failures(action: str, place: str) -> Generator[None]:
    """Turn what SQLite refuses inside the block into a `StoreError`.

    Args:
        action: What is being done, for the message: ``be written``.
        place: The database.

    Raises:
        StoreError: Something was refused.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        family = "_".join(name.split("_")[:2])
        remedy = _REMEDIES.get(family, REBUILD)
        raise StoreError(place=place, reason=f"cannot {action}: {error}", remedy=remedy) from error


def corrupt_index(place: str, reason: str) -> StoreError:
    """Return the error for a database that is not what was written."""
    return StoreError(place=place, reason=f"is corrupt: {reason}", remedy=REBUILD)
