"""Runs nodes in the driver's own process: one after the other, or on threads."""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from oneml.habitats.engines.option_values import checked_options
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import Capability, EngineContext, EngineRun, NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

_EPSILON = 1e-9


class InProcessEngine:
    """Inline for one worker, which is the default; on threads for more."""

    name = "in-process"
    capabilities = frozenset({Capability.LIVE_OBJECTS, Capability.CPUS, Capability.PRIORITY})

    def preflight(self, options: Mapping[str, object]) -> None:
        """Let pass options that fit; see `Preflight`."""
        checked_options(self.name, options, {})

    @contextmanager
    def open(self, context: EngineContext) -> Generator[EngineRun]:
        """Have threads for as many nodes as run at once, at most as many as there are workers; none for one."""
        workers = context.workers or 1
        if workers == 1:
            yield _Inline(context.execute)
            return
        run = _Threads(context.execute, workers)
        try:
            yield run
        finally:
            run.close()


class _Inline:
    """Runs a node while its result is waited for: it has all processors there are."""

    slots = 1

    def __init__(self, execute: Callable[[NodePath], NodeOutcome]) -> None:
        self._execute = execute
        self._submitted: deque[NodePath] = deque()

    def submit(self, task: NodeTask) -> None:
        self._submitted.append(task.path)

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        if not self._submitted:
            return ()
        return (self._execute(self._submitted.popleft()),)

    def cancel(self, *, now: bool) -> None:
        """Nothing runs between two calls of `wait`."""


class _Threads:
    """Daemon threads, so that a body that never returns cannot keep an interrupted process alive.

    A node of two processors takes the places of two; one that needs more than there are runs alone. Nodes start in
    their order: one that needs several holds back those behind it, so that it is not passed over for ever.
    """

    def __init__(self, execute: Callable[[NodePath], NodeOutcome], workers: int) -> None:
        self.slots = workers
        self._execute = execute
        self._cancelled = False
        self._tasks: SimpleQueue[NodePath | None] = SimpleQueue()
        self._outcomes: SimpleQueue[NodeOutcome | BaseException] = SimpleQueue()
        self._waiting: deque[NodeTask] = deque()
        self._running: dict[NodePath, float] = {}
        self._threads = 0

    def submit(self, task: NodeTask) -> None:
        self._waiting.append(task)
        self._hand_out()

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        if self._cancelled:
            outcomes = [NodeOutcome(task.path, NodeState.CANCELLED) for task in self._waiting]
            self._waiting.clear()
            if outcomes:
                return outcomes
        if not self._running:
            return ()
        try:
            outcome = self._outcomes.get(timeout=timeout_seconds)
        except Empty:
            return ()
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome.path not in self._running:
            return ()
        del self._running[outcome.path]
        self._hand_out()
        return (outcome,)

    def _hand_out(self) -> None:
        while self._waiting and not self._cancelled:
            cpus = min(self._waiting[0].needs.cpus, self.slots)
            if sum(self._running.values()) + cpus > self.slots + _EPSILON:
                return
            if self._threads < min(len(self._running) + 1, self.slots):
                self._start_thread()
            path = self._waiting.popleft().path
            self._running[path] = cpus
            self._tasks.put(path)

    def _start_thread(self) -> None:
        context = contextvars.copy_context()
        name = f"oneml-node-{self._threads}"
        try:
            threading.Thread(target=context.run, args=(self._work,), name=name, daemon=True).start()
        except RuntimeError as error:
            reason = f"its {self._threads} threads are as many as the system allows: {error}. Set fewer workers"
            raise EngineError(engine=InProcessEngine.name, reason=reason) from error
        self._threads += 1

    def cancel(self, *, now: bool) -> None:
        """Threads cannot be ended: politely means to let bodies finish, at once to go on without them."""
        self._cancelled = True
        if now:
            for path in self._running:
                self._outcomes.put(NodeOutcome(path, NodeState.CANCELLED))

    def close(self) -> None:
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        while (path := self._tasks.get()) is not None:
            try:
                self._outcomes.put(self._execute(path))
            except BaseException as error:  # noqa: BLE001  # raised where the session waits
                self._outcomes.put(error)
