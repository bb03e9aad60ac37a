"""What of this package runs on Dask's workers and scheduler: functions by reference, plain data in and out."""

import logging
import os
import signal
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from distributed import get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from oneml.habitats.engines.remote import run_remote
from oneml.habitats.engines.task_lines import LineSink, PrintedTo, divert

if TYPE_CHECKING:
    import asyncio

    from distributed import Scheduler, Worker

MARK_BYTES = 32
"""Of the number of a task, as a worker writes it down."""

_log = logging.getLogger(__name__)
_running: set[tuple[str, int]] = set()
_marks: dict[str, int] = {}
_heard: dict[tuple[str, str], Callable[[str], str]] = {}
"""What hides secrets, by the topics of those who listen and worker; what is printed for others goes to nobody."""


def run_node(entry: str, topic: str, number: int, path: str, packed: bytes, upstream: Sequence[bytes]) -> bytes:
    """Run one node on a worker.

    Args:
        entry: ``module:function`` that runs it.
        topic: Where its lines go; unique to an opening of the engine.
        number: Of the task, within the opening.
        path: The node.
        packed: What the worker is told.
        upstream: What the nodes before it answered, as far as they ended in the same opening.
    """
    divert()
    with _marked(topic, number), PrintedTo(_sink(topic, path)):
        return run_remote(entry, packed, upstream)


def running(topic: str) -> list[int]:
    """Return the numbers of the tasks of an opening that run in this process."""
    return [number for opening, number in list(_running) if opening == topic]


def forget_lines(topic: str, dask_scheduler: "Scheduler") -> None:
    """Have the scheduler, which keeps the last events of each topic for good, drop those of an opening."""
    dask_scheduler._broker.truncate(topic)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # it has no other way


class WarmScope(WorkerPlugin):
    """Loads in each worker what every node needs, before the first one; in workers that join later as well.

    Args:
        preload: ``module:function``.
        masking: ``module:function``, which hides secrets in what nodes print.
        topic: Of the session.
        marks: Folder where a worker of our own cluster writes which node it runs; None in clusters of others.
    """

    def __init__(self, preload: str, masking: str, topic: str, marks: str | None) -> None:
        self._preload = preload
        self._masking = masking
        self._topic = topic
        self._marks = marks

    def setup(self, worker: "Worker") -> None:
        """Load; what fails here fails again for each node, and is told there."""
        _heard[self._topic, worker.address] = self._mask
        if self._marks is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts us all, and the driver ends workers
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # for what bodies start
            descriptor, _ = tempfile.mkstemp(dir=self._marks)
            _marks[self._topic] = descriptor
        try:
            cast("Callable[[], object]", _at(self._preload))()
        except Exception:  # noqa: BLE001  # each node tells it
            _log.exception("%s failed on %s", self._preload, worker.address)

    def teardown(self, worker: "Worker") -> None:
        """Close what was opened."""
        _heard.pop((self._topic, worker.address), None)
        descriptor = _marks.pop(self._topic, None)
        if descriptor is not None:
            os.close(descriptor)

    def _mask(self, text: str) -> str:
        return cast("Callable[[str], str]", _at(self._masking))(text)


def _at(path: str) -> object:
    module, _, function = path.partition(":")
    return cast("object", getattr(import_module(module), function))


def marked_numbers(folder: Path) -> set[int]:
    """Return the numbers of the tasks that workers wrote down as running and not as ended."""
    return {int(text) for file in folder.iterdir() if (text := file.read_text().strip())}


class _HasLoop(Protocol):
    asyncio_loop: "asyncio.AbstractEventLoop"


@contextmanager
def _marked(topic: str, number: int) -> Generator[None]:
    """Write down what runs, so that a killed worker's node is told from those that waited there."""
    descriptor = _marks.get(topic)
    _running.add((topic, number))
    if descriptor is not None:
        os.pwrite(descriptor, str(number).encode().ljust(MARK_BYTES), 0)
    try:
        yield
    finally:
        _running.discard((topic, number))
        if descriptor is not None:
            os.pwrite(descriptor, b" " * MARK_BYTES, 0)


def _sink(topic: str, node: str) -> LineSink:
    worker = get_worker()

    loop = cast("_HasLoop", worker.loop).asyncio_loop

    def later(seconds: float, call: Callable[[], None]) -> None:
        loop.call_soon_threadsafe(loop.call_later, seconds, call)

    def mask(text: str) -> str:
        hide = _heard.get((topic, worker.address))
        return "" if hide is None else hide(text)

    def send(lines: Sequence[str]) -> None:
        if (topic, worker.address) in _heard:
            worker.log_event(topic, [node, list(lines)])

    return LineSink(send, later, mask)
