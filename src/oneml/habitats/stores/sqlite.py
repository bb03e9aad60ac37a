"""The session store in an SQLite database.

The rollback journal is used, never WAL: WAL has corrupted databases in every SQLite before 3.51.3 (but for two patch
releases), does not work on network file systems, and once switched on would bind every other version that opens the
file. Write transactions begin as such (BEGIN IMMEDIATE), so that none has to be upgraded halfway.
"""

import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from oneml.habitats.errors import OnemlError, StoreError
from oneml.habitats.ports.session_store import SOURCES_MAX, NodeRow, SessionRow
from oneml.habitats.stores.driver_locks import DriverLocks
from oneml.habitats.stores.failures import store_failures
from oneml.habitats.stores.sqlite_failures import corrupt_index, index_failures
from oneml.habitats.stores.sqlite_schema import open_schema
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId, parse_session_id
from oneml.habitats.values.states import NodeState, SessionState
from oneml.habitats.values.times import rfc3339

BUSY_SECONDS = 5.0
"""How long to wait for another process that writes, with growing pauses."""

LOCKS = "drivers"
"""The folder beside the database where the locks of drivers lie."""

T = TypeVar("T")

_PUT = """
INSERT INTO sessions (session_id, habitat, state, created_at, changed_at, node_count, parent)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (session_id) DO UPDATE SET habitat = excluded.habitat, state = excluded.state,
    created_at = excluded.created_at, changed_at = excluded.changed_at, node_count = excluded.node_count,
    parent = excluded.parent
"""
_CHANGE = """
UPDATE sessions SET changed_at = CASE state WHEN :state THEN changed_at ELSE :at END, state = :state
WHERE session_id = :session_id
"""
_PUT_NODE = """
INSERT INTO nodes (session_id, path, state, attempt, changed_at, seconds, detail, reuse_key, reused_from)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (session_id, path) DO UPDATE SET state = excluded.state, attempt = excluded.attempt,
    changed_at = excluded.changed_at, seconds = excluded.seconds, detail = excluded.detail,
    reuse_key = excluded.reuse_key, reused_from = excluded.reused_from
"""
_SESSION = "SELECT session_id, habitat, state, created_at, changed_at, node_count, parent FROM sessions"
_NODES = """
SELECT path, state, attempt, changed_at, seconds, detail, reuse_key, reused_from FROM nodes
WHERE session_id = ? ORDER BY path
"""
_COMPUTED = """
SELECT session_id FROM nodes JOIN sessions USING (session_id) WHERE nodes.reuse_key = ? AND nodes.state = ?
GROUP BY session_id ORDER BY sessions.created_at DESC, session_id DESC LIMIT ?
"""


