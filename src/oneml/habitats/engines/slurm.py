"""Runs nodes as jobs of a Slurm cluster: two variables, ``oneml run-pipeline-node``, and nothing else on the wire."""

import os
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty

from oneml.habitats.engines.slurm_batch import ARRAY, exported, node_of_name, nodes_of_script, session_prefix
from oneml.habitats.engines.slurm_commands import CommandError, SlurmCommands
from oneml.habitats.engines.slurm_endings import is_alive, outcome_of
from oneml.habitats.engines.slurm_job import Notice, Standing
from oneml.habitats.engines.slurm_jobs import SlurmJobs
from oneml.habitats.engines.slurm_options import ENGINE, SlurmOptions, log_folder, slurm_options
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import Capability, EngineContext, EngineRun, NodeTask
from oneml.habitats.values.node_path import node_key
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

SLOTS = 1000
"""How many jobs a session has in the queue at a time, unless ``workers`` says otherwise."""


class SlurmEngine:
    """One job a node, in arrays where nodes with equal needs become due together.

    Jobs outlive their driver: one that comes back finds them by name and attaches to them.
    """

    name = ENGINE
    capabilities = frozenset(
        {
            Capability.KILL,
            Capability.TAGS,
            Capability.IMAGES,
            Capability.CPUS,
            Capability.GPUS,
            Capability.MEMORY_LIMIT,
            Capability.PRIORITY,
            Capability.ISOLATES,
        }
    )

    def preflight(self, options: Mapping[str, object]) -> None:
        """Let pass options that fit; see `Preflight`."""
        slurm_options(options)

    @contextmanager
    def open(self, context: EngineContext) -> Generator[EngineRun]:
        """Look for jobs that an earlier driver of the session left; on leaving, jobs that are left are cancelled.

        Raises:
            EngineError: The commands of Slurm are missing, or its controller does not answer.
            SettingsError: An option is wrong.
        """
        options = slurm_options(context.options)
        commands = SlurmCommands(os.environ, exported=exported(options), limit_seconds=options.command_seconds)
        standing = _standing(context, commands)
        folder = _folder(context, options)
        run = _SlurmRun(context, SlurmJobs(context, options, commands, folder=folder), standing)
        try:
            yield run
        finally:
            run.close()
            with suppress(OSError):
                folder.rmdir()


class _Held:
    """A node that was submitted."""

    __slots__ = ("before", "task")

    def __init__(self, task: NodeTask, before: int) -> None:
        self.task = task
        self.before = before


class _SlurmRun:
    """Judges what the thread tells by what the store knows."""

    def __init__(self, context: EngineContext, jobs: SlurmJobs, standing: Mapping[str, Standing]) -> None:
        self.slots = context.workers or SLOTS
        self._context = context
        self._jobs = jobs
        self._standing = dict(standing)
        self._held: dict[int, _Held] = {}
        self._tickets = 0

    def submit(self, task: NodeTask) -> None:
        before = self._context.last_attempt(task.path)
        standing = self._standing.pop(node_key(task.path), None)
        if standing is not None and before and self._context.known(task.path, before - 1) is None:
            before -= 1  # the last claim is that of the job that is there
        self._tickets += 1
        self._held[self._tickets] = _Held(task, before)
        self._jobs.submit(task, self._tickets, standing)

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        give_up_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        outcomes: list[NodeOutcome] = []
        while self._held:
            left = 0.0 if outcomes else None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
            try:
                notice = self._jobs.notices.get(timeout=left)
            except Empty:
                break
            if isinstance(notice, BaseException):
                raise notice
            outcome = self._judge(notice)
            if outcome is not None:
                outcomes.append(outcome)
        return outcomes

    def cancel(self, *, now: bool) -> None:
        self._jobs.cancel(now=now)

    def close(self) -> None:
        self._jobs.close(self._standing.values())

    def _judge(self, notice: Notice) -> NodeOutcome | None:
        held = self._held.get(notice.ticket)
        if held is None:
            return None
        known = self._context.known(notice.path, held.before)
        if known is None and not notice.final:
            return None
        last = self._context.last_attempt(notice.path)
        outcome = outcome_of(held.task, notice.ending, known, before=held.before, last=last)
        del self._held[notice.ticket]
        self._jobs.forget(notice.ticket, succeeded=outcome.state is NodeState.SUCCEEDED)
        return outcome


def _folder(context: EngineContext, options: SlurmOptions) -> Path:
    folder = log_folder(options, context.store_url, os.environ) / context.session_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"its folder for output cannot be made: {error}. Name one that the nodes share: option log_folder"
        raise EngineError(engine=ENGINE, reason=reason) from error
    return folder


def _standing(context: EngineContext, commands: SlurmCommands) -> Mapping[str, Standing]:
    """Return the jobs of the session that wait or run, by the key of the node."""
    prefix = session_prefix(context)
    found: dict[str, Standing] = {}
    scripts: dict[str, Mapping[int, str]] = {}
    try:
        for row in commands.rows(prefix):
            if not is_alive(row) or row.state == "COMPLETING":
                continue
            key = node_of_name(row.name, prefix)
            if key == ARRAY and row.place is not None:
                if row.name not in scripts:
                    nodes = nodes_of_script(commands.script(row.job_id))
                    scripts[row.name] = {index: node_key(path) for index, path in nodes.items()}
                key = scripts[row.name].get(row.place)
            if key is not None:
                found[key] = Standing(row.name, row.job_id, row.place)
    except CommandError as error:
        reason = f"{error}. Drive the session from a machine where `squeue` shows the queue of the cluster"
        raise EngineError(engine=ENGINE, reason=reason) from error
    return found
