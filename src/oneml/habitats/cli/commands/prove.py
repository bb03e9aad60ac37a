"""``oneml prove``."""

import click

from oneml.habitats.cli.completions import complete_node, complete_session
from oneml.habitats.cli.drift_text import drifts_text
from oneml.habitats.cli.error_document import error_fields
from oneml.habitats.cli.failures import ReportedError
from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.printing import print_document, print_table
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.errors import DriftError, RefusalError, UnprovenError
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.policy import policy_of
from oneml.habitats.sessions.proof import Proof
from oneml.habitats.values.node_path import NodePath, parse_node_path

PROVEN, REFUSED, UNPROVEN = "proven", "refused", "unproven"


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.argument("node", shell_complete=complete_node)
@as_json
def prove(session: str, node: str, *, as_json: bool) -> None:
    """Make the check that a worker makes before it runs NODE of SESSION, and run nothing.

    Ends with 0 if code, packages, settings and object graph are here what the session was created with; with 3 if
    they are not, and says what differs, where it was recorded and where it stands here.

    \b
    Examples:
      oneml prove 0198c0de //train
      oneml prove 0198c0de //train --json
    """
    path = parse_node_path(node)
    with PipelineServiceClient().load_session(session) as found:
        try:
            with stdout_kept_for_data():
                proof = found.prove(path)
        except RefusalError as error:
            if as_json:
                _print_refusal(found.session_id, path, error)
            elif isinstance(error, DriftError):
                click.echo(drifts_text(error.drifts))
                raise _told(path, found.session_id, error) from error
            raise
        is_proven = proof.fingerprint is not None and not (proof.allowed and policy_of(found.recipe).warns)
    (_print_document if as_json else _print_proof)(proof, PROVEN if is_proven else UNPROVEN)


def _told(path: NodePath, session_id: str, error: DriftError) -> ReportedError:
    """Return the error without the differences, which are shown already."""
    count = "a difference" if len(error.drifts) == 1 else f"{len(error.drifts)} differences"
    way_out = "Restore what was recorded, or create a new session with what is here."
    return ReportedError(f"{path} of session {session_id} is refused: {count}. {way_out}", exit_code=error.exit_code)


def _print_proof(proof: Proof, verdict: str) -> None:
    allowed = "" if verdict == PROVEN else ", and the session allows that (verification.mode)"
    click.echo(f"{proof.node} of session {proof.session_id} is {verdict} here{allowed}.\n")
    print_table(("COMPARED", "EXTENT", "RESULT"), [(one.what, one.extent, "ok") for one in proof.compared])
    click.echo(f"\nfingerprint {proof.fingerprint or 'none'}")
    if proof.revision:
        click.echo(f"revision {proof.revision} of the settings")
    if proof.allowed:
        click.echo(f"\nDiffers, as the session allows:\n{drifts_text(proof.allowed)}")
    if proof.notices:
        click.echo("\nDiffers without effect:")
        for notice in proof.notices:
            click.echo(f"  {notice}")


def _print_document(proof: Proof, verdict: str) -> None:
    print_document(
        "proof",
        session_id=proof.session_id,
        habitat=proof.habitat,
        node=proof.node,
        verdict=verdict,
        revision=proof.revision,
        fingerprint=proof.fingerprint,
        compared=[{"what": one.what, "extent": one.extent} for one in proof.compared],
        drifts=[],
        allowed=[drift.to_json() for drift in proof.allowed],
        notices=list(proof.notices),
        error=None,
    )


def _print_refusal(session_id: str, path: NodePath, error: RefusalError) -> None:
    drifts = error.drifts if isinstance(error, DriftError) else ()
    print_document(
        "proof",
        session_id=session_id,
        node=path,
        verdict=UNPROVEN if isinstance(error, UnprovenError) else REFUSED,
        fingerprint=None,
        drifts=[drift.to_json() for drift in drifts],
        error=error_fields(error),
    )
