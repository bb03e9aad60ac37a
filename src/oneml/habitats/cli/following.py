"""Following a session that another process drives, by what it has recorded."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from oneml.habitats.cli.events import utc_now
from oneml.habitats.ports.observer import NodeEvent, Observer, SessionEvent
from oneml.habitats.values.states import SessionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oneml.habitats.ports.session_store import NodeRow
    from oneml.habitats.sessions.session import PipelineSession
    from oneml.habitats.values.node_path import NodePath

ENDED_STATES = frozenset({SessionState.SUCCEEDED, SessionState.FAILED, SessionState.STOPPED, SessionState.INTERRUPTED})


class Standing(NamedTuple):
    """Where a session stood at one look."""

    state: SessionState
    rows: "Mapping[NodePath, NodeRow]"


class Follower:
    """Looks at a session again and again, and tells observers of every change as its driver would.

    The first and the last that they are told is the state of the session. Of several changes of a node between two
    looks only the last is seen.

    Args:
        session: The session.
        observers: Told of every change; at the first look, of everything that is so already.
    """

    def __init__(self, session: "PipelineSession", observers: Sequence[Observer]) -> None:
        self._session = session
        self._observers = observers
        self._state: SessionState | None = None
        self._rows: dict[NodePath, NodeRow] = {}

    def look(self) -> Standing:
        """Look once, and tell what has changed.

        Raises:
            StoreError: The store failed.
            UnknownSessionError: The session was removed.
        """
        session = self._session
        # In this order: of a session that has ended every node is read in its last state.
        state, rows = session.state, session.node_rows()
        before, self._state = self._state, state
        has_ended = state in ENDED_STATES
        if before is None or (before is not state and not has_ended):
            self._tell_state(state)
        changed = [row for path, row in rows.items() if self._rows.get(path) != row]
        self._rows.update(rows)
        for row in sorted(changed, key=lambda row: row.changed_at):
            self._tell(
                NodeEvent(
                    session.session_id, row.path, row.state, row.attempt, row.detail, row.reused_from, row.seconds
                )
            )
        if before is not state and has_ended:
            self._tell_state(state)
        return Standing(state, rows)

    def follow(
        self,
        *,
        interval_seconds: float,
        after_look: Callable[[], None],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Standing:
        """Look until the session has ended, and return how.

        Args:
            interval_seconds: Between two looks; longer where a look itself takes longer.
            after_look: Called after each look.
            sleep: Waits.
            monotonic: Seconds.

        Raises:
            OnemlError: As `look`.
        """
        while True:
            began = monotonic()
            standing = self.look()
            after_look()
            if standing.state in ENDED_STATES:
                return standing
            sleep(max(interval_seconds, monotonic() - began))

    def _tell_state(self, state: SessionState) -> None:
        self._tell(SessionEvent(self._session.session_id, state, utc_now(), len(self._session.plan.nodes)))

    def _tell(self, event: SessionEvent | NodeEvent) -> None:
        for observer in self._observers:
            observer(event)
