"""How a run of a session ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import SessionState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run of a session ended.

    Attributes:
        session_id: The session.
        state: ``succeeded``, ``failed`` or ``stopped``.
        nodes: The final state of every node, with why.
    """

    session_id: SessionId
    state: SessionState
    nodes: Mapping[NodePath, NodeRow]

    @property
    def succeeded(self) -> bool:
        """Whether every node has succeeded."""
        return self.state is SessionState.SUCCEEDED
