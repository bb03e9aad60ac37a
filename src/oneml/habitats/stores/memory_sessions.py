"""A session store in the memory of this process, for sessions whose artifacts lie there as well."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime

from oneml.habitats.errors import SessionBusyError, StoreError
from oneml.habitats.ports.session_store import SOURCES_MAX, NodeRow, SessionRow
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState


class MemorySessionStore:
    """An index that nobody else can open, and that is gone with its last reference."""

    def __init__(self) -> None:
        self._sessions: dict[SessionId, SessionRow] = {}
        self._nodes: dict[SessionId, dict[NodePath, NodeRow]] = {}
        self._computed: dict[str, set[SessionId]] = {}
        self._driven: set[SessionId] = set()
        self._lock = threading.Lock()

    def put_session(self, row: SessionRow) -> None:
        """Add a session, or replace its row."""
        with self._lock:
            self._sessions[row.session_id] = row
            self._nodes.setdefault(row.session_id, {})

    def record(self, session_id: SessionId, state: SessionState, nodes: Sequence[NodeRow], at: datetime) -> None:
        """Record states; see `SessionStore`.

        Raises:
            StoreError: The session is not in the index.
        """
        with self._lock:
            row = self._sessions.get(session_id)
            if row is None:
                reason = f"has no session {session_id}"
                raise StoreError(place="memory:", reason=reason, remedy="It was removed meanwhile; create another.")
            if row.state != state:
                self._sessions[session_id] = row._replace(state=state, changed_at=at)
            self._nodes[session_id].update((node.path, node) for node in nodes)
            for node in nodes:
                if node.reuse_key is not None and node.state is NodeState.SUCCEEDED:
                    self._computed.setdefault(node.reuse_key, set()).add(session_id)

    def session(self, session_id: SessionId) -> SessionRow | None:
        """Return a session, or None."""
        return self._sessions.get(session_id)

    def sessions(self) -> Sequence[SessionRow]:
        """Return every session, newest first."""
        with self._lock:
            return sorted(self._sessions.values(), key=lambda row: (row.created_at, row.session_id), reverse=True)

    def nodes(self, session_id: SessionId) -> Sequence[NodeRow]:
        """Return the recorded nodes of a session, sorted by path."""
        with self._lock:
            return sorted(self._nodes.get(session_id, {}).values(), key=lambda node: node.path)

    def computed(self, reuse_key: str) -> Sequence[SessionId]:
        """Return the sessions in which a node of that reuse key has succeeded; see `SessionStore`."""
        with self._lock:
            holders = [self._sessions[session_id] for session_id in self._computed.get(reuse_key, ())]
        holders.sort(key=lambda row: (row.created_at, row.session_id), reverse=True)
        return [row.session_id for row in holders[:SOURCES_MAX]]

    def remove(self, session_id: SessionId) -> None:
        """Forget a session and its nodes."""
        with self._lock:
            self._sessions.pop(session_id, None)
            for node in self._nodes.pop(session_id, {}).values():
                if node.reuse_key is not None:
                    self._computed.get(node.reuse_key, set()).discard(session_id)

    @contextmanager
    def drive(self, session_id: SessionId) -> Generator[None]:
        """Be the one driver of a session until the block is left.

        Raises:
            SessionBusyError: Another thread drives it.
        """
        with self._lock:
            if session_id in self._driven:
                raise SessionBusyError(session_id=session_id, holder="another thread of this process")
            self._driven.add(session_id)
        try:
            yield
        finally:
            with self._lock:
                self._driven.discard(session_id)

    def is_driven(self, session_id: SessionId) -> bool:
        """Tell whether some thread drives the session now."""
        return session_id in self._driven

    def close(self) -> None:
        """Keep everything: it lives as long as this object."""
