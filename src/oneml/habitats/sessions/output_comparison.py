"""Where what two sessions came to differs: states of nodes, and the contents of their outputs."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.sessions.port_texts import record_text
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.states import NodeState

_Ports = Mapping[str, PortRecord]


def output_drifts(
    first: Plan,
    second: Plan,
    first_rows: Mapping[NodePath, NodeRow],
    second_rows: Mapping[NodePath, NodeRow],
    first_ports: Callable[[NodePath], _Ports],
    second_ports: Callable[[NodePath], _Ports],
) -> Sequence[Drift]:
    """Return the differences of the nodes that both plans have, in the order of the first.

    Args:
        first: The one plan.
        second: The other.
        first_rows: States of nodes of the first session.
        second_rows: The same of the second.
        first_ports: Gives what a node of the first session published.
        second_ports: The same of the second.
    """
    found: list[Drift] = []
    for path in first.nodes:
        if path not in second.nodes:
            continue
        states = _state(first_rows.get(path)), _state(second_rows.get(path))
        if states[0] != states[1]:
            details = [row.detail if (row := rows.get(path)) else "" for rows in (first_rows, second_rows)]
            told = [f"{state} ({detail})" if detail else state for state, detail in zip(states, details, strict=True)]
            found.append(Drift("node", path, "state", *told))
        found.extend(_ports(path, first_ports(path), second_ports(path)))
    return found


def _ports(path: NodePath, one: _Ports, other: _Ports) -> Iterator[Drift]:
    if not one or not other:
        return  # the states tell, or outputs stayed in memory
    for port in sorted(one.keys() | other.keys()):
        before, now = one.get(port), other.get(port)
        if before is None or now is None or before[:4] != now[:4]:
            yield Drift("output", path, port, record_text(before), record_text(now))


def _state(row: NodeRow | None) -> str:
    return NodeState.PENDING.value if row is None else row.state.value
