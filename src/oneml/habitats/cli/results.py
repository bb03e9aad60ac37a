"""How a run ended, for people and as a document."""

from collections import Counter
from typing import TYPE_CHECKING

import click

from oneml.habitats.cli.printing import print_document
from oneml.habitats.cli.published import pipeline_outputs
from oneml.habitats.cli.running import row_counts
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.states import NodeState

if TYPE_CHECKING:
    from oneml.habitats.sessions.run_result import RunResult
    from oneml.habitats.sessions.session import PipelineSession


def print_result(session: "PipelineSession", result: "RunResult", *, as_json: bool) -> None:
    """Print how a run ended, and the outputs of the pipeline as far as there are any.

    For people, a run that failed is told by `raise_unless_succeeded` alone, and an output that is a result of several
    ports has a line for each of them.

    Args:
        session: The session, still open.
        result: How it ended.
        as_json: Whether to print a document.
    """
    done = {path for path, row in result.nodes.items() if row.state is NodeState.SUCCEEDED}
    outputs = pipeline_outputs(session, done)
    if not as_json:
        if result.succeeded:
            counts = row_counts(result.nodes.values())
            click.echo(f"Session {result.session_id} {result.state}: {counts}.")
        for name, several in outputs.items():
            ports = Counter(each.node for each in several)
            for each in several:
                label = f"{name}.{each.port}" if ports[each.node] > 1 else name
                click.echo(f"{label}: {each.line(result.session_id)}")
        return
    members: dict[str, JsonValue] = {}
    for name, several in outputs.items():
        entries = [{"node": each.node, "port": each.port, **each.fields()} for each in several]
        members[name] = entries[0] if len(entries) == 1 else entries or None
    print_document(
        "run",
        session_id=result.session_id,
        habitat=session.habitat,
        state=result.state.value,
        nodes={path: row.state.value for path, row in result.nodes.items()},
        details={path: row.detail for path, row in result.nodes.items() if row.detail},
        reused_from={path: row.reused_from for path, row in result.nodes.items() if row.reused_from is not None},
        outputs=members,
    )
