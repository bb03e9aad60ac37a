"""What of this package runs on Ray's workers: one function by reference, plain data in and out."""

import faulthandler
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, Self, cast

from oneml.habitats.engines.ray_notes import Notes
from oneml.habitats.engines.ray_output import ProcessOutput
from oneml.habitats.engines.remote import run_remote

LAST_RESORT_SECONDS = 20.0
"""After the time of a node is over: its own process ends itself then, should the driver not have ended it."""


class Request(NamedTuple):
    """What a task is told; it travels as bytes, which Ray hands on as they are.

    Attributes:
        entry: ``module:function`` that runs a node.
        preload: ``module:function`` that loads what all nodes need.
        channel: Of the notes.
        flight: Number of the task.
        timeout_seconds: Of the node; the driver is told when it starts, and counts.
        message: What the entry is told, packed.
    """

    entry: str
    preload: str
    channel: str
    flight: int
    timeout_seconds: float | None
    message: bytes

    def packed(self) -> bytes:
        """Return it as it travels."""
        limit = "" if self.timeout_seconds is None else repr(self.timeout_seconds)
        return f"{self.entry}\t{self.preload}\t{self.channel}\t{self.flight}\t{limit}\n".encode() + self.message

    @classmethod
    def of(cls, packed: bytes) -> Self:
        """Return what was packed."""
        head, _, message = packed.partition(b"\n")
        entry, preload, channel, flight, limit = head.decode().split("\t")
        return cls(entry, preload, channel, int(flight), float(limit) if limit else None, message)


class Answer(NamedTuple):
    """What a task gives; it travels as bytes, to the driver and to the tasks after it.

    Attributes:
        reply: Packed.
        parts: How many notes with output it left.
        rest: The rest of its output.
    """

    reply: bytes
    parts: int
    rest: bytes

    def packed(self) -> bytes:
        """Return it as it travels."""
        return b"%d %d\n" % (self.parts, len(self.reply)) + self.reply + self.rest

    @classmethod
    def of(cls, packed: bytes) -> Self:
        """Return what was packed."""
        head, _, body = packed.partition(b"\n")
        parts, size = map(int, head.split())
        return cls(body[:size], parts, body[size:])


class _Process(NamedTuple):
    output: ProcessOutput
    preloaded: set[str]


_processes: list[_Process] = []


def run_node(packed: bytes, *upstream: bytes) -> bytes:
    """Run one node on a worker.

    Args:
        packed: A `Request`.
        upstream: The `Answer` of each task of a node before it, as far as they ended in the same run.
    """
    request = Request.of(packed)
    if not _processes:
        _processes.append(_Process(ProcessOutput(), set()))
    output, preloaded = _processes[0]
    notes: list[Notes] = []

    def leave(part: int | None, data: bytes) -> None:
        if not notes:
            notes.append(Notes(request.channel))
        notes[0].leave(request.flight, part, data)

    with output.sent_to(leave):
        if request.timeout_seconds is not None:
            leave(None, b"")
            faulthandler.dump_traceback_later(request.timeout_seconds + LAST_RESORT_SECONDS, exit=True, file=2)
        try:
            if request.preload not in preloaded:
                preloaded.add(request.preload)
                _load(request.preload)
            reply = run_remote(request.entry, request.message, [Answer.of(answer).reply for answer in upstream])
        finally:
            if request.timeout_seconds is not None:
                faulthandler.cancel_dump_traceback_later()
    return Answer(reply, output.count, output.rest).packed()


def interpreter() -> str:
    """Return which Python runs here: that it answers shows that an image can be started."""
    return sys.executable


def _load(preload: str) -> None:
    """Load what all nodes need; what fails here fails for the node again and is told there."""
    module, _, function = preload.partition(":")
    try:
        cast("Callable[[], object]", getattr(import_module(module), function))()
    except Exception:  # noqa: BLE001  # whatever a module raises
        traceback.print_exc()
