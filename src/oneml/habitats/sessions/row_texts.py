"""What is recorded of a node, as short texts for a row of a table."""

from typing import NamedTuple

from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.values.states import NodeState


class RowTexts(NamedTuple):
    """The texts; empty where there is nothing to tell."""

    state: str
    attempt: str
    seconds: str
    why: str


def row_texts(row: NodeRow | None) -> RowTexts:
    """Return what is recorded of a node as texts; None stands for a node of which nothing is."""
    if row is None:
        return RowTexts(NodeState.PENDING.value, "", "", "")
    seconds = "" if row.seconds is None else f"{row.seconds:.3f}"
    why = row.detail if row.reused_from is None else f"reused from {row.reused_from}"
    return RowTexts(row.state.value, str(row.attempt or ""), seconds, why)
