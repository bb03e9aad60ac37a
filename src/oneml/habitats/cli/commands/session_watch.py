"""``oneml sessions watch``."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from oneml.habitats.cli.completions import complete_session
from oneml.habitats.cli.events import EventLines
from oneml.habitats.cli.failures import EXIT_INTERRUPTED, ReportedError
from oneml.habitats.cli.following import ENDED_STATES, Follower, Standing
from oneml.habitats.cli.printing import document_goes_out, remark
from oneml.habitats.cli.progress import progress_text
from oneml.habitats.cli.running import raise_unless_succeeded, state_counts
from oneml.habitats.ports.observer import Observer
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.run_result import RunResult
from oneml.habitats.values.states import NodeState, SessionState

if TYPE_CHECKING:
    from oneml.habitats.sessions.session import PipelineSession

INTERVAL_MIN_SECONDS = 0.1


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.option(
    "--interval",
    "interval_seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=INTERVAL_MIN_SECONDS),
    default=1.0,
    show_default=True,
    help="Between two looks at the store; longer where a look takes longer.",
)
@click.option("--once", is_flag=True, help="Tell how it stands, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print events, one JSON object a line.")
def watch(session: str, *, interval_seconds: float, once: bool, as_json: bool) -> None:
    """Follow SESSION, which another process drives, until it has ended.

    Tells what has happened so far, then what happens. Ends with 0 if the session succeeded, 1 or 3 if it failed, 130
    if it was stopped or nobody drives it any more; Ctrl-C ends the watching, not the session.

    \b
    Examples:
      oneml sessions watch 0198c0de
      oneml sessions watch 0198c0de --json | jq -r 'select(.state == "failed").path'
    """
    with PipelineServiceClient().load_session(session) as found:
        try:
            standing = _followed(found, interval_seconds=interval_seconds, once=once, as_json=as_json)
        except KeyboardInterrupt as error:
            message = f"session {found.session_id} is no longer watched; whoever drives it goes on."
            raise ReportedError(message, exit_code=EXIT_INTERRUPTED) from error
        if standing.state is SessionState.INTERRUPTED:
            message = (
                f"session {found.session_id} was interrupted, nobody drives it any more: {_counts(found, standing)}. "
                f"Run what is left: oneml sessions run {found.session_id}"
            )
            raise ReportedError(message, exit_code=EXIT_INTERRUPTED)
        if not as_json and (standing.state is SessionState.SUCCEEDED or standing.state not in ENDED_STATES):
            click.echo(f"Session {found.session_id} {standing.state}: {_counts(found, standing)}.")
        if standing.state in ENDED_STATES:
            raise_unless_succeeded(
                found, RunResult(session_id=found.session_id, state=standing.state, nodes=standing.rows)
            )


def _followed(session: "PipelineSession", *, interval_seconds: float, once: bool, as_json: bool) -> Standing:
    with _shown(session, as_json=as_json) as (observer, refresh):
        follower = Follower(session, [observer])
        if once:
            return follower.look()
        if session.state is SessionState.CREATED:
            remark(f"Session {session.session_id} has not begun: oneml sessions run {session.session_id}")
        return follower.follow(interval_seconds=interval_seconds, after_look=refresh)


@contextmanager
def _shown(session: "PipelineSession", *, as_json: bool) -> Generator[tuple[Observer, Callable[[], None]]]:
    if as_json:
        document_goes_out()
        nodes = session.plan.nodes
        yield EventLines(lambda: sys.stdout, label_of=lambda path: nodes[path].label), lambda: None
    else:
        with progress_text(sys.stdout) as shown:
            yield shown, shown.refresh


def _counts(session: "PipelineSession", standing: Standing) -> str:
    rows = standing.rows
    states = (rows[path].state if path in rows else NodeState.PENDING for path in session.plan.nodes)
    return state_counts(states, reused=sum(row.reused_from is not None for row in rows.values()))
