"""Running a session from the command line: progress, and how it ended."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from oneml.habitats.cli.failures import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED, ReportedError
from oneml.habitats.cli.leaving import leaving_fails
from oneml.habitats.cli.printing import one_line, remark
from oneml.habitats.cli.progress import Shown, progress
from oneml.habitats.values.states import NodeState, SessionState

if TYPE_CHECKING:
    from oneml.habitats.cli.options import ProgressOptions
    from oneml.habitats.ports.session_store import NodeRow
    from oneml.habitats.sessions.run_result import RunResult
    from oneml.habitats.sessions.session import PipelineSession
    from oneml.habitats.values.node_path import NodePath
    from oneml.habitats.values.outcome import NodeOutcome

FAILURES_SHOWN = 10
TRACEBACKS_SHOWN = 3

_BREAKPOINT_LEFT = "bdb.BdbQuit"
"""Begins what is told of a node whose `breakpoint()` met the end of its input, or a `quit`."""


def run_session(session: "PipelineSession", options: "ProgressOptions", *, reuse: bool = False) -> "RunResult":
    """Run a session, showing its progress.

    Args:
        session: The session.
        options: How.
        reuse: Whether nodes take over the outputs of other sessions.

    Raises:
        ReportedError: It was interrupted; says how it goes on.
    """
    try:
        shown = Shown.NONE if options["quiet"] else Shown(options["shown"])
        nodes = session.plan.nodes
        ended = sum(row.state is NodeState.SUCCEEDED for row in session.node_rows().values())
        told = (
            f"A body has ended this process by os._exit(0). Run what is left: oneml sessions run {session.session_id}"
        )
        with (
            leaving_fails(told),
            progress(
                shown, events_file=options["events_file"], label_of=lambda path: nodes[path].label, ended=ended
            ) as observers,
        ):
            return session.run(reuse=reuse, observers=observers)
    except KeyboardInterrupt as error:
        message = (
            f"session {session.session_id} was interrupted. Run what is left: oneml sessions run {session.session_id}"
        )
        raise ReportedError(message, exit_code=EXIT_INTERRUPTED) from error


def raise_unless_succeeded(session: "PipelineSession", result: "RunResult") -> None:
    """Let pass a session that has succeeded.

    Raises:
        ReportedError: It has not; says which nodes failed, and why.
    """
    if result.succeeded:
        return
    rows = result.nodes
    failed = [path for path, row in rows.items() if row.state in {NodeState.FAILED, NodeState.REFUSED}]
    for path in failed[:TRACEBACKS_SHOWN]:
        show_error(session, path)
    lines = [f"session {result.session_id} {result.state}: {row_counts(rows.values())}."]
    lines.extend(f"  {path} {rows[path].state}: {one_line(rows[path].detail)}" for path in failed[:FAILURES_SHOWN])
    if len(failed) > FAILURES_SHOWN:
        lines.append(f"  and {len(failed) - FAILURES_SHOWN} more")
    debugged = next((path for path in failed if rows[path].detail.startswith(_BREAKPOINT_LEFT)), None)
    if debugged is not None:
        lines.append(
            f"A breakpoint has nobody to ask there. Here: oneml reproduce {result.session_id} {debugged} --pdb"
        )
    lines.append(f"See more: oneml sessions show {result.session_id}")
    again = "Run what is left" if result.state is SessionState.STOPPED else "Run again what failed"
    lines.append(f"{again}: oneml sessions run {result.session_id}")
    if result.state is not SessionState.STOPPED:
        lines.append(f"After a change of code or settings: oneml run-pipeline {session.habitat} --reuse")
    refused = bool(failed) and all(rows[path].state is NodeState.REFUSED for path in failed)
    exit_code = EXIT_REFUSED if refused else EXIT_FAILED
    if result.state is SessionState.STOPPED:
        exit_code = EXIT_INTERRUPTED
    raise ReportedError("\n".join(lines), exit_code=exit_code)


def show_error(session: "PipelineSession", path: "NodePath") -> None:
    """Print what a node's last attempt raised to standard error, where that was written down."""
    outcome = session.outcome(path)
    text = "" if outcome is None else error_text(outcome)
    if outcome is not None and text:
        remark(f"{path} {_said(outcome)}:\n{text}\n")


def _said(outcome: "NodeOutcome") -> str:
    if outcome.state is NodeState.REFUSED:
        return "was refused"
    has_ended = outcome.error is not None and outcome.error.type == "WorkerEndedError"
    return f"wrote at last, in attempt {outcome.attempt}" if has_ended else f"raised in attempt {outcome.attempt}"


def error_text(outcome: "NodeOutcome") -> str:
    """Return the traceback of what a node raised; of a refusal what differs, which was found in this package."""
    if outcome.error is None:
        return ""
    return outcome.error.text if outcome.state is NodeState.REFUSED else outcome.error.traceback.rstrip()


def state_counts(states: Iterable[NodeState], *, reused: int = 0) -> str:
    """Return how many nodes are in which state: ``2 succeeded (1 reused), 1 failed``."""
    counts = Counter(states)
    said = {NodeState.SUCCEEDED: f" ({reused} reused)"} if reused else {}
    told = (f"{counts[state]} {state}{said.get(state, '')}" for state in NodeState if state in counts)
    return ", ".join(told) or "no nodes"


def row_counts(rows: "Collection[NodeRow]") -> str:
    """Return how many nodes are in which state, and how many of them were reused."""
    return state_counts((row.state for row in rows), reused=sum(row.reused_from is not None for row in rows))
