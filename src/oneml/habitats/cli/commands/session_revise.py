"""``oneml sessions revise``."""

import click

from oneml.habitats.cli.completions import complete_session
from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.printing import print_document, remark
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.proof import Revision
from oneml.habitats.settings.checks import raise_all
from oneml.habitats.settings.session import assignment_layers
from oneml.habitats.values.json_value import JsonObject

NODES_SHOWN = 10


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="Change a setting of the process for the session. Repeatable.",
)
@as_json
def revise(session: str, *, assignments: tuple[str, ...], as_json: bool) -> None:
    """Change settings of SESSION: nodes that have not started take them.

    What the session or a node sets itself stands above the change. The pipeline is not defined again: what it took
    from settings then stays.

    \b
    Example:
      oneml sessions revise 0198c0de --set retries=2
    """
    with PipelineServiceClient().load_session(session) as found, stdout_kept_for_data():
        given = assignment_layers(found.open().settings.model, assignments)
        raise_all([*given.errors, *(error for _, error in given.node_errors)])
        if given.nodes:
            message = f"{', '.join(given.nodes)}: a revision is of the whole session, not of single nodes."
            raise click.UsageError(message)
        values: JsonObject = {} if given.session is None else given.session.values
        source = "" if given.session is None else " ".join(dict.fromkeys(given.session.sources.values()))
        revision = found.revise(values, source=source)
    if as_json:
        print_document(
            "revision",
            session_id=found.session_id,
            habitat=found.habitat,
            number=revision.number,
            nodes=revision.nodes,
            unread=revision.unread,
        )
    else:
        _tell(found.session_id, revision)


def _tell(session_id: str, revision: Revision) -> None:
    for name in revision.unread:
        remark(
            f'"{name}" is read by nothing that a node builds. What the pipeline took from it when it was defined is '
            "frozen in this session: create another with it."
        )
    if not revision.nodes:
        click.echo(f"Revision {revision.number} of session {session_id} changes no node that is left to run.")
        return
    shown = ", ".join(revision.nodes[:NODES_SHOWN])
    hidden = len(revision.nodes) - NODES_SHOWN
    more = f" and {hidden} more" if hidden > 0 else ""
    click.echo(f"Revision {revision.number} of session {session_id} changes {shown}{more}.")
