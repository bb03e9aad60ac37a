"""States of sessions and nodes, and which of them are final."""

from enum import StrEnum


class NodeState(StrEnum):
    """Where a node of a session stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    """Its worker is not what the recipe says; the body did not run."""
    SKIPPED = "skipped"
    """Something upstream did not succeed, or the session stops at the first failure."""
    CANCELLED = "cancelled"


class SessionState(StrEnum):
    """Where a session stands."""

    CREATED = "created"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    """It says that it runs, but no process drives it any more; never stored, only told."""


FINAL_NODE_STATES = frozenset(
    {NodeState.SUCCEEDED, NodeState.FAILED, NodeState.REFUSED, NodeState.SKIPPED, NodeState.CANCELLED}
)
