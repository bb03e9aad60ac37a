"""``oneml sessions``."""

from typing import TYPE_CHECKING, Unpack

import click

from oneml.habitats.cli.commands.session_revise import revise
from oneml.habitats.cli.commands.session_show import show
from oneml.habitats.cli.commands.session_watch import watch
from oneml.habitats.cli.completions import complete_session
from oneml.habitats.cli.failures import EXIT_USAGE, ReportedError
from oneml.habitats.cli.lazy import LazyGroup
from oneml.habitats.cli.lineage_text import lineage_fields, tell_parent
from oneml.habitats.cli.options import (
    ProgressOptions,
    SessionOptions,
    as_json,
    command_line_settings,
    given_inputs,
    habitat_argument,
    isolated,
    named_habitat,
    progress_options,
    reuse,
    selection,
    session_options,
)
from oneml.habitats.cli.printing import print_document, print_table, remark
from oneml.habitats.cli.results import print_result
from oneml.habitats.cli.running import raise_unless_succeeded, run_session
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.stores.usable import check_usable
from oneml.habitats.values.times import rfc3339

if TYPE_CHECKING:
    from oneml.habitats.sessions.session import PipelineSession

SECONDS = "%Y-%m-%d %H:%M:%SZ"


sessions = LazyGroup("sessions", lazy={}, text="Create, run, watch, revise, list, show and remove sessions.")


@sessions.command()
@habitat_argument
@click.option("--session-id", metavar="ID", help="Id of the new session; it must be unused.")
@session_options
@as_json
def create(habitat: str | None, *, session_id: str | None, as_json: bool, **options: Unpack[SessionOptions]) -> None:
    """Create a session of HABITAT, check it whole, and run nothing."""
    name = named_habitat(habitat)
    inputs, settings = given_inputs(options), command_line_settings(options)
    with stdout_kept_for_data():
        client = PipelineServiceClient()
        if not client.store.shared:
            message = (
                f"A session in {client.store.url} would be gone with this command. "
                "Let ONEML_STORE_URL name a folder, or use run-pipeline."
            )
            raise ReportedError(message, exit_code=EXIT_USAGE)
        session = client.create_session(
            name, command_line=settings, inputs=inputs, session_id=session_id, **selection(options)
        )
    with session:
        tell_parent(session)
        if as_json:
            print_document(
                "session",
                session_id=session.session_id,
                habitat=session.habitat,
                state=session.state.value,
                **lineage_fields(session.recipe),
            )
        else:
            click.echo(session.session_id)


@sessions.command()
@click.argument("session", shell_complete=complete_session)
@reuse
@isolated
@progress_options
@as_json
def run(session: str, *, reuse: bool, isolated: bool, as_json: bool, **options: Unpack[ProgressOptions]) -> None:
    """Run whatever of SESSION is not committed yet.

    --isolated holds from then on, as what `oneml sessions revise` changes does.
    """
    with PipelineServiceClient().load_session(session) as found:
        if isolated:
            with stdout_kept_for_data():
                _isolate(found)
        with stdout_kept_for_data():
            result = run_session(found, options, reuse=reuse)
        print_result(found, result, as_json=as_json)
        raise_unless_succeeded(found, result)


@sessions.command("list")
@as_json
def list_sessions(*, as_json: bool) -> None:
    """List all sessions, newest first."""
    client = PipelineServiceClient()
    check_usable(client.store)
    rows = client.list_sessions()
    if as_json:
        print_document(
            "sessions",
            sessions=[
                {
                    "session_id": row.session_id,
                    "habitat": row.habitat,
                    "state": row.state.value,
                    "created_at": rfc3339(row.created_at),
                    "changed_at": rfc3339(row.changed_at),
                    "node_count": row.node_count,
                    "parent": row.parent,
                }
                for row in rows
            ],
        )
    elif rows:
        lines = [
            (
                row.session_id,
                row.habitat,
                row.state.value,
                row.created_at.strftime(SECONDS),
                str(row.node_count),
                row.parent or "",
            )
            for row in rows
        ]
        print_table(("SESSION", "HABITAT", "STATE", "CREATED", "NODES", "PARENT"), lines)
    else:
        remark("There is no session yet: oneml run-pipeline HABITAT makes one.")


@sessions.command()
@click.argument("session", nargs=-1, required=True, shell_complete=complete_session)
@as_json
def rm(session: tuple[str, ...], *, as_json: bool) -> None:
    """Remove each SESSION with its recipe, states and commits."""
    client = PipelineServiceClient()
    removed: list[str] = []
    for each in session:
        removed.append(client.remove_session(each))
        remark(f"Session {removed[-1]} is removed.")
    if as_json:
        print_document("removed", session_ids=removed)


def _isolate(session: "PipelineSession") -> None:
    session.revise({"isolated": True}, source="--isolated")
    if not session.open().settings.session.isolated:
        message = f"Session {session.session_id} sets isolated itself, above --isolated: create another session."
        raise click.UsageError(message)


sessions.add_command(revise)
sessions.add_command(show)
sessions.add_command(watch)
