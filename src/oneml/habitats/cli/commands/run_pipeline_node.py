"""``oneml run-pipeline-node``: all that an engine needs to run a node."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from oneml.habitats.cli.collector import importing
from oneml.habitats.cli.completions import complete_habitat, complete_node, complete_session
from oneml.habitats.cli.failures import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED, ReportedError
from oneml.habitats.cli.leaving import leaving_fails
from oneml.habitats.cli.options import HABITAT_VARIABLE, SESSION_VARIABLE, as_json
from oneml.habitats.cli.printing import one_line, print_document, remark
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

if TYPE_CHECKING:
    from oneml.habitats.sessions.session import PipelineSession

EXIT_CODES = {NodeState.REFUSED: EXIT_REFUSED, NodeState.CANCELLED: EXIT_INTERRUPTED}


@click.command("run-pipeline-node")
@click.argument("node", shell_complete=complete_node)
@click.option(
    "--pipeline",
    envvar=HABITAT_VARIABLE,
    metavar="HABITAT",
    shell_complete=complete_habitat,
    help=f"Else {HABITAT_VARIABLE}.",
)
@click.option(
    "--session-id",
    envvar=SESSION_VARIABLE,
    metavar="ID",
    shell_complete=complete_session,
    help=f"Else {SESSION_VARIABLE}.",
)
@as_json
def run_pipeline_node(node: str, *, pipeline: str | None, session_id: str | None, as_json: bool) -> None:
    """Run NODE of an existing session in this process, unless its outputs are committed.

    The inputs of NODE must be: run the nodes upstream first.

    \b
    Example, all that an engine needs to run a node:
      ONEML_HABITATS_PIPELINE=diamond ONEML_PIPELINE_SESSION_ID=... oneml run-pipeline-node //join
    """
    habitat = _given(pipeline, "--pipeline", HABITAT_VARIABLE, "the habitat")
    known_id = _given(session_id, "--session-id", SESSION_VARIABLE, "the session")
    path = parse_node_path(node)
    client = PipelineServiceClient()
    with client.session(habitat, known_id) as session:
        if session.is_committed(path):
            remark(f"{path} has run in session {session.session_id}: its outputs are committed already.")
            if as_json:
                _print_outcome(client, session, session.outcome(path) or NodeOutcome(path, NodeState.SUCCEEDED))
            return
        with stdout_kept_for_data() if as_json else nullcontext():
            with importing():
                session.open()
            with leaving_fails(f"{path} failed: its body has ended this process by os._exit(0)"):
                outcome = session.run_node(path)
        if as_json:
            _print_outcome(client, session, outcome)
    if outcome.state is NodeState.SUCCEEDED:
        if sys.stderr.isatty():
            remark(f"{path} succeeded in {outcome.seconds or 0:.3f} s.")
        return
    context = click.get_current_context().parent
    if outcome.error is not None and context is not None and context.params.get("traceback"):
        remark(outcome.error.traceback.rstrip())
    raise ReportedError(_why(outcome, known_id), exit_code=EXIT_CODES.get(outcome.state, EXIT_FAILED))


def _why(outcome: NodeOutcome, session_id: str) -> str:
    why = ""
    if outcome.error is not None:
        is_refused = outcome.state is NodeState.REFUSED
        why = f": {outcome.error.text if is_refused else one_line(outcome.error.summary())}"
    return f"{outcome.path} {outcome.state}{why}\nSee more: oneml sessions show {session_id} {outcome.path}"


def _fingerprint(client: PipelineServiceClient, session: "PipelineSession", path: NodePath) -> str | None:
    """Return what the recipe, at its newest revision, knows the node by."""
    from oneml.habitats.sessions.planned_nodes import PlannedNodes  # noqa: PLC0415  # only for a document
    from oneml.habitats.sessions.revisions import newest_revision, read_revision  # noqa: PLC0415  # likewise
    from oneml.habitats.settings.signing_key import signing_key  # noqa: PLC0415  # likewise
    from oneml.habitats.settings.sources import ProcessSources  # noqa: PLC0415  # likewise

    key = signing_key(ProcessSources.of_this_process())
    recipe = read_revision(client.store, session.recipe, newest_revision(client.store, session.session_id), key=key)
    return PlannedNodes(client.store, recipe).record(path).fingerprint


def _print_outcome(client: PipelineServiceClient, session: "PipelineSession", outcome: NodeOutcome) -> None:
    error = outcome.error
    print_document(
        "node",
        session_id=session.session_id,
        habitat=session.habitat,
        node=outcome.path,
        state=outcome.state.value,
        attempt=outcome.attempt,
        seconds=outcome.seconds,
        error=None if error is None else {"type": error.type, "text": error.text, "traceback": error.traceback},
        reused_from=outcome.reused_from,
        fingerprint=_fingerprint(client, session, outcome.path),
    )


def _given(value: str | None, option: str, variable: str, what: str) -> str:
    if not value:
        message = f"Name {what}: {option}, or the variable {variable}."
        raise click.UsageError(message)
    return value
