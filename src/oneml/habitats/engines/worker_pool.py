"""The workers of one run and the fork server that starts them: everything that goes through their pipes."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import cast

from oneml.habitats.engines.fork_server_client import ForkServerClient
from oneml.habitats.engines.worker_endings import Ending, Job, reply_state, signal_name
from oneml.habitats.engines.worker_process import WorkerProcess
from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.states import NodeState

_LOSSES_MAX = 3


class WorkerPool:
    """Starts workers, sends and reads; used from one thread, which must live as long as the workers.

    Args:
        start_server: Starts a fork server.
        grace_seconds: Between SIGTERM and SIGKILL.
        mask: Hides secrets.
        on_end: Takes how each job has ended.
        on_unfit: Takes a job back for which its worker is too full.
        on_break: Takes the reason why no more workers can be started.

    Attributes:
        workers: Those that live, by number.
    """

    def __init__(
        self,
        start_server: Callable[[], ForkServerClient],
        *,
        grace_seconds: float,
        mask: Callable[[str], str],
        on_end: Callable[[Ending], None],
        on_unfit: Callable[[Job], None],
        on_break: Callable[[str], None],
    ) -> None:
        self.workers: dict[int, WorkerProcess] = {}
        self._start_server = start_server
        self._grace_seconds = grace_seconds
        self._mask = mask
        self._on_job_end = on_end
        self._on_unfit = on_unfit
        self._on_break = on_break
        self._number = 0
        self._server: ForkServerClient | None = None
        self._server_ready = False
        self._server_output = b""
        self._losses = 0
        self._selector = selectors.DefaultSelector()

    def poll(self, timeout_seconds: float | None) -> None:
        """Take what has come, or comes until the time is over."""
        server = self._server
        if server is not None and server.unread:
            self._on_control(server)
            timeout_seconds = 0.0
        for key, events in self._selector.select(timeout_seconds):
            if self._selector.get_map().get(key.fd) is key:  # else it was let go of meanwhile
                cast("Callable[[int], object]", key.data)(events)

    def watch(self, source: socket.socket | int, call: Callable[[], object]) -> None:
        """Let `poll` call when there is something to read."""

        def ready(_events: int) -> None:
            call()

        self._selector.register(source, selectors.EVENT_READ, ready)

    def close(self) -> None:
        """Let go of everything; the fork server ends what still runs."""
        for worker in self.workers.values():
            worker.close()
        if self._server is not None:
            if not self._number:
                self._server.kill()  # there is nothing that it would have to end
            self._server.close(self._grace_seconds)
        self._selector.close()

    def open_server(self) -> ForkServerClient:
        """Start the fork server; workers start when they are needed.

        Raises:
            EngineError: It cannot be started.
        """
        server = self._server = self._start_server()
        self._server_ready, self._server_output = False, b""
        self.watch(server.control, partial(self._on_control, server))
        self.watch(server.output, partial(self._on_server_output, server))
        return server

    def start(self, job: Job) -> WorkerProcess | None:
        """Start a worker that can run the job; None where that has failed, which is told.

        Raises:
            EngineError: There is no fork server any more, and none can be started.
        """
        server = self._server or self.open_server()
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
        self.workers[worker.number] = worker
        self.watch(worker.output, partial(self._on_output, worker))
        if worker.channel is not None:
            self._watch_channel(worker)
        return worker

    def give(self, worker: WorkerProcess, job: Job) -> None:
        """Let a worker run a job."""
        worker.take(job)
        self._send(worker)

    def signal(self, worker: WorkerProcess, number: signal.Signals) -> None:
        """Signal a worker and its group; it is killed when the grace period is over."""
        if not worker.killed:
            worker.kill_at = min(worker.kill_at, time.monotonic() + self._grace_seconds)
        if self._server is not None:
            self._server.request({"do": "signal", "worker": worker.number, "signal": int(number)})

    def kill_all(self) -> None:
        """End the fork server at once, and so all workers."""
        if self._server is not None:
            self._server.kill()

    def retire(self, worker: WorkerProcess) -> None:
        """Let a worker end by itself, within the grace period."""
        worker.retiring = True
        if worker.channel is not None:
            self._selector.unregister(worker.channel)
            worker.close_channel()
        worker.kill_at = min(worker.kill_at, time.monotonic() + self._grace_seconds)

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
            self.retire(worker)
            return
        reply, unfit = answer.get("reply"), answer.get("unfit")
        if isinstance(unfit, int):
            self._unfit(worker, job, unfit)
        elif isinstance(reply, Mapping):
            state = reply_state(job, reply)
            if state is None:
                self._broken_answer(worker, "it is no reply for this node")
                return
            worker.fresh = False
            self._finish(worker, Ending(job, reply=reply), explained=state is NodeState.SUCCEEDED)
            if job.timed_out or job.cancelled or state is NodeState.CANCELLED:
                self.retire(worker)
        else:
            self._broken_answer(worker, str(answer.get("unsendable", "it holds no reply")))

    def _unfit(self, worker: WorkerProcess, job: Job, taken_bytes: int) -> None:
        """Have another worker run what does not fit into this one, unless that was to end meanwhile."""
        if worker.fresh or job.cancelled or job.timed_out:
            detail = f"a worker takes {taken_bytes} bytes before the node starts"
            self._finish(worker, Ending(job, detail=detail))
        else:
            worker.job, job.wants_fresh = None, True
            self._on_unfit(job)
        self.retire(worker)

    def _broken_answer(self, worker: WorkerProcess, why: str) -> None:
        if worker.job is not None:
            self._finish(worker, Ending(worker.job, detail=f"its worker gave no answer that can be read: {why}"))
        self.retire(worker)

    def _finish(self, worker: WorkerProcess, ending: Ending, *, explained: bool = False) -> None:
        """Take what was written before the end, and hand the end over."""
        worker.drain()
        ending.job.output.end()
        if not explained:
            ending = ending._replace(tail=tuple(ending.job.output.tail()))
        worker.job = None
        self._on_job_end(ending)

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
            worker = self.workers[cast("int", event["worker"])]
            if kind == "started":
                worker.pid = cast("int", event["pid"])
            elif kind == "failed":
                self._forget(worker)
                where = "" if worker.job is None else f" for {worker.job.task.path}"
                self._on_break(f"a worker{where} cannot be started: {event['reason']}")
            else:
                self._on_end(worker, Ending(worker.job, exit_code=cast("int", event["code"])) if worker.job else None)

    def _on_end(self, worker: WorkerProcess, ending: Ending | None) -> None:
        while self._read_channel(worker):
            pass
        if worker.job is not None and ending is not None:
            self._finish(worker, ending)
        self._forget(worker)

    def _forget(self, worker: WorkerProcess) -> None:
        del self.workers[worker.number]
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
        if not self._server_ready or self._losses > _LOSSES_MAX:
            said = self._mask(self._server_output.decode(errors="replace")).strip()
            self._on_break(f"the process that starts workers {how}: {said or 'it wrote nothing'}")
        detail = f"the process that starts workers {how}, and its workers with it"
        for worker in list(self.workers.values()):
            if worker.pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(worker.pid, signal.SIGKILL)
            self._on_end(worker, Ending(worker.job, detail=detail) if worker.job else None)
