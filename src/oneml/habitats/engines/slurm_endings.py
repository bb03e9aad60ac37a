"""How jobs end, and what that says of their nodes."""

import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from oneml.habitats.engines.slurm_commands import Row
from oneml.habitats.engines.timeouts import timed_out
from oneml.habitats.engines.worker_endings import last_error, signal_name
from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.states import NodeState

_ENDED = frozenset(
    {
        *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL"),
        *("PREEMPTED", "REVOKED"),
    }
)
_NEVER = re.compile(
    r"BadConstraints|PartitionConfig|PartitionNodeLimit|PartitionTimeLimit|AccountNotAllowed|QOSNotAllowed|InvalidAccount"
    r"|InvalidQOS|DependencyNeverSatisfied|\w*PerJob(Limit)?|launch.failed.requeued.held"
)
_BY_STATE = {
    "NODE_FAIL": "ended because its machine failed",
    "CANCELLED": "was cancelled, though not by this session",
    "TIMEOUT": "was ended by a time limit of Slurm",
    "OUT_OF_MEMORY": "took more memory than it may and was ended",
    "PREEMPTED": "was ended in favour of another job",
}
_OVER_MEMORY = re.compile(r"^slurmstepd.*(exceeded.*memory|oom.kill)", re.IGNORECASE)
"""What Slurm writes into the output of a job that it ends for its memory, where its state does not say so."""

_EXIT_REFUSED = 3
_SIGNAL_BITS = 0x7F
_SIGNALS_MOST = 64


class Cause(Enum):
    """Why a job is over."""

    ENDED = auto()
    """By itself, or by somebody else than us."""
    CANCELLED = auto()
    TIMED_OUT = auto()
    REJECTED = auto()
    """Slurm does not take or does not start it."""


class Ending(NamedTuple):
    """The end of a job.

    Attributes:
        cause: Why.
        row: As the queue last showed it; None where it never did.
        gone: Whether the queue does not know it any more.
        reason: Text of Slurm, where it says why.
        tail: The last lines that it wrote.
        log: Its output file; empty where none was written.
        name: Of the job.
    """

    cause: Cause
    row: Row | None
    gone: bool
    reason: str
    tail: Sequence[str]
    log: str
    name: str


def is_alive(row: Row) -> bool:
    """Tell whether a job waits, runs or is being cleaned up."""
    return row.state not in _ENDED


def never_starts(row: Row) -> bool:
    """Tell whether a job waits for what will not come unless somebody changes the cluster or the job."""
    return row.state == "PENDING" and _NEVER.fullmatch(row.reason) is not None


def outcome_of(task: NodeTask, ending: Ending, known: NodeOutcome | None, *, before: int, last: int) -> NodeOutcome:
    """Tell what became of a node: the store knows, else how its job ended does.

    Args:
        task: The node.
        ending: Of its job.
        known: What the store knows.
        before: The highest attempt that was claimed before the job.
        last: The highest attempt that is claimed now.
    """
    if known is not None and (known.state is NodeState.SUCCEEDED or ending.cause is Cause.ENDED):
        if known.state is not NodeState.CANCELLED:
            return known
        return known._replace(state=NodeState.FAILED, error=_record(ending, _why_ended_early(ending)))
    if ending.cause is Cause.CANCELLED:
        error = ErrorRecord("CancelledError", ending.reason, "") if ending.reason else None
        return NodeOutcome(task.path, NodeState.CANCELLED, last, None, error)
    state = NodeState.FAILED
    if ending.cause is Cause.TIMED_OUT:
        told = None if known is None or known.error is None else known.error.traceback
        error = timed_out(task, _kept(ending) if told is None else told, more=ending.reason)
    elif ending.cause is Cause.REJECTED:
        error = _record(ending, ending.reason, "SubmissionError")
    elif _exit_code(ending.row) == _EXIT_REFUSED and last == before:
        state, error = NodeState.REFUSED, _record(ending, last_error(ending.tail), "RefusalError")
    else:
        error = _record(ending, _why_ended(ending))
    return NodeOutcome(task.path, state, last, None, error)


def _record(ending: Ending, text: str, kind: str = "WorkerEndedError") -> ErrorRecord:
    return ErrorRecord(kind, text, _kept(ending))


def _kept(ending: Ending) -> str:
    return "\n".join((*ending.tail, *([f"Its output: {ending.log}"] if ending.log else [])))


def _why_ended_early(ending: Ending) -> str:
    told = "" if ending.row is None else f" ({ending.row.state})"
    return f"its job was asked to end, though not by this session, or its body raised KeyboardInterrupt{told}"


def _why_ended(ending: Ending) -> str:
    row = ending.row
    if row is None:
        return (
            f"its job {ending.name} was never seen in the queue and published nothing: the controller has lost it, "
            "which happens where it ends right after it took a job"
        )
    if ending.gone and is_alive(row):
        return (
            f"its job {row.job_id} ({ending.name}) is gone from the queue, last seen {row.state}, and published nothing"
        )
    where = f" on {row.nodes}" if row.nodes else ""
    why = _BY_STATE.get(row.state)
    return _by_status(ending, row, where) if why is None else f"its job {row.job_id} {why}{where}"


def _by_status(ending: Ending, row: Row, where: str) -> str:
    number = row.exit_status & _SIGNAL_BITS
    if not ending.log and row.state != "COMPLETED":
        return (
            f"its job {row.job_id} was not started{where} ({row.reason or row.state}): no output file was written. "
            "Can the node write to the log folder, and does it have the user?"
        )
    if row.exit_status and number and number < _SIGNALS_MOST and row.exit_status >> 8 == 0:
        why = next((f": {line}" for line in ending.tail if _OVER_MEMORY.search(line)), "")
        return f"its process was killed by {signal_name(number)}{where}{why}"
    if row.state == "COMPLETED":
        return "its process ended with exit code 0, but published nothing: did the body leave by exit()?"
    code = _exit_code(row)
    last = last_error(ending.tail)
    return (
        f"its process ended with exit code {code}{where}: {last}"
        if code
        else f"its job ended {row.state}{where}: {last}"
    )


def _exit_code(row: Row | None) -> int:
    return 0 if row is None or row.exit_status & _SIGNAL_BITS else row.exit_status >> 8
