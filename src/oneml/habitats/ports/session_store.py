"""The index of sessions: what `oneml sessions list` shows. It can be rebuilt from the artifact store."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

SOURCES_MAX = 8
"""So many sessions are told that computed the same; all of them hold the same outputs."""


class SessionRow(NamedTuple):
    """A session as the index knows it.

    Attributes:
        session_id: Its id.
        habitat: Name of its habitat.
        state: Its last recorded state.
        created_at: When its recipe was written, UTC.
        changed_at: When its state last changed, UTC.
        node_count: How many nodes its plan has.
        parent: The session that it comes from, see `Parent`; None where there is none.
    """

    session_id: SessionId
    habitat: str
    state: SessionState
    created_at: datetime
    changed_at: datetime
    node_count: int
    parent: SessionId | None = None


class NodeRow(NamedTuple):
    """A node of a session as the index knows it; nodes that were never recorded are pending.

    Attributes:
        path: Its path.
        state: Its last recorded state.
        attempt: The attempt (from 1) that the state is about; 0 where none was claimed.
        changed_at: When, UTC.
        seconds: How long the body of that attempt ran; None where it did not end. Of a reused node, how long it ran in
            the session that computed it.
        detail: Why it is in that state, for a person; empty where nothing needs saying.
        reuse_key: What decided its outputs, see `ReuseKeys`; None unless they can be reused.
        reused_from: The session whose node computed its outputs, where this one took them over.
    """

    path: NodePath
    state: NodeState
    attempt: int
    changed_at: datetime
    seconds: float | None
    detail: str
    reuse_key: str | None = None
    reused_from: SessionId | None = None


class SessionStore(Protocol):
    """An index of sessions and of the states of their nodes."""

    def put_session(self, row: SessionRow) -> None:
        """Add a session, or replace its row.

        Raises:
            StoreError: The index is corrupt, full, locked for too long or cannot be written.
        """
        ...

    def record(self, session_id: SessionId, state: SessionState, nodes: Sequence[NodeRow], at: datetime) -> None:
        """Record, in one transaction, the state of a session and of some of its nodes.

        Raises:
            StoreError: As `put_session`, or the session is not in the index.
        """
        ...

    def session(self, session_id: SessionId) -> SessionRow | None:
        """Return a session, or None where the index has none of that id."""
        ...

    def sessions(self) -> Sequence[SessionRow]:
        """Return every session, newest first."""
        ...

    def nodes(self, session_id: SessionId) -> Sequence[NodeRow]:
        """Return the recorded nodes of a session, sorted by path."""
        ...

    def computed(self, reuse_key: str) -> Sequence[SessionId]:
        """Return the sessions in which a node of that reuse key has succeeded, newest first, at most `SOURCES_MAX`."""
        ...

    def remove(self, session_id: SessionId) -> None:
        """Forget a session."""
        ...

    def drive(self, session_id: SessionId) -> AbstractContextManager[None]:
        """Be the one driver of a session, on this machine, until the block is left or the process ends.

        Raises:
            SessionBusyError: Another process, or another thread of this one, drives it.
        """
        ...

    def is_driven(self, session_id: SessionId) -> bool:
        """Tell whether some process drives the session now."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
