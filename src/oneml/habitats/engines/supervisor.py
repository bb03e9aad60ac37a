"""A thread of the driver that looks after workers: hands nodes out, reads what they write, bounds their time."""

import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from oneml.habitats.engines.fork_server_client import ForkServerClient, why_not
from oneml.habitats.engines.worker_endings import Ending, Job
from oneml.habitats.engines.worker_pool import WorkerPool
from oneml.habitats.errors import EngineError

_STUCK_SECONDS = 10.0
_LOOK_SECONDS = 3600.0
"""The system cannot wait for months."""
_NEVER = float("inf")
_EPSILON = 1e-9


class _Close(NamedTuple):
    """The request to end."""


_Command = Job | signal.Signals | _Close


class Supervisor:
    """Runs jobs in workers; used from one thread, at work in another.

    Args:
        limit: How many workers there are at most, and how many processors nodes may need at a time.
        environment: Of workers.
        entry: What a worker calls, by name; empty where each node has a command of its own.
        preload: What all workers have loaded, by name.
        grace_seconds: Between SIGTERM and SIGKILL.
        mask: Hides secrets.

    Raises:
        OSError: There are no pipes to be had.

    Attributes:
        endings: How jobs have ended, and what broke the engine.
    """

    def __init__(
        self,
        *,
        limit: int,
        environment: Mapping[str, str],
        entry: str,
        preload: str,
        grace_seconds: float,
        mask: Callable[[str], str],
    ) -> None:
        self.endings: SimpleQueue[Ending | BaseException] = SimpleQueue()
        self._limit = limit
        self._commands: SimpleQueue[_Command] = SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._closing = False
        self._broken = False
        self._pool = WorkerPool(
            partial(ForkServerClient, environment, entry=entry, preload=preload),
            grace_seconds=grace_seconds,
            mask=mask,
            on_end=self.endings.put,
            on_unfit=self._waiting.appendleft,
            on_break=self._break_off,
        )
        try:
            self._woken, self._waker = socket.socketpair()
        except OSError:
            self._pool.close()
            raise
        self._waker.setblocking(False)  # noqa: FBT003  # positional only
        self._thread = threading.Thread(target=self._work, name="oneml-workers", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Take a job; it ends in `endings`, or an error stands there."""
        self._command(job)

    def cancel(self, *, now: bool) -> None:
        """End every job."""
        self._command(signal.SIGKILL if now else signal.SIGTERM)

    def close(self) -> None:
        """End all workers; whatever still runs is killed."""
        self._command(_Close())
        self._thread.join()
        self._waker.close()

    def _command(self, command: _Command) -> None:
        self._commands.put(command)
        with suppress(BlockingIOError, OSError):  # it is awake, or has ended
            self._waker.send(b"x")

    def _work(self) -> None:
        try:
            self._pool.watch(self._woken, lambda: self._woken.recv(4096))
            self._pool.open_server()
            while not self._closing:
                self._step()
            self._end_workers()
        except OSError as error:
            self._break_off(f"its workers cannot be looked after: {why_not(error)}")
        except BaseException as error:  # noqa: BLE001  # raised where the session waits
            self.endings.put(error)
        finally:
            self._pool.close()
            self._woken.close()

    def _step(self) -> None:
        now = time.monotonic()
        due = min((worker.due_at() for worker in self._pool.workers.values()), default=_NEVER)
        self._pool.poll(None if due == _NEVER else min(_LOOK_SECONDS, max(0.0, due - now)))
        while not self._commands.empty():
            self._obey(self._commands.get())
        self._keep_bounds(time.monotonic())
        while not self._closing and self._hand_out():
            pass

    def _obey(self, command: _Command) -> None:
        if isinstance(command, Job):
            self._waiting.append(command)
        elif isinstance(command, signal.Signals):
            self._cancel(command)
        else:
            self._closing = True

    def _cancel(self, number: signal.Signals) -> None:
        while self._waiting:
            self.endings.put(Ending(self._waiting.popleft(), started=False))
        for worker in self._pool.workers.values():
            job = worker.job
            if job is None or (job.cancelled and number is signal.SIGTERM):
                continue  # it was asked already and may be cleaning up
            job.cancelled = True
            self._pool.signal(worker, number)

    def _keep_bounds(self, now: float) -> None:
        for worker in list(self._pool.workers.values()):
            job = worker.job
            if now >= worker.kill_at:
                if worker.killed:
                    self._pool.kill_all()  # the fork server does not do as it is told
                worker.killed = True
                worker.kill_at = now + _STUCK_SECONDS
                self._pool.signal(worker, signal.SIGKILL)
            elif job is not None and now >= job.deadline and not job.timed_out:
                job.timed_out = True
                self._pool.signal(worker, signal.SIGTERM)

    def _hand_out(self) -> bool:
        """Give the first job that waits to a worker; tell whether there may be more to give."""
        if not self._waiting or self._broken:
            return False
        job = self._waiting[0]
        living = [worker for worker in self._pool.workers.values() if not worker.retiring]
        taken = sum(self._cpus(worker.job) for worker in living if worker.job is not None)
        if taken + self._cpus(job) > self._limit + _EPSILON:
            return False
        idle = [worker for worker in living if worker.job is None]
        if (job.wants_fresh or not idle) and len(living) >= self._limit:
            if idle:
                self._pool.retire(idle[0])
            return bool(idle)
        worker = self._pool.start(job) if job.wants_fresh or not idle else idle[-1]
        if worker is not None:
            self._pool.give(worker, self._waiting.popleft())
        return worker is not None or not self._broken

    def _cpus(self, job: Job) -> float:
        return min(job.task.needs.cpus, self._limit)

    def _break_off(self, reason: str) -> None:
        self._broken = True
        self.endings.put(EngineError(engine="process", reason=reason))

    def _end_workers(self) -> None:
        """End idle workers politely and the others at once."""
        self._cancel(signal.SIGKILL)
        for worker in list(self._pool.workers.values()):
            self._pool.retire(worker)
        while self._pool.workers:
            self._step()
