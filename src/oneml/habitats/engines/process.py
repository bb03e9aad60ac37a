"""Runs nodes in worker processes of this machine: warm ones that run many nodes, or one for each node."""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty

from oneml.habitats.engines.fork_server_client import why_not
from oneml.habitats.engines.frames import frame
from oneml.habitats.engines.isolated import worker_command, worker_environment
from oneml.habitats.engines.kinship import LINUX
from oneml.habitats.engines.option_values import checked_options
from oneml.habitats.engines.supervisor import Supervisor
from oneml.habitats.engines.worker_endings import Ending, Job, outcome_of
from oneml.habitats.engines.worker_output import NodeOutput
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import Capability, EngineContext, EngineRun, NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome

GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL."""

_EVERYWHERE = frozenset({Capability.KILL, Capability.CPUS, Capability.PRIORITY, Capability.ISOLATES})


class ProcessEngine:
    """As many nodes at a time as there are workers (processors, unless settings say otherwise).

    Workers are forked from a process that has loaded what all need, and run one node after the other; where the session
    is isolated, each node gets a process of its own.

    Args:
        command: Gives the command line of the worker for a node of an isolated session.
        grace_seconds: Between SIGTERM and SIGKILL.
    """

    name = "process"
    capabilities = _EVERYWHERE | {Capability.MEMORY_LIMIT} if LINUX else _EVERYWHERE

    def __init__(
        self, *, command: Callable[[NodePath], Sequence[str]] = worker_command, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._command = command
        self._grace_seconds = grace_seconds

    def preflight(self, options: Mapping[str, object]) -> None:
        """Let pass options that fit; see `Preflight`."""
        checked_options(self.name, options, {})

    @contextmanager
    def open(self, context: EngineContext) -> Generator[EngineRun]:
        """Start the process that starts workers; on leaving, whatever still runs is killed and reaped.

        Raises:
            EngineError: There are not even the pipes to begin with.
        """
        try:
            run = _Processes(context, self._command, self._grace_seconds)
        except OSError as error:
            raise EngineError(engine=self.name, reason=f"it cannot start: {why_not(error)}") from error
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
        self._held = 0
        self._error: BaseException | None = None
        self._supervisor = Supervisor(
            limit=self.slots,
            environment=worker_environment(context, os.environ),
            entry="" if context.isolated else context.entry,
            preload="" if context.isolated else context.preload,
            grace_seconds=grace_seconds,
            mask=context.mask,
        )

    def submit(self, task: NodeTask) -> None:
        context = self._context
        job = partial(
            Job,
            task,
            before=context.last_attempt(task.path),
            output=NodeOutput(context.mask, partial(context.log, task.path)),
        )
        self._held += 1
        if context.isolated:
            self._supervisor.submit(job(command=self._command(task.path)))
            return
        message = {"message": context.message(task, 0), "memory_bytes": task.needs.memory_bytes}
        self._supervisor.submit(job(frame=frame(message)))

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        if not self._held:
            return ()
        endings = self._next(timeout_seconds)
        self._held -= len(endings)
        replies = [ending.reply for ending in endings if ending.reply is not None]
        told = iter(self._context.take(replies) if replies else ())
        return [outcome_of(ending, None if ending.reply is None else next(told), self._context) for ending in endings]

    def cancel(self, *, now: bool) -> None:
        self._supervisor.cancel(now=now)

    def close(self) -> None:
        self._supervisor.close()

    def _next(self, timeout_seconds: float | None) -> list[Ending]:
        """Return what has ended; what broke the engine is raised once that is told."""
        found: list[Ending] = []
        with suppress(Empty):
            while self._error is None:
                ending = self._supervisor.endings.get(block=not found, timeout=timeout_seconds)
                if isinstance(ending, BaseException):
                    self._error = ending
                else:
                    found.append(ending)
        if self._error is not None and not found:
            raise self._error
        return found
