"""Keeps the states of a running session: in memory at once, in the session store in batches, to observers as events."""

import logging
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from oneml.habitats.engines.task_lines import is_printed, printed_as_it_is
from oneml.habitats.errors import StoreError
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog, Observer, SessionEvent
from oneml.habitats.ports.session_store import NodeRow, SessionStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import FINAL_NODE_STATES, NodeState, SessionState
from oneml.habitats.values.utf8_text import utf8_text

FLUSH_SECONDS = 0.5
"""States reach the session store at least this often while a session runs."""

_log = logging.getLogger(__name__)


class _Change(NamedTuple):
    """A state of a node with the monotonic time of it: most are overwritten before anyone wants the time of day."""

    path: NodePath
    state: NodeState
    attempt: int
    at: float
    seconds: float | None
    detail: str
    reuse_key: str | None
    reused_from: SessionId | None


class Recorder:
    """The states of one session; made and used in the thread that drives it, but for `log`.

    Args:
        session_id: The session.
        index: The session store.
        clock: Time.
        node_count: How many nodes the plan has.
        rows: What is known of nodes from before.
        observers: Told of everything.
    """

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
        self._monotonic = clock.monotonic
        self._began = clock.now()
        self._began_monotonic = clock.monotonic()
        self._node_count = node_count
        self._observers = tuple(observers)
        self._rows = dict(rows)
        self._dirty: dict[NodePath, _Change] = {}
        self._state = SessionState.CREATED
        self._flushing = threading.Lock()
        self._driver = threading.get_ident()
        self._lines: deque[NodeLog] = deque()
        self._told: set[NodePath] = set()
        self._early: dict[NodePath, list[NodeLog]] = {}
        """Lines of nodes that an engine has started before it told of those that they waited for."""

    @property
    def state(self) -> SessionState:
        """The last state of the session."""
        return self._state

    @property
    def is_heard(self) -> bool:
        """Whether anybody is told of anything."""
        return bool(self._observers)

    @property
    def rows(self) -> Mapping[NodePath, NodeRow]:
        """The last stored state of each node that has one."""
        return self._rows

    def is_open(self, path: NodePath) -> bool:
        """Tell whether a node has no final state yet."""
        with self._flushing:  # in the midst of it a state is in neither
            known = self._dirty.get(path) or self._rows.get(path)
        return known is None or known.state not in FINAL_NODE_STATES

    def session(self, state: SessionState) -> None:
        """The session is in ``state`` now; stored before this returns."""
        self._state = state
        at = self.flush()
        self.tell(SessionEvent(self._session_id, state, at, self._node_count))

    def node(
        self,
        path: NodePath,
        state: NodeState,
        *,
        attempt: int = 0,
        seconds: float | None = None,
        detail: str = "",
        reuse_key: str | None = None,
        reused_from: SessionId | None = None,
    ) -> None:
        """A node is in ``state`` now; stored soon."""
        at = self._monotonic()
        detail = utf8_text(detail)  # of an engine's errors, too: the index takes no other
        self._dirty[path] = _Change(path, state, attempt, at, seconds, detail, reuse_key, reused_from)
        if self._observers:
            if self._lines:
                self.tell_logs()  # what a node wrote before it ended is told before
            self._told.add(path)
            self.tell(NodeEvent(self._session_id, path, state, attempt, detail, reused_from, seconds))
            for line in self._early.pop(path, ()):
                self.tell(line)

    def log(self, path: NodePath, line: str) -> None:
        """A node wrote a line; called from any thread: told at once in that which drives, else by `tell_logs`."""
        self._lines.append(NodeLog(self._session_id, path, line))
        if threading.get_ident() == self._driver:
            self.tell_logs()

    def tell_logs(self) -> None:
        """Hand the lines that have come meanwhile to the observers, those of a node once they were told of it."""
        while self._lines:
            line = self._lines.popleft()
            if line.path in self._told:
                self.tell(line)
            elif self._observers:
                self._early.setdefault(line.path, []).append(line)

    def tell(self, event: Event) -> None:
        """Hand an event to every observer; one that raises is logged and stops nothing."""
        if is_printed():
            with printed_as_it_is():  # what observers print is no node's
                self._tell(event)
        else:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        for observer in self._observers:
            try:
                observer(event)
            except Exception:  # noqa: BLE001  # an observer is a stranger's code
                _log.exception("An observer failed on %s", type(event).__name__)

    @contextmanager
    def keeping_up(self) -> Generator[None]:
        """Store states every `FLUSH_SECONDS` inside the block, also while the thread that drives waits for a body."""
        ended = threading.Event()
        thread = threading.Thread(target=self._keep_up, args=(ended,), name="oneml-recorder", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def flush(self) -> datetime:
        """Store everything that is not stored yet, and return the time of it.

        Raises:
            StoreError: The session store failed; what was not stored is kept for the next time.
        """
        with self._flushing:
            at = self._time_of(self._monotonic())
            taken: list[_Change] = []
            while self._dirty:
                taken.append(self._dirty.popitem()[1])
            changed = [
                NodeRow(path, state, attempt, self._time_of(when), seconds, detail, reuse_key, reused_from)
                for path, state, attempt, when, seconds, detail, reuse_key, reused_from in taken
            ]
            try:
                self._index.record(self._session_id, self._state, changed, at)
            except BaseException:
                for change in taken:
                    self._dirty.setdefault(change.path, change)
                raise
            self._rows.update((row.path, row) for row in changed)
            return at

    @printed_as_it_is()
    def _keep_up(self, ended: threading.Event) -> None:
        while not ended.wait(FLUSH_SECONDS):
            if self._dirty:
                try:
                    self.flush()
                except StoreError as error:
                    _log.warning("States could not be stored and will be tried again: %s", error)

    def _time_of(self, monotonic: float) -> datetime:
        return self._began + timedelta(seconds=monotonic - self._began_monotonic)
