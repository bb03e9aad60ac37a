"""``oneml sessions show``."""

from typing import TYPE_CHECKING

import click

from oneml.habitats.cli.completions import complete_node, complete_session
from oneml.habitats.cli.lineage_text import lineage_fields, lineage_text
from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.plan_text import node_fields, source_text
from oneml.habitats.cli.printing import one_line, print_document, print_table
from oneml.habitats.cli.running import error_text, state_counts
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.row_texts import row_texts
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.states import NodeState
from oneml.habitats.values.times import rfc3339

if TYPE_CHECKING:
    from oneml.habitats.ports.session_store import NodeRow
    from oneml.habitats.sessions.session import PipelineSession


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.argument("node", required=False, shell_complete=complete_node)
@as_json
def show(session: str, node: str | None, *, as_json: bool) -> None:
    """Show the nodes of SESSION and why they are in their states.

    With NODE: all about that one, what it raised included.
    """
    path = None if node is None else parse_node_path(node)
    with PipelineServiceClient().load_session(session) as found:
        if path is None:
            (_document_of_session if as_json else _print_session)(found)
            return
        found.check_node(path)
        (_document_of_node if as_json else _print_node)(found, path)


def _print_session(session: "PipelineSession") -> None:
    rows, plan = session.node_rows(), session.plan
    click.echo(f"Session {session.session_id} of {session.habitat}: {session.state}.")
    lineage = lineage_text(session.recipe)
    click.echo(f"{lineage}\n" if lineage else "")
    lines = [_line(path, plan.nodes[path].label, rows.get(path)) for path in plan.nodes]
    print_table(("NODE", "STATE", "ATTEMPT", "SECONDS", "WHY"), lines)
    states = (rows[path].state if path in rows else NodeState.PENDING for path in plan.nodes)
    reused = sum(row.reused_from is not None for row in rows.values())
    click.echo(f"\n{state_counts(states, reused=reused)}")


def _document_of_session(session: "PipelineSession") -> None:
    rows = session.node_rows()
    nodes: dict[str, JsonValue] = {path: _row_fields(rows.get(path)) for path in session.plan.nodes}
    print_document(
        "session",
        session_id=session.session_id,
        habitat=session.habitat,
        state=session.state.value,
        **lineage_fields(session.recipe),
        nodes=nodes,
    )


def _print_node(session: "PipelineSession", path: NodePath) -> None:
    node, row = session.plan.nodes[path], session.node_rows().get(path)
    state, attempt, seconds, why = row_texts(row)
    where = f" in attempt {attempt}" if attempt else ""
    if row is not None and row.reused_from is not None:
        where = f", {why}"
    duration = f", {seconds} s" if seconds else ""
    click.echo(f"{path} of session {session.session_id}: {state}{where}{duration}.")
    lines = [("provider", node.provider)]
    if node.label:
        lines.append(("values", node.label))
    lines.extend((f"input {name}", source_text(source)) for name, source in node.inputs.items())
    lines.extend(("after", upper) for upper in node.after)
    if session.is_committed(path):
        for port, record in sorted(session.ports(path).items()):
            lines.append((f"output {port}", f"{record.serializer}, {record.size} bytes, sha256 {record.digest}"))
    else:
        lines.extend((f"output {port}", "not published") for port in node.outputs)
    click.echo()
    print_table((), lines)
    outcome = session.outcome(path)
    raised = "" if outcome is None else error_text(outcome)
    if raised:
        click.echo(f"\n{raised}")
    elif row is not None and row.detail:
        click.echo(f"\n{row.detail}")


def _document_of_node(session: "PipelineSession", path: NodePath) -> None:
    outcome = session.outcome(path)
    error = None if outcome is None else outcome.error
    ports: JsonObject = {}
    if session.is_committed(path):
        ports = {
            port: {"serializer": record.serializer, "digest": record.digest, "size": record.size}
            for port, record in sorted(session.ports(path).items())
        }
    print_document(
        "session-node",
        session_id=session.session_id,
        habitat=session.habitat,
        **node_fields(session.plan.nodes[path]),
        **_row_fields(session.node_rows().get(path)),
        ports=ports,
        error=None if error is None else {"type": error.type, "text": error.text, "traceback": error.traceback},
    )


def _line(path: NodePath, label: str, row: "NodeRow | None") -> tuple[str, str, str, str, str]:
    state, attempt, seconds, why = row_texts(row)
    return f"{path} ({label})" if label else path, state, attempt, seconds, one_line(why)


def _row_fields(row: "NodeRow | None") -> JsonObject:
    if row is None:
        absent: JsonObject = {"attempt": 0, "seconds": None, "changed_at": None, "detail": "", "reused_from": None}
        return {"state": NodeState.PENDING.value, **absent}
    return {
        "state": row.state.value,
        "attempt": row.attempt,
        "seconds": row.seconds,
        "changed_at": rfc3339(row.changed_at),
        "detail": row.detail,
        "reused_from": row.reused_from,
    }
