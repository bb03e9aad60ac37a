"""A node that Ray was given and that has not come back, and why one gave no reply."""

import re
import time
from collections.abc import Callable, Mapping

from oneml.habitats.engines.ray_api import Ref
from oneml.habitats.engines.timeouts import timed_out
from oneml.habitats.engines.worker_output import NodeOutput
from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord

_NEVER = float("inf")
_TEXT_MAX_CHARACTERS = 2000
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_WORDS = {
    "WorkerCrashedError": (
        "its worker process ended: killed from outside, out of memory, left by os._exit, or a crash in native code. "
        "Of a cluster that outlives the session, Ray's log of the worker may say which"
    ),
    "OutOfMemoryError": "Ray ended its worker process, because the machine ran out of memory",
    "NodeDiedError": "the machine of the cluster on which it ran is lost",
    "LocalRayletDiedError": "the machine of the cluster on which it ran is lost",
    "ObjectLostError": "the machine of the cluster that held its reply is lost",
    "OwnerDiedError": "the machine of the cluster that held its reply is lost",
    "RuntimeEnvSetupError": "its image could not be set up",
    "TaskCancelledError": "somebody cancelled its task, though not this session",
}


class Flight:
    """A node on its way.

    Attributes:
        task: The node.
        number: No other of the session has it.
        ref: What its bundle will give.
        asked: The resources that it asks for.
        shares: Whether others are in its bundle.
        is_slow: Whether its worker gave back those after it.
        parts: How many pieces of its output have come.
        deadline: When its time is over; known once it has started.
        kill_at: When it is ended, however it takes being asked.
        cancelled: Whether the session asked it to end.
        timed_out: Whether it was ended because its time was over.
        failure: Why it was taken back by this engine; empty while it was not.
        unoffered_since: Since when it could run, if a machine had what it asks for.
    """

    __slots__ = (
        "_new_output", "_output", "asked", "cancelled", "deadline", "failure", "is_slow", "kill_at", "number",
        "parts", "ref", "shares", "task", "timed_out", "unoffered_since",
    )  # fmt: skip

    def __init__(
        self,
        task: NodeTask,
        number: int,
        ref: Ref,
        asked: Mapping[str, float],
        new_output: Callable[[NodePath], NodeOutput],
        *,
        shares: bool = False,
    ) -> None:
        self.task = task
        self.number = number
        self.ref = ref
        self.asked = asked
        self.shares = shares
        self.is_slow = False
        self._new_output = new_output
        self._output: NodeOutput | None = None
        self.parts = 0
        self.deadline = _NEVER
        self.kill_at = _NEVER
        self.cancelled = False
        self.timed_out = False
        self.failure = ""
        self.unoffered_since = _NEVER

    @property
    def output(self) -> NodeOutput:
        """What takes the output; most nodes write nothing."""
        if self._output is None:
            self._output = self._new_output(self.task.path)
        return self._output

    def end_output(self) -> None:
        """Nothing more comes."""
        if self._output is not None:
            self._output.end()

    def started(self) -> None:
        """A worker has taken it."""
        if self.task.timeout_seconds is not None:
            self.deadline = time.monotonic() + self.task.timeout_seconds

    def error(self, raised: Exception | None) -> ErrorRecord:
        """Return in words why its task gave no reply."""
        tail = "\n".join(self.output.tail())
        if self.timed_out:
            return timed_out(self.task, tail)
        if self.failure:
            return ErrorRecord("EngineError", f'Engine "ray" failed: {self.failure}.', tail)
        return ErrorRecord("WorkerEndedError", "it was not begun" if raised is None else in_words(raised), tail)


def in_words(raised: Exception) -> str:
    """Return what an error of Ray's means for a node."""
    said = _COLOUR.sub("", str(raised)).strip()
    names = [kind.__name__ for kind in type(raised).__mro__]
    if "No module named 'oneml" in said:
        return "its worker cannot import oneml-habitats: install it, in the version of the driver, on every machine"
    for name in names:
        if name in _WORDS:
            return _WORDS[name] if name == "WorkerCrashedError" else f"{_WORDS[name]}: {said[:_TEXT_MAX_CHARACTERS]}"
    return f"Ray could not run it: {names[0]}: {said[-_TEXT_MAX_CHARACTERS:]}"
