"""How a node that was given to a worker process ended, and what that means for the node."""

import signal
import time
from collections.abc import Sequence
from typing import NamedTuple

from oneml.habitats.engines.timeouts import timed_out
from oneml.habitats.engines.worker_output import NodeOutput
from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.ports.engine import EngineContext, NodeTask, WorkerReply
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.outcome_json import outcome_from_json
from oneml.habitats.values.states import NodeState

_EXIT_REFUSED = 3
_NEVER = float("inf")


class Job:
    """A node that a worker process shall run.

    Attributes:
        task: The node.
        before: The highest attempt that was claimed before.
        output: Takes what is written meanwhile.
        command: The command line of a process of its own; empty where a warm worker runs it.
        frame: What a warm worker is sent; None where the node gets a process of its own.
        deadline: When its time is over.
        cancelled: Whether the session asked it to end.
        timed_out: Whether it was ended because its time was over.
        wants_fresh: Whether it needs a worker in which nothing has run.
    """

    def __init__(
        self,
        task: NodeTask,
        *,
        before: int,
        output: NodeOutput,
        command: Sequence[str] = (),
        frame: bytes | None = None,
    ) -> None:
        self.task = task
        self.before = before
        self.output = output
        self.command = tuple(command)
        self.frame = frame
        self.deadline = _NEVER
        self.cancelled = False
        self.timed_out = False
        self.wants_fresh = False

    def start(self) -> None:
        """A worker takes it now."""
        if self.task.timeout_seconds is not None:
            self.deadline = time.monotonic() + self.task.timeout_seconds


class Ending(NamedTuple):
    """How it ended.

    Attributes:
        job: What.
        started: Whether a worker had taken it.
        reply: What the worker answered, else None.
        exit_code: Of the process, negative for a signal; None where it lives on or that is not known.
        detail: What happened where neither reply nor exit code says it.
        tail: The last lines that were written, masked.
    """

    job: Job
    started: bool = True
    reply: WorkerReply | None = None
    exit_code: int | None = None
    detail: str = ""
    tail: tuple[str, ...] = ()


def reply_state(job: Job, reply: JsonObject) -> NodeState | None:
    """Return the state of the node of which a reply tells; None where it is no reply for this node."""
    outcome = reply.get("outcome")
    if reply.get("node") != job.task.path or not isinstance(outcome, dict):
        return None
    try:
        told = outcome_from_json(outcome, what=f"outcome of {job.task.path}")
    except InvalidDocumentError:
        return None
    return told.state if told.path == job.task.path else None


def outcome_of(ending: Ending, told: NodeOutcome | None, context: EngineContext) -> NodeOutcome:
    """Tell what became of a node: the store knows, and the reply; else how the process ended does.

    Args:
        ending: How it ended.
        told: What the worker answered.
        context: Of the session.
    """
    job = ending.job
    path = job.task.path
    if not ending.started:
        return NodeOutcome(path, NodeState.CANCELLED, job.before)
    known = told or context.known(path, job.before)
    if known is not None and (known.state is NodeState.SUCCEEDED or not (job.cancelled or job.timed_out)):
        if known.state is not NodeState.CANCELLED:
            return _naming_the_limit(known, job.task.needs.memory_bytes)
        text = "its process was asked to end, though not by this session, or its body raised KeyboardInterrupt"
        return known._replace(state=NodeState.FAILED, error=ErrorRecord("WorkerEndedError", text, ""))
    attempt = context.last_attempt(path)
    if job.cancelled:
        return NodeOutcome(path, NodeState.CANCELLED, attempt)
    if job.timed_out:
        place = known.error.traceback if known is not None and known.error is not None else "\n".join(ending.tail)
        return NodeOutcome(path, NodeState.FAILED, attempt, None, timed_out(job.task, place))
    state, error = _explain(ending, claimed=attempt != job.before)
    return NodeOutcome(path, state, attempt, None, error)


def _explain(ending: Ending, *, claimed: bool) -> tuple[NodeState, ErrorRecord]:
    job, code = ending.job, ending.exit_code
    tail = "\n".join(ending.tail)
    if code == _EXIT_REFUSED and job.frame is None and not claimed:
        return NodeState.REFUSED, ErrorRecord("RefusalError", last_error(ending.tail), tail)
    if code is None:
        text = ending.detail
    elif code < 0:
        text = f"its process was killed by {signal_name(-code)}"
    elif code == 0:
        text = "its process ended with exit code 0, but published nothing: did the body leave by exit()?"
    else:
        text = f"its process ended with exit code {code}: {last_error(ending.tail)}"
    if job.task.needs.memory_bytes is not None:
        text += f"; it may take {job.task.needs.memory_bytes} bytes (memory_bytes)"
    return NodeState.FAILED, ErrorRecord("WorkerEndedError", text, tail)


def _naming_the_limit(outcome: NodeOutcome, memory_bytes: int | None) -> NodeOutcome:
    error = outcome.error
    if memory_bytes is None or error is None or not error.type.endswith("MemoryError"):
        return outcome
    limit = f"its process may take {memory_bytes} bytes (memory_bytes)"
    return outcome._replace(error=error._replace(text=f"{error.text}; {limit}" if error.text else limit))


def last_error(tail: Sequence[str]) -> str:
    """Return the last message of a worker, from its ``Error:`` on."""
    for number in range(len(tail) - 1, -1, -1):
        if tail[number].startswith("Error: "):
            return "\n".join((tail[number].removeprefix("Error: "), *tail[number + 1 :]))
    return tail[-1] if tail else "it wrote nothing"


def signal_name(number: int) -> str:
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
