"""A thread of the driver that looks after workers: hands nodes out, reads what they write, bounds their time."""

import os
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple, cast

from oneml.habitats.engines.fork_server_client import ForkServerClient
from oneml.habitats.engines.worker_endings import Ending, Job, reply_state, signal_name
from oneml.habitats.engines.worker_process import WorkerProcess
from oneml.habitats.errors import EngineError, InvalidDocumentError
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.states import NodeState

_LOSSES_MAX = 3
_STUCK_SECONDS = 10.0
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
        self._start_server = partial(ForkServerClient, environment, entry=entry, preload=preload)
        self._grace_seconds = grace_seconds
        self._mask = mask
        self._commands: SimpleQueue[_Command] = SimpleQueue()
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)  # noqa: FBT003  # positional only
        self._waiting: deque[Job] = deque()
        self._workers: dict[int, WorkerProcess] = {}
        self._number = 0
        self._server: ForkServerClient | None = None
        self._server_ready = False
        self._server_output = b""
        self._losses = 0
        self._closing = False
        self._broken = False
        self._selector = selectors.DefaultSelector()
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
            self._watch(self._woken, lambda: self._woken.recv(4096))
            self._open_server()
            while not self._closing:
                self._step()
            self._end_workers()
        except BaseException as error:  # noqa: BLE001  # raised where the session waits
            self.endings.put(error)
        finally:
            for worker in self._workers.values():
                worker.close()
            if self._server is not None:
                if not self._number:
                    self._server.kill()  # there is nothing that it would have to end
                self._server.close(self._grace_seconds)
            self._selector.close()
            self._woken.close()

    def _step(self) -> None:
        now = time.monotonic()
        due = min((worker.due_at() for worker in self._workers.values()), default=_NEVER)
        for key, events in self._selector.select(None if due == _NEVER else max(0.0, due - now)):
            if self._selector.get_map().get(key.fd) is key:  # else it was let go of meanwhile
                cast("Callable[[int], object]", key.data)(events)
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
        for worker in self._workers.values():
            job = worker.job
            if job is None or (job.cancelled and number is signal.SIGTERM):
                continue  # it was asked already and may be cleaning up
            job.cancelled = True
            self._signal(worker, number)

    def _signal(self, worker: WorkerProcess, number: signal.Signals) -> None:
        """Signal a worker and its group; it is killed when the grace period is over."""
        if not worker.killed:
            worker.kill_at = min(worker.kill_at, time.monotonic() + self._grace_seconds)
        if self._server is not None:
            self._server.request({"do": "signal", "worker": worker.number, "signal": int(number)})

    def _keep_bounds(self, now: float) -> None:
        for worker in list(self._workers.values()):
            job = worker.job
            if now >= worker.kill_at:
                if worker.killed and self._server is not None:
                    self._server.kill()  # it does not do as it is told
                worker.killed = True
                worker.kill_at = now + _STUCK_SECONDS
                self._signal(worker, signal.SIGKILL)
            elif job is not None and now >= job.deadline and not job.timed_out:
                job.timed_out = True
                self._signal(worker, signal.SIGTERM)

    def _hand_out(self) -> bool:
        """Give the first job that waits to a worker; tell whether there may be more to give."""
        if not self._waiting or self._broken:
            return False
        job = self._waiting[0]
        living = [worker for worker in self._workers.values() if not worker.retiring]
        taken = sum(self._cpus(worker.job) for worker in living if worker.job is not None)
        if taken + self._cpus(job) > self._limit + _EPSILON:
            return False
        idle = [worker for worker in living if worker.job is None]
        if (job.wants_fresh or not idle) and len(living) >= self._limit:
            if idle:
                self._retire(idle[0])
            return bool(idle)
        worker = self._new_worker(job) if job.wants_fresh or not idle else idle[-1]
        if worker is not None:
            self._waiting.popleft()
            worker.take(job)
            self._send(worker)
        return worker is not None or not self._broken

    def _cpus(self, job: Job) -> float:
        return min(job.task.needs.cpus, self._limit)

    def _open_server(self) -> ForkServerClient:
        server = self._server = self._start_server()
        self._server_ready, self._server_output = False, b""
        self._watch(server.control, partial(self._on_control, server))
        self._watch(server.output, partial(self._on_server_output, server))
        return server

    def _new_worker(self, job: Job) -> WorkerProcess | None:
        server = self._server or self._open_server()
        self._number += 1
        worker = WorkerProcess(self._number, warm=job.frame is not None)
        request: JsonObject = {"do": "fork", "worker": worker.number}
        if job.frame is None:
            limit = job.task.needs.memory_bytes
            request = {"do": "run", "worker": worker.number, "command": job.command, "memory_bytes": limit}
        theirs = worker.take_their_ends()
        try:
            taken = server.request(request, theirs)
        finally:
            for fd in theirs:
                os.close(fd)
        if not taken:
            worker.close()
            self._on_server_end(server)
            return None
        self._workers[worker.number] = worker
        self._watch(worker.output, partial(self._on_output, worker))
        if worker.channel is not None:
            self._watch_channel(worker)
        return worker

    def _watch(self, source: socket.socket | int, call: Callable[[], object]) -> None:
        def ready(_events: int) -> None:
            call()

        self._selector.register(source, selectors.EVENT_READ, ready)

    def _watch_channel(self, worker: WorkerProcess) -> None:
        channel = worker.channel
        if channel is None:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.unsent else 0)
        call = partial(self._on_channel, worker)
        if channel in self._selector.get_map():
            self._selector.modify(channel, events, call)
        else:
            self._selector.register(channel, events, call)

    def _send(self, worker: WorkerProcess) -> None:
        waited = worker.writing
        worker.flush()
        if worker.writing != waited:
            self._watch_channel(worker)

    def _on_channel(self, worker: WorkerProcess, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._send(worker)
        if events & selectors.EVENT_READ:
            self._read_channel(worker)

    def _read_channel(self, worker: WorkerProcess) -> bool:
        """Take what a worker answers; tell whether there may be more."""
        channel = worker.channel
        if channel is None:
            return False
        data = worker.receive()
        if data is None:
            return False
        if not data:
            self._selector.unregister(channel)
            worker.close_channel()
            worker.kill_at = min(worker.kill_at, time.monotonic() + self._grace_seconds)
            return False
        try:
            for answer in worker.frames.feed(data):
                self._answered(worker, answer)
        except InvalidDocumentError as error:
            self._broken_answer(worker, str(error))
        return True

    def _answered(self, worker: WorkerProcess, answer: JsonObject) -> None:
        job = worker.job
        if job is None:
            self._retire(worker)
            return
        reply, unfit = answer.get("reply"), answer.get("unfit")
        if isinstance(unfit, int):
            if not worker.fresh:
                worker.job, job.wants_fresh = None, True
                self._waiting.appendleft(job)
                self._retire(worker)
                return
            detail = f"a worker takes {unfit} bytes before the node starts"
            self._finish(worker, Ending(job, detail=detail))
        elif isinstance(reply, Mapping):
            state = reply_state(job, reply)
            if state is None:
                self._broken_answer(worker, "it is no reply for this node")
                return
            worker.fresh = False
            self._finish(worker, Ending(job, reply=reply), explained=state is NodeState.SUCCEEDED)
            if job.timed_out or job.cancelled or state is NodeState.CANCELLED:
                self._retire(worker)
        else:
            self._broken_answer(worker, str(answer.get("unsendable", "it holds no reply")))

    def _broken_answer(self, worker: WorkerProcess, why: str) -> None:
        if worker.job is not None:
            self._finish(worker, Ending(worker.job, detail=f"its worker gave no answer that can be read: {why}"))
        self._retire(worker)

    def _finish(self, worker: WorkerProcess, ending: Ending, *, explained: bool = False) -> None:
        """Take what was written before the end, and hand the end over."""
        worker.drain()
        ending.job.output.end()
        if not explained:
            ending = ending._replace(tail=tuple(ending.job.output.tail()))
        worker.job = None
        self.endings.put(ending)

    def _retire(self, worker: WorkerProcess) -> None:
        """Let a worker end by itself, within the grace period."""
        worker.retiring = True
        if worker.channel is not None:
            self._selector.unregister(worker.channel)
            worker.close_channel()
        worker.kill_at = min(worker.kill_at, time.monotonic() + self._grace_seconds)

    def _on_output(self, worker: WorkerProcess) -> None:
        if worker.read_output() == 0:
            self._selector.unregister(worker.output)

    def _on_server_output(self, server: ForkServerClient) -> None:
        data = os.read(server.output, 1 << 16)
        self._server_output = (self._server_output + data)[-(1 << 14) :]
        if not data:
            self._selector.unregister(server.output)

    def _on_control(self, server: ForkServerClient) -> None:
        events = server.events()
        if events is None:
            self._on_server_end(server)
            return
        for event in events:
            kind = event["event"]
            if kind == "ready":
                self._server_ready = True
                continue
            worker = self._workers[cast("int", event["worker"])]
            if kind == "started":
                worker.pid = cast("int", event["pid"])
            elif kind == "failed":
                self._forget(worker)
                where = "" if worker.job is None else f" for {worker.job.task.path}"
                self._break_off(f"a worker{where} cannot be started: {event['reason']}")
            else:
                self._on_end(worker, Ending(worker.job, exit_code=cast("int", event["code"])) if worker.job else None)

    def _on_end(self, worker: WorkerProcess, ending: Ending | None) -> None:
        while self._read_channel(worker):
            pass
        if worker.job is not None and ending is not None:
            self._finish(worker, ending)
        self._forget(worker)

    def _forget(self, worker: WorkerProcess) -> None:
        del self._workers[worker.number]
        for source in (worker.channel, worker.output):
            if source is not None and source in self._selector.get_map():
                self._selector.unregister(source)
        worker.close()

    def _on_server_end(self, server: ForkServerClient) -> None:
        """The fork server has ended without being asked, and its workers with it."""
        if server is not self._server:
            return
        self._server = None
        for source in (server.control, server.output):
            if source in self._selector.get_map():
                self._selector.unregister(source)
        with suppress(BlockingIOError):
            self._server_output += os.read(server.output, 1 << 16)
        code = server.close(self._grace_seconds)
        self._losses += 1
        how = f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        if not self._closing and (not self._server_ready or self._losses > _LOSSES_MAX):
            said = self._mask(self._server_output.decode(errors="replace")).strip()
            self._break_off(f"the process that starts workers {how}: {said or 'it wrote nothing'}")
        detail = f"the process that starts workers {how}, and its workers with it"
        for worker in list(self._workers.values()):
            if worker.pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(worker.pid, signal.SIGKILL)
            self._on_end(worker, Ending(worker.job, detail=detail) if worker.job else None)

    def _break_off(self, reason: str) -> None:
        self._broken = True
        self.endings.put(EngineError(engine="process", reason=reason))

    def _end_workers(self) -> None:
        """End idle workers politely and the others at once."""
        self._cancel(signal.SIGKILL)
        for worker in list(self._workers.values()):
            self._retire(worker)
        while self._workers and self._server is not None:
            self._step()
