"""Which session and node this code runs in."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import NamedTuple

from oneml.habitats.errors import NoSessionError
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId


class Executing(NamedTuple):
    """What is executing.

    Attributes:
        habitat: Name of the habitat.
        session_id: The session.
        node: The node; None while no node runs.
        attempt: The attempt at it, from 1; 0 where nothing is recorded of it.
    """

    habitat: str
    session_id: SessionId
    node: NodePath | None
    attempt: int = 0


_current: ContextVar[Executing | None] = ContextVar("oneml_executing", default=None)


def enter(executing: Executing) -> Token[Executing | None]:
    """Make ``executing`` current, until `leave` is called with the token."""
    return _current.set(executing)


def leave(token: Token[Executing | None]) -> None:
    """Make current again what was before."""
    _current.reset(token)


class PipelineSessionContext:
    """The currently executing session and node, kept on contextvars: right in threads, asyncio and nested sessions."""

    @staticmethod
    def current() -> Executing:
        """Return what is executing here.

        Raises:
            NoSessionError: Nothing is.
        """
        executing = _current.get()
        if executing is None:
            raise NoSessionError
        return executing

    @staticmethod
    def get() -> Executing | None:
        """Return what is executing here, or None."""
        return _current.get()

    @staticmethod
    @contextmanager
    def entered(habitat: str, session_id: SessionId, node: NodePath | None = None) -> Generator[Executing]:
        """Make a session, and perhaps a node, the executing one inside the block; restored whatever happens."""
        executing = Executing(habitat, session_id, node)
        token = enter(executing)
        try:
            yield executing
        finally:
            leave(token)
