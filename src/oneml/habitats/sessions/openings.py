"""The open containers of a session: one for each revision of its settings that is still at work."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome


class Openings:
    """Hands out the newest container; an older one is closed when its last node ends.

    Args:
        first: What is open already, where something is.
        reopen: Opens the container at the newest revision.
    """

    def __init__(self, first: OpenedSession | None, reopen: Callable[[], OpenedSession]) -> None:
        self._current = first
        self._reopen = reopen
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._users: dict[OpenedSession, int] = {}

    @property
    def known(self) -> OpenedSession | None:
        """The newest container, where one is open."""
        return self._current

    def current(self) -> OpenedSession:
        """Return the newest container, opened unless it is.

        Raises:
            RefusalError: This process is not what the recipe says.
        """
        if self._current is None:
            with self._opening:
                if self._current is None:
                    self._current = self._reopen()
        return self._current

    def replace(self, opened: OpenedSession) -> None:
        """Let ``opened`` be the newest."""
        with self._lock:
            older, self._current = self._current, opened
            idle = older is not None and not self._users.get(older)
        if older is not None and idle:
            older.close()

    @contextmanager
    def leased(self) -> Generator[OpenedSession]:
        """Keep the newest container open for the time of the block."""
        with self._lock:
            opened = self._current
            if opened is not None:
                self._users[opened] = self._users.get(opened, 0) + 1
        if opened is None:
            yield self.current()
            return
        try:
            yield opened
        finally:
            with self._lock:
                left = self._users[opened] - 1
                if left:
                    self._users[opened] = left
                else:
                    del self._users[opened]
                over = not left and opened is not self._current
            if over:
                opened.close()

    def run_scheduled(self, path: NodePath) -> NodeOutcome:
        """Run a node that is due in the newest container, with which it stays."""
        with self.leased() as opened:
            return opened.runner.run_scheduled(path)

    def close(self) -> None:
        """Close the newest container, unless nodes are at work in it: then they close it."""
        with self._lock:
            opened, self._current = self._current, None
            idle = opened is not None and not self._users.get(opened)
        if opened is not None and idle:
            opened.close()
