"""Runs every node in a fresh process: the command line of a worker, two variables, and nothing else."""

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import Capability, EngineContext, EngineRun, NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.states import NodeState

GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL."""

LOG_MAX_BYTES = 1 << 20
"""Of one attempt; what is written beyond is read and dropped."""

LINE_MAX_BYTES = 8192
_TAIL_LINES = 20
_DRAIN_SECONDS = 1.0
_EXIT_REFUSED = 3


def worker_environment(context: EngineContext, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a worker is told: the two variables, and the store's URL where it is not the default one."""
    told = dict(environ)
    told.pop("ONEML_STORE_URL", None)
    told["ONEML_HABITATS_PIPELINE"] = context.habitat
    told["ONEML_PIPELINE_SESSION_ID"] = context.session_id
    if context.store_url is not None:
        told["ONEML_STORE_URL"] = context.store_url
    return told


def worker_command(path: NodePath) -> list[str]:
    """Return the command line of a worker, ``oneml run-pipeline-node PATH``, under this interpreter.

    ``-P`` keeps the working directory off the import path, where it is not for the installed command either.
    """
    return [sys.executable, "-P", "-m", "oneml.habitats", "run-pipeline-node", path]


class ProcessEngine:
    """One process a node, as many at a time as there are workers (processors, unless settings say otherwise).

    Args:
        command: Gives the command line of the worker for a node.
        grace_seconds: Between SIGTERM and SIGKILL.
    """

    name = "process"
    capabilities = frozenset({Capability.KILL})

    def __init__(
        self, *, command: Callable[[NodePath], Sequence[str]] = worker_command, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._command = command
        self._grace_seconds = grace_seconds

    @contextmanager
    def open(self, context: EngineContext) -> Generator[EngineRun]:
        """Start nothing yet; on leaving, whatever still runs is killed and reaped."""
        run = _Processes(context, self._command, self._grace_seconds)
        try:
            yield run
        finally:
            run.close()


class _Processes:
    def __init__(
        self, context: EngineContext, command: Callable[[NodePath], Sequence[str]], grace_seconds: float
    ) -> None:
        self.slots = context.workers or os.cpu_count() or 1
        self._context = context
        self._command = command
        self._grace_seconds = grace_seconds
        self._environment = worker_environment(context, os.environ)
        self._workers: dict[NodePath, _Worker] = {}
        self._ended: SimpleQueue[NodePath] = SimpleQueue()

    def submit(self, task: NodeTask) -> None:
        self._workers[task.path] = _Worker(
            task,
            self._context,
            command=self._command(task.path),
            environment=self._environment,
            grace_seconds=self._grace_seconds,
            ended=self._ended,
        )

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        if not self._workers:
            return ()
        try:
            path = self._ended.get(timeout=timeout_seconds)
        except Empty:
            return ()
        return (self._workers.pop(path).outcome(),)

    def cancel(self, *, now: bool) -> None:
        for worker in self._workers.values():
            worker.cancel(signal.SIGKILL if now else signal.SIGTERM)

    def close(self) -> None:
        self.cancel(now=True)
        for worker in self._workers.values():
            worker.join()


class _Worker:
    """One process, and the thread that reads what it writes, bounds its time and reaps it."""

    def __init__(
        self,
        task: NodeTask,
        context: EngineContext,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        grace_seconds: float,
        ended: SimpleQueue[NodePath],
    ) -> None:
        self._grace_seconds = grace_seconds
        self._path = task.path
        self._timeout_seconds = task.timeout_seconds
        self._context = context
        self._ended = ended
        self._before = context.last_attempt(task.path)
        self._deadline = float("inf") if task.timeout_seconds is None else time.monotonic() + task.timeout_seconds
        self._kill_at = float("inf")
        self._cancelled = False
        self._timed_out = False
        self._log_bytes = 0
        self._tail: list[str] = []
        self._lock = threading.Lock()
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own command line
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(
                engine="process", reason=f"a worker for {task.path} cannot be started: {error}"
            ) from error
        self._thread = threading.Thread(target=self._attend, name=f"oneml-worker-{task.path}", daemon=True)
        self._thread.start()

    def cancel(self, number: signal.Signals) -> None:
        """Ask the process to end; it is killed when the grace period is over."""
        with self._lock:
            if self._process.returncode is not None or (self._cancelled and number is signal.SIGTERM):
                return  # it has ended, or was asked already and may be cleaning up
            self._cancelled = True
            self._kill_at = min(self._kill_at, time.monotonic() + self._grace_seconds)
            self._signal(number)

    def join(self) -> None:
        self._thread.join(self._grace_seconds)

    def outcome(self) -> NodeOutcome:
        """Tell what became of the node: the store knows, else how the process ended does."""
        known = self._context.known(self._path, self._before)
        if known is not None and (known.state is NodeState.SUCCEEDED or not (self._cancelled or self._timed_out)):
            if known.state is not NodeState.CANCELLED:
                return known
            text = "its process was asked to end, though not by this session"
            return known._replace(state=NodeState.FAILED, error=ErrorRecord("WorkerEndedError", text, ""))
        attempt = self._context.last_attempt(self._path)
        if self._cancelled:
            return NodeOutcome(self._path, NodeState.CANCELLED, attempt)
        state, error = self._explain()
        return NodeOutcome(self._path, state, attempt, None, error)

    def _explain(self) -> tuple[NodeState, ErrorRecord]:
        code = self._process.returncode
        tail = "\n".join(self._tail)
        if self._timed_out:
            text = f"the node was ended after {self._timeout_seconds:g} s (timeout_seconds)"
            return NodeState.FAILED, ErrorRecord("TimeoutError", text, tail)
        if code == _EXIT_REFUSED and self._context.last_attempt(self._path) == self._before:
            return NodeState.REFUSED, ErrorRecord("RefusalError", _last_error(self._tail), tail)
        if code < 0:
            text = f"its process was killed by {_signal_name(-code)}"
        elif code == 0:
            text = "its process ended with exit code 0, but published nothing: did the body leave by exit()?"
        else:
            text = f"its process ended with exit code {code}: {_last_error(self._tail)}"
        return NodeState.FAILED, ErrorRecord("WorkerEndedError", text, tail)

    def _attend(self) -> None:
        try:
            self._read_until_end()
        finally:
            self._process.wait()
            self._signal(signal.SIGKILL)
            self._ended.put(self._path)

    def _read_until_end(self) -> None:
        """Read until the process has ended and its output with it; nobody else who holds the pipe is waited for."""
        stream = self._process.stdout
        if stream is None:
            return
        descriptor = stream.fileno()
        os.set_blocking(descriptor, False)
        pending = b""
        give_up_at = float("inf")
        with stream, selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                if selector.select(0.05):
                    chunk = os.read(descriptor, 1 << 16)
                    if not chunk:
                        break
                    pending = self._split(pending + chunk)
                now = time.monotonic()
                if self._process.poll() is not None:
                    give_up_at = min(give_up_at, now + _DRAIN_SECONDS)
                if now >= give_up_at:
                    break
                self._bound(now)
        if pending:
            self._line(pending)
        while self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
            self._bound(time.monotonic())

    def _bound(self, now: float) -> None:
        with self._lock:
            if now >= self._kill_at:
                self._signal(signal.SIGKILL)
            elif now >= self._deadline and not self._timed_out and self._process.poll() is None:
                self._timed_out = True
                self._kill_at = now + self._grace_seconds
                self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole group of the process, which is named after it; a group that is gone is fine."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _split(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        for line in lines[:-1]:
            self._line(line)
        rest = lines[-1]
        while len(rest) > LINE_MAX_BYTES:
            self._line(rest[:LINE_MAX_BYTES])
            rest = rest[LINE_MAX_BYTES:]
        return rest

    def _line(self, data: bytes) -> None:
        line = self._context.mask(data[:LINE_MAX_BYTES].decode(errors="replace").rstrip("\r"))
        self._tail = [*self._tail[1 - _TAIL_LINES :], line]
        before = self._log_bytes
        self._log_bytes += len(data) + 1
        if before < LOG_MAX_BYTES:
            self._context.log(self._path, line)
            if self._log_bytes >= LOG_MAX_BYTES:
                self._context.log(self._path, f"... output beyond {LOG_MAX_BYTES} bytes is dropped")


def _last_error(tail: Sequence[str]) -> str:
    """Return the last message of a worker, from its ``Error:`` on."""
    for number in range(len(tail) - 1, -1, -1):
        if tail[number].startswith("Error: "):
            return "\n".join((tail[number].removeprefix("Error: "), *tail[number + 1 :]))
    return tail[-1] if tail else "it wrote nothing"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
