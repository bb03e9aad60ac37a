"""What of this package runs on Ray's workers: one function by reference, plain data in and out."""

import faulthandler
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, TypeAlias, cast

from oneml.habitats.engines.ray_notes import Notes
from oneml.habitats.engines.ray_output import ProcessOutput
from oneml.habitats.engines.remote import run_remote

LAST_RESORT_SECONDS = 20.0
"""After the time of a node is over: its own process ends itself then, should the driver not have ended it."""

Call: TypeAlias = tuple[str, str, str]
"""``module:function`` that runs a node, the same for what is loaded before, and the channel of notes."""

Answer: TypeAlias = tuple[bytes, int, bytes]
"""The reply, packed; how many notes with output were left; the rest of the output."""


class _Process(NamedTuple):
    output: ProcessOutput
    preloaded: set[str]


_processes: list[_Process] = []


def run_node(call: Call, flight: int, timeout_seconds: float | None, packed: bytes, *upstream: Answer) -> Answer:
    """Run one node on a worker.

    Args:
        call: What is the same for all nodes of a session.
        flight: Number of the task.
        timeout_seconds: Of the node; the driver is told when it starts, and counts.
        packed: What the worker is told.
        upstream: What the tasks of the nodes before it answered, as far as they ended in the same run.
    """
    entry, preload, channel = call
    if not _processes:
        _processes.append(_Process(ProcessOutput(), set()))
    output, preloaded = _processes[0]
    notes: list[Notes] = []

    def leave(part: int | None, data: bytes) -> None:
        if not notes:
            notes.append(Notes(channel))
        notes[0].leave(flight, part, data)

    with output.sent_to(leave):
        if timeout_seconds is not None:
            leave(None, b"")
            faulthandler.dump_traceback_later(timeout_seconds + LAST_RESORT_SECONDS, exit=True, file=2)
        try:
            if preload not in preloaded:
                preloaded.add(preload)
                _load(preload)
            reply = run_remote(entry, packed, [answer[0] for answer in upstream])
        finally:
            if timeout_seconds is not None:
                faulthandler.cancel_dump_traceback_later()
    return reply, output.count, output.rest


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
