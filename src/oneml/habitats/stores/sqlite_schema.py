"""The tables of the session index, and how a database that is opened is held against them."""

import sqlite3
from pathlib import Path

from oneml.habitats.errors import StoreError
from oneml.habitats.stores.failures import UPGRADE
from oneml.habitats.stores.sqlite_failures import REBUILD, corrupt_index

APPLICATION_ID = 0x6F6E656D
"""Stands in the header of every database of ours: ``onem``."""

_VERSION_1 = (
    """
    CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY, habitat TEXT NOT NULL, state TEXT NOT NULL,
        created_at TEXT NOT NULL, changed_at TEXT NOT NULL, node_count INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE nodes (
        session_id TEXT NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
        changed_at TEXT NOT NULL, seconds REAL, detail TEXT NOT NULL, PRIMARY KEY (session_id, path)
    ) WITHOUT ROWID
    """,
)
_VERSION_2 = (
    "ALTER TABLE nodes ADD COLUMN reuse_key TEXT",
    "ALTER TABLE nodes ADD COLUMN reused_from TEXT",
    "CREATE INDEX nodes_by_reuse_key ON nodes (reuse_key) WHERE reuse_key IS NOT NULL",
)
_VERSION_3 = ("ALTER TABLE sessions ADD COLUMN parent TEXT",)
_MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3)
"""What takes a database from version N to N + 1 stands at index N; version 0 is an empty file."""

CHECK_MAX_BYTES = 8 << 20
"""A database up to this size is checked whole when it is opened (about 2 ms a MB); a larger one as it is read."""


def open_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Prepare a fresh connection: check the database, and bring its tables to this version.

    Raises:
        StoreError: The database is corrupt, of something else, or of a newer version.
        sqlite3.Error: SQLite refuses.
    """
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")
    version = _version(connection, path)
    if version == len(_MIGRATIONS):
        if path.stat().st_size <= CHECK_MAX_BYTES:
            _check(connection, path)
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in _MIGRATIONS[_version(connection, path) :]:  # again: another process may have been faster
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = _number(connection, "PRAGMA user_version")
    application = _number(connection, "PRAGMA application_id")
    if version == 0 and application == 0 and _number(connection, "SELECT count(*) FROM sqlite_schema") == 0:
        return 0
    if application != APPLICATION_ID:
        raise StoreError(place=str(path), reason="is a database of something else", remedy=REBUILD)
    if version > len(_MIGRATIONS):
        reason = f"is of version {version}, and this one knows {len(_MIGRATIONS)}"
        raise StoreError(place=str(path), reason=reason, remedy=UPGRADE)
    return version


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise corrupt_index(str(path), found.splitlines()[-1])


def _number(connection: sqlite3.Connection, statement: str) -> int:
    number: int = connection.execute(statement).fetchone()[0]
    return number
