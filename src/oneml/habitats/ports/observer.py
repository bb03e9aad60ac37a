"""What happens in a session, told while it happens."""

from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState


class SessionEvent(NamedTuple):
    """A session changed its state."""

    session_id: SessionId
    state: SessionState
    at: datetime
    node_count: int


class NodeEvent(NamedTuple):
    """A node changed its state.

    ``reused_from`` is the session whose outputs it took over; ``seconds`` how long its body ran, once that has ended.
    """

    session_id: SessionId
    path: NodePath
    state: NodeState
    attempt: int
    detail: str
    reused_from: SessionId | None = None
    seconds: float | None = None


class NodeLog(NamedTuple):
    """A node wrote a line to its standard output or error; secrets are masked."""

    session_id: SessionId
    path: NodePath
    line: str


Event: TypeAlias = SessionEvent | NodeEvent | NodeLog


class Observer(Protocol):
    """Gets every event of a session, from the thread that drives it. What it raises is logged and goes no further."""

    def __call__(self, event: Event, /) -> None:
        """Take one event."""
        ...
