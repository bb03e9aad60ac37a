"""Keeps the states of a running session: in memory at once, in the session store in batches, to observers as events."""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime

from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog, Observer, SessionEvent
from oneml.habitats.ports.session_store import NodeRow, SessionStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

FLUSH_SECONDS = 0.5
"""States reach the session store at least this often while a session runs."""

_log = logging.getLogger(__name__)


class Recorder:
    """The states of one session; used from the thread that drives it."""

    def __init__(
        self,
        session_id: SessionId,
        *,
        index: SessionStore,
        clock: Clock,
        node_count: int,
        rows: Mapping[NodePath, NodeRow],
        observers: Sequence[Observer] = (),
    ) -> None:
        self._session_id = session_id
        self._index = index
        self._clock = clock
        self._node_count = node_count
        self._observers = tuple(observers)
        self._rows = dict(rows)
        self._dirty: dict[NodePath, NodeRow] = {}
        self._state = SessionState.CREATED
        self._flush_at = 0.0
        self._lines: deque[NodeLog] = deque()

    @property
    def state(self) -> SessionState:
        """The last state of the session."""
        return self._state

    @property
    def rows(self) -> Mapping[NodePath, NodeRow]:
        """The last state of each node that has one."""
        return self._rows

    def session(self, state: SessionState) -> None:
        """The session is in ``state`` now; stored before this returns."""
        self._state = state
        at = self.flush()
        self.tell(SessionEvent(self._session_id, state, at, self._node_count))

    def node(
        self, path: NodePath, state: NodeState, *, attempt: int = 0, seconds: float | None = None, detail: str = ""
    ) -> None:
        """A node is in ``state`` now; stored soon."""
        clock = self._clock
        self._rows[path] = self._dirty[path] = NodeRow(path, state, attempt, clock.now(), seconds, detail)
        if self._observers:
            self.tell(NodeEvent(self._session_id, path, state, attempt, detail))
        if clock.monotonic() >= self._flush_at:
            self.flush()

    def log(self, path: NodePath, line: str) -> None:
        """A node wrote a line; called from any thread, told by `tell_logs`."""
        self._lines.append(NodeLog(self._session_id, path, line))

    def tell_logs(self) -> None:
        """Hand the lines that have come meanwhile to the observers."""
        while self._lines:
            self.tell(self._lines.popleft())

    def tell(self, event: Event) -> None:
        """Hand an event to every observer; one that raises is logged and stops nothing."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception:  # noqa: BLE001  # an observer is a stranger's code
                _log.exception("An observer failed on %s", type(event).__name__)

    def flush(self) -> datetime:
        """Store everything that is not stored yet, and return the time of it."""
        at = self._clock.now()
        self._index.record(self._session_id, self._state, list(self._dirty.values()), at)
        self._dirty.clear()
        self._flush_at = self._clock.monotonic() + FLUSH_SECONDS
        return at