class SqliteSessionStore:
    """An index of sessions in one file, which is made when something is first recorded.

    Args:
        path: The file. Locks of drivers lie in a folder beside it.
        busy_seconds: How long to wait for another process that writes.
    """

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._path = path.absolute()
        self._place = str(self._path)
        self._busy_seconds = busy_seconds
        self._locks = DriverLocks(self._path.parent / LOCKS)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def put_session(self, row: SessionRow) -> None:
        """Add a session, or replace its row; see `SessionStore`.

        Raises:
            StoreError: The index is corrupt, full, locked for too long or cannot be written.
        """
        values = (*row[:3], rfc3339(row.created_at), rfc3339(row.changed_at), *row[5:])
        with self._writing() as connection:
            connection.execute(_PUT, values)

    def record(self, session_id: SessionId, state: SessionState, nodes: Sequence[NodeRow], at: datetime) -> None:
        """Record states in one transaction; see `SessionStore`.

        Raises:
            StoreError: As `put_session`, or the session is not in the index.
        """
        change = {"session_id": session_id, "state": state, "at": rfc3339(at)}
        rows = [(session_id, *node[:3], rfc3339(node.changed_at), *node[4:]) for node in nodes]
        with self._writing() as connection:
            if connection.execute(_CHANGE, change).rowcount == 0:
                reason = f"has no session {session_id}"
                remedy = "The index was changed or replaced meanwhile; list the sessions to have it rebuilt."
                raise StoreError(place=self._place, reason=reason, remedy=remedy)
            connection.executemany(_PUT_NODE, rows)

    def session(self, session_id: SessionId) -> SessionRow | None:
        """Return a session, or None.

        Raises:
            StoreError: The index is corrupt, locked for too long or cannot be read.
        """
        rows = self._select(f"{_SESSION} WHERE session_id = ?", (session_id,))
        return self._read(_session_row, rows)[0] if rows else None

    def sessions(self) -> Sequence[SessionRow]:
        """Return every session, newest first.

        Raises:
            StoreError: The index is corrupt, locked for too long or cannot be read.
        """
        rows = self._select(f"{_SESSION} ORDER BY created_at DESC, session_id DESC")
        return self._read(_session_row, rows)

    def nodes(self, session_id: SessionId) -> Sequence[NodeRow]:
        """Return the recorded nodes of a session, sorted by path.

        Raises:
            StoreError: The index is corrupt, locked for too long or cannot be read.
        """
        return self._read(_node_row, self._select(_NODES, (session_id,)))

    def computed(self, reuse_key: str) -> Sequence[SessionId]:
        """Return the sessions in which a node of that reuse key has succeeded; see `SessionStore`.

        Raises:
            StoreError: The index is corrupt, locked for too long or cannot be read.
        """
        rows = self._select(_COMPUTED, (reuse_key, NodeState.SUCCEEDED, SOURCES_MAX))
        return self._read(lambda row: parse_session_id(str(row[0])), rows)

    def remove(self, session_id: SessionId) -> None:
        """Forget a session and its nodes.

        Raises:
            StoreError: As `put_session`.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM nodes WHERE session_id = ?", (session_id,))
            connection.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))

    def drive(self, session_id: SessionId) -> AbstractContextManager[None]:
        """Be the one driver of a session; see `SessionStore`.

        Raises:
            SessionBusyError: Another process, or another thread of this one, drives it.
            StoreError: The folder of the index cannot be written.
        """
        return self._locks.hold(session_id)

    def is_driven(self, session_id: SessionId) -> bool:
        """Tell whether some process drives the session now.

        Raises:
            StoreError: The folder of the index cannot be read.
        """
        return self._locks.is_held(session_id)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._lock, index_failures("be written", self._place):
            connection = self._connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _select(self, statement: str, values: tuple[str | int, ...] = ()) -> list[tuple[object, ...]]:
        with self._lock, index_failures("be read", self._place), store_failures("be read", self._place):
            if self._connection is None and not self._path.exists():
                return []
            connection = self._connection or self._connect()
            return connection.execute(statement, values).fetchall()

    def _read(self, convert: Callable[[tuple[object, ...]], T], rows: list[tuple[object, ...]]) -> list[T]:
        try:
            return [convert(row) for row in rows]
        except (ValueError, OnemlError) as error:
            raise corrupt_index(self._place, str(error)) from error

    def _connect(self) -> sqlite3.Connection:
        with store_failures("be made", str(self._path.parent)):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            open_schema(connection, self._path)
        except BaseException:
            connection.close()
            raise
        weakref.finalize(self, connection.close)
        self._connection = connection
        return connection


def _session_row(row: tuple[object, ...]) -> SessionRow:
    match row:
        case (
            str(session_id),
            str(habitat),
            str(state),
            str(created_at),
            str(changed_at),
            int(node_count),
            (None | str()) as parent,
        ):
            return SessionRow(
                parse_session_id(session_id),
                habitat,
                SessionState(state),
                datetime.fromisoformat(created_at),
                datetime.fromisoformat(changed_at),
                node_count,
                None if parent is None else parse_session_id(parent),
            )
        case _:
            message = f"a row of a session holds {row!r}"
            raise ValueError(message)


def _node_row(row: tuple[object, ...]) -> NodeRow:
    match row:
        case (
            str(path),
            str(state),
            int(attempt),
            str(changed_at),
            (None | int() | float()) as seconds,
            str(detail),
            (None | str()) as reuse_key,
            (None | str()) as reused_from,
        ):
            return NodeRow(
                NodePath(path),
                NodeState(state),
                attempt,
                datetime.fromisoformat(changed_at),
                seconds,
                detail,
                reuse_key,
                None if reused_from is None else parse_session_id(reused_from),
            )
        case _:
            message = f"a row of a node holds {row!r}"
            raise ValueError(message)
