"""What of this package runs on Ray's workers: one function by reference, plain data in and out."""

import faulthandler
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import cast

from oneml.habitats.engines.ray_bundle import Answer, Item, Request, Slice, pack_answers, replies_in
from oneml.habitats.engines.ray_notes import GIVEN_BACK, STARTED, Notes
from oneml.habitats.engines.ray_output import ProcessOutput
from oneml.habitats.engines.remote import run_remote, state_in, unpack
from oneml.habitats.values.states import NodeState

LAST_RESORT_SECONDS = 20.0
"""After the time of a node is over: its own process ends itself then, should the driver not have ended it."""


class _Process:
    def __init__(self) -> None:
        self.output = ProcessOutput()
        self.preloaded: set[str] = set()
        self.channel = ""


_processes: list[_Process] = []


def run_bundle(packed: bytes, *upstream: bytes) -> bytes:
    """Run the nodes of a bundle on a worker, one after the other, as far as they come to it within a time slice.

    Args:
        packed: A `Request`.
        upstream: What the bundles gave in which nodes before these ended, as far as they ended in the same run.

    Returns:
        Answers, packed; nodes without one were not begun.
    """
    request = Request.of(packed)
    if not _processes:
        _processes.append(_Process())
    replies = replies_in(upstream)
    desk = _Desk(request)
    time_slice = Slice(len(request.items), partial(desk.leave, request.items[0].number, GIVEN_BACK))
    try:
        with _processes[0].output.kept_here():
            for item in request.items:
                answer = desk.run(item, [replies[path] for path in item.after if path in replies])
                time_slice.add(answer)
                replies[item.path] = answer.reply
                if not time_slice.goes_on() or state_in(unpack(answer.reply)) is NodeState.CANCELLED:
                    break
    except KeyboardInterrupt:
        if not time_slice.answers:
            raise
    finally:
        time_slice.end()
    return pack_answers(time_slice.answers)


class _Desk:
    """Runs the nodes of one bundle.

    Args:
        request: What the bundle is.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._notes: Notes | None = None

    def leave(self, number: int, name: str, data: bytes) -> None:
        """Leave a note for the driver; most bundles leave none."""
        if self._notes is None:
            self._notes = Notes(self._request.channel)
        self._notes.leave(number, name, data)

    def run(self, item: Item, upstream: Sequence[bytes]) -> Answer:
        """Run a node."""
        began = time.monotonic()
        process, channel = _processes[0], self._request.channel
        is_first, process.channel = process.channel != channel, channel
        output, preloaded = process.output, process.preloaded
        with output.sent_to(lambda part, data: self.leave(item.number, str(part), data)):
            if item.timeout_seconds is not None:
                self.leave(item.number, STARTED, b"")
                faulthandler.dump_traceback_later(item.timeout_seconds + LAST_RESORT_SECONDS, exit=True, file=2)
            try:
                if self._request.preload not in preloaded:
                    preloaded.add(self._request.preload)
                    _load(self._request.preload)
                reply = run_remote(self._request.entry, item.message, upstream)
            finally:
                if item.timeout_seconds is not None:
                    faulthandler.cancel_dump_traceback_later()
        seconds = None if is_first else time.monotonic() - began
        return Answer(item.number, item.path, seconds, output.count, reply, output.rest)


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
