"""How a run of a session ended."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from oneml.habitats.errors import SessionFailedError
from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

_SHOWN_MAX_CHARACTERS = 160


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
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

    def __repr__(self) -> str:
        """Say what a failed assertion needs in the few characters that pytest shows: what failed first, and why."""
        counts = Counter(row.state.value for row in self.nodes.values())
        counted = ", ".join(f"{count} {state}" for state, count in counts.items())
        first = next((f"; {path}: {row.detail}" for path, row in self.nodes.items() if _failed(row)), "")
        if len(first) > _SHOWN_MAX_CHARACTERS:
            first = f"{first[:_SHOWN_MAX_CHARACTERS]}..."
        return f"<RunResult {self.state.value}: {counted}{first}>"

    @property
    def succeeded(self) -> bool:
        """Whether every node has succeeded."""
        return self.state is SessionState.SUCCEEDED

    def raise_unless_succeeded(self) -> None:
        """Let pass a session that has succeeded: what a body says that needs what the session computes.

        Raises:
            SessionFailedError: It has not; says which nodes failed, and why.
        """
        if not self.succeeded:
            failed = [f"{path} {row.state.value}: {row.detail}" for path, row in self.nodes.items() if _failed(row)]
            raise SessionFailedError(session_id=self.session_id, state=self.state.value, failures=failed)


def _failed(row: NodeRow) -> bool:
    return row.state is NodeState.FAILED or row.state is NodeState.REFUSED
