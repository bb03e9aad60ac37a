"""Counts what has ended of a session while it runs, and tells what of it is news."""

from oneml.habitats.cli.printing import one_line
from oneml.habitats.ports.observer import NodeEvent, SessionEvent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import FINAL_NODE_STATES, NodeState


class Tally:
    """Counts the nodes that have a final state.

    Args:
        before: How many had one before.
    """

    def __init__(self, before: int) -> None:
        self.total = 0
        self._before = before
        self._ended: set[NodePath] = set()

    @property
    def ended(self) -> int:
        """How many have ended."""
        return self._before + len(self._ended)

    def take(self, event: SessionEvent | NodeEvent) -> None:
        """Count what an event says."""
        if isinstance(event, SessionEvent):
            self.total = event.node_count
        elif event.state in FINAL_NODE_STATES:
            self._ended.add(event.path)
        else:
            self._ended.discard(event.path)

    def line(self, event: NodeEvent) -> str:
        """Return the line that tells a person of ``event``."""
        joint = ", " if event.detail.startswith("because") else ": "
        detail = f"{joint}{one_line(event.detail)}" if event.detail else ""
        width = len(str(self.total))
        became = event.state if event.reused_from is None else f"reused from {event.reused_from}"
        return f"[{self.ended:>{width}}/{self.total}] {event.path} {became}{detail}"


def is_news(event: NodeEvent) -> bool:
    """Tell whether a person wants to read of it whatever the number of nodes: a failure, or another try."""
    again = event.state is NodeState.PENDING and bool(event.detail)
    return again or event.state in {NodeState.FAILED, NodeState.REFUSED}
