"""``oneml run-pipeline-node``: all that an engine needs to run a node."""

import sys

import click

from oneml.habitats.cli.collector import importing
from oneml.habitats.cli.failures import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED, ReportedError
from oneml.habitats.cli.options import HABITAT_VARIABLE, SESSION_VARIABLE
from oneml.habitats.cli.printing import one_line, remark
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.values.node_path import parse_node_path
from oneml.habitats.values.states import NodeState

EXIT_CODES = {NodeState.REFUSED: EXIT_REFUSED, NodeState.CANCELLED: EXIT_INTERRUPTED}


@click.command("run-pipeline-node")
@click.argument("node")
@click.option("--pipeline", envvar=HABITAT_VARIABLE, metavar="HABITAT", help=f"Else {HABITAT_VARIABLE}.")
@click.option("--session-id", envvar=SESSION_VARIABLE, metavar="ID", help=f"Else {SESSION_VARIABLE}.")
def run_pipeline_node(node: str, *, pipeline: str | None, session_id: str | None) -> None:
    """Run NODE of an existing session in this process, unless its outputs are committed.

    The inputs of NODE must be: run the nodes upstream first.
    """
    habitat = _given(pipeline, "--pipeline", HABITAT_VARIABLE, "the habitat")
    known_id = _given(session_id, "--session-id", SESSION_VARIABLE, "the session")
    path = parse_node_path(node)
    with PipelineServiceClient().session(habitat, known_id) as session:
        if session.is_committed(path):
            remark(f"{path} has run in session {session.session_id}: its outputs are committed already.")
            return
        with importing():
            session.open()
        outcome = session.run_node(path)
    if outcome.state is NodeState.SUCCEEDED:
        if sys.stderr.isatty():
            remark(f"{path} succeeded in {outcome.seconds or 0:.3f} s.")
        return
    context = click.get_current_context().parent
    if outcome.error is not None and context is not None and context.params.get("traceback"):
        remark(outcome.error.traceback.rstrip())
    why = "" if outcome.error is None else f": {one_line(outcome.error.summary())}"
    message = f"{path} {outcome.state}{why}\nSee more: oneml sessions show {known_id} {path}"
    raise ReportedError(message, exit_code=EXIT_CODES.get(outcome.state, EXIT_FAILED))


def _given(value: str | None, option: str, variable: str, what: str) -> str:
    if not value:
        message = f"Name {what}: {option}, or the variable {variable}."
        raise click.UsageError(message)
    return value
