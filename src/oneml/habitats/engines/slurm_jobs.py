"""Attends the jobs of one session: submits, watches, follows their output, ends them. One thread talks to Slurm."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from oneml.habitats.engines.slurm_batch import (
    Batch,
    batches,
    log_name,
    needs_arguments,
    script,
    session_prefix,
    submission,
)
from oneml.habitats.engines.slurm_commands import (
    CommandError,
    LimitError,
    MissingCommandError,
    Row,
    SlurmCommands,
    UnreachableError,
)
from oneml.habitats.engines.slurm_endings import Cause, Ending, is_alive, never_starts
from oneml.habitats.engines.slurm_job import Job, Notice, Standing
from oneml.habitats.engines.slurm_logs import LogTail
from oneml.habitats.engines.slurm_options import ENGINE, SlurmOptions
from oneml.habitats.engines.slurm_queue import SessionQueue
from oneml.habitats.engines.worker_output import NodeOutput
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineContext, NodeTask

_TICK_SECONDS = 0.1
_GATHER_SECONDS = 0.02
_LOG_SECONDS = 0.5
_HURRY_SECONDS = 0.5
"""Between two looks at the queue while jobs that were asked to end have not."""

_logger = logging.getLogger(__name__)


class SlurmJobs:
    """The jobs of one session.

    Args:
        context: What the session hands over.
        options: Options of the engine.
        commands: How Slurm is talked to.
        folder: Where jobs write.
    """

    def __init__(
        self,
        context: EngineContext,
        options: SlurmOptions,
        commands: SlurmCommands,
        *,
        folder: Path,
    ) -> None:
        self.notices: SimpleQueue[Notice | BaseException] = SimpleQueue()
        self._context = context
        self._options = options
        self._commands = commands
        self._folder = folder
        self._prefix = session_prefix(context)
        self._queue = SessionQueue(commands, self._prefix)
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._jobs: dict[int, Job] = {}
        self._over_with: dict[int, Job] = {}
        """Those that the session was told of for good, until it says what became of their nodes."""
        self._new: list[Job] = []
        self._waiting: list[tuple[Batch, list[Job], bool]] = []
        self._given_up: set[tuple[str, int | None]] = set()
        self._grace_seconds = options.grace_seconds
        self._nice_least = -(2**31) + 3
        self._unreachable_at = self._limited_at = float("inf")
        self._poll_at = self._logs_at = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._attend, name="oneml-slurm", daemon=True)
        self._thread.start()

    def submit(self, task: NodeTask, ticket: int, standing: Standing | None) -> None:
        """Take a node, or attach to the job that an earlier driver submitted for it."""
        self._inbox.put(partial(self._add, task, ticket, standing))

    def forget(self, ticket: int, *, succeeded: bool) -> None:
        """Leave a job alone: the outcome of its node is known."""
        self._inbox.put(partial(self._drop, ticket, succeeded=succeeded))

    def cancel(self, *, now: bool) -> None:
        """End all jobs."""
        self._inbox.put(partial(self._cancel_all, now=now))

    def close(self, others: Iterable[Standing]) -> None:
        """End what is left, and jobs of this session that nobody asked for any more; bounded in time."""
        self._inbox.put(partial(self._close, tuple(others)))
        self._thread.join(4 * self._options.command_seconds + self._options.grace_seconds)
        if self._thread.is_alive():
            self._tell_left("Slurm is slow to answer")

    def _attend(self) -> None:
        step = self._step
        while not self._closing:
            try:
                step()
            except BaseException as error:  # noqa: BLE001  # raised where the session waits
                self.notices.put(error)
                step = self._obey

    def _obey(self) -> None:
        """Do what the session asks for and nothing else, until it asks for the end."""
        self._inbox.get()()

    def _step(self) -> None:
        self._listen()
        if self._closing:
            return
        self._submit_waiting()
        now = time.monotonic()
        if now >= self._poll_at and (self._jobs or self._waiting):
            self._poll()
            hurried = any(job.asked_at < now for job in self._jobs.values())
            pause = self._options.poll_seconds
            self._poll_at = time.monotonic() + (min(_HURRY_SECONDS, pause) if hurried else pause)
        if now >= self._logs_at:
            self._logs_at = now + _LOG_SECONDS
            for job in self._jobs.values():
                if job.log is not None and job.row is not None and job.row.state != "PENDING":
                    job.log.read()
        self._bound()

    def _listen(self) -> None:
        """Take what the session asks for; nodes that come together are taken together."""
        pause = _TICK_SECONDS if self._jobs or self._waiting else None
        with suppress(Empty):
            while not self._closing:
                self._inbox.get(timeout=pause)()
                pause = _GATHER_SECONDS
        if not self._new or self._closing:
            return
        jobs = {job.task.path: job for job in self._new}
        self._new = []
        for batch in batches([job.task for job in jobs.values()], self._prefix, array_jobs=self._options.array_jobs):
            members: list[Job] = []
            for place, task in batch.places():
                job = jobs[task.path]
                self._name(job, batch.name, place)
                members.append(job)
            self._waiting.append((batch, members, False))

    def _add(self, task: NodeTask, ticket: int, standing: Standing | None) -> None:
        job = self._jobs[ticket] = Job(task, ticket)
        if standing is None:
            self._new.append(job)
            return
        self._name(job, standing.name, standing.place)
        job.job_id, job.submitted = standing.job_id, True

    def _name(self, job: Job, name: str, place: int | None) -> None:
        job.name, job.place = name, place
        output = NodeOutput(self._context.mask, partial(self._context.log, job.task.path))
        job.log = LogTail(self._folder / log_name(name, place), output)

    def _drop(self, ticket: int, *, succeeded: bool) -> None:
        job = self._jobs.pop(ticket, None) or self._over_with.pop(ticket, None)
        if job is None or job.log is None:
            return
        job.log.end()
        if succeeded and not self._options.keep_logs:
            job.log.remove()

    def _submit_waiting(self) -> None:
        """Submit what waits; where the controller does not answer, later, and only what did not arrive."""
        if self._unreachable_at < float("inf"):
            return
        waiting, self._waiting = self._waiting, []
        for number, (batch, members, uncertain) in enumerate(waiting):
            live = [job for job in members if job.ticket in self._jobs]
            try:
                if not live or (uncertain and self._arrived(batch, members)):
                    continue
                if any(job.cause is Cause.CANCELLED for job in live):
                    for job in live:
                        self._end(job, Cause.CANCELLED, "")
                    continue
                self._submit(batch, members)
            except (UnreachableError, LimitError) as error:
                limited = isinstance(error, LimitError)
                self._waiting = [(batch, members, not limited or uncertain), *waiting[number + 1 :]]
                self._limited(live, error) if limited else self._unreachable(error)
                return
            except MissingCommandError as error:
                raise EngineError(engine=ENGINE, reason=str(error)) from error
            except (CommandError, ValueError) as error:
                wanted = " ".join(needs_arguments(batch.tasks[0].needs, checked=False))
                for job in live:
                    self._end(job, Cause.REJECTED, f"Slurm does not take it: {error} ({wanted})")
        self._limited_at = float("inf")

    def _submit(self, batch: Batch, members: Sequence[Job]) -> None:
        text = script(batch, self._context, self._options)
        while True:
            arguments = submission(
                batch,
                self._options,
                log_folder=str(self._folder),
                nice_least=self._nice_least,
            )
            try:
                job_id = self._commands.submit(arguments, text)
                break
            except CommandError as error:
                if isinstance(error, UnreachableError) or "nice" not in str(error).lower() or self._nice_least == 0:
                    raise
            self._nice_least = 0
            told = "this user may not raise priorities (--nice below 0): those above 0 count as 0"
            self._context.log(batch.tasks[0].path, told)
        for job in members:
            job.job_id, job.submitted = job_id, True

    def _arrived(self, batch: Batch, members: Sequence[Job]) -> bool:
        """Tell whether a submission that was not answered was taken nevertheless."""
        rows = [row for row in self._commands.rows(self._prefix) if row.name == batch.name]
        for job in members if rows else ():
            job.job_id, job.submitted = rows[0].job_id, True
        return bool(rows)

    def _limited(self, members: Sequence[Job], error: CommandError) -> None:
        """Wait for jobs of this user to end; not for ever where none of ours is among them."""
        now = time.monotonic()
        self._limited_at = min(self._limited_at, now)
        if any(job.submitted for job in self._jobs.values()):
            self._limited_at = now
        elif now - self._limited_at >= self._options.controller_seconds:
            for job in members:
                self._end(job, Cause.REJECTED, f"Slurm does not take it: {error}")
        time.sleep(_TICK_SECONDS)

    def _poll(self) -> None:
        try:
            listing = self._queue.listing()
        except MissingCommandError as error:
            raise EngineError(engine=ENGINE, reason=str(error)) from error
        except CommandError as error:
            self._unreachable(error)
            return
        self._unreachable_at = float("inf")
        for job in [job for job in self._jobs.values() if job.submitted]:
            found = listing.row(job.name, job.place)
            if found is None:
                self._gone(job)
            else:
                self._seen(job, found)

    def _unreachable(self, error: CommandError) -> None:
        """Go on with what the store tells, for a while."""
        now = time.monotonic()
        self._unreachable_at = min(self._unreachable_at, now)
        lost_seconds = now - self._unreachable_at
        if lost_seconds >= self._options.controller_seconds:
            reason = (
                f"its controller has not answered for {lost_seconds:.0f} s ({error}). Jobs that run go on; run the "
                "session again once it answers, and it finds them"
            )
            raise EngineError(engine=ENGINE, reason=reason) from error
        for job in self._jobs.values():
            if job.submitted:
                self._tell(job, final=False)

    def _gone(self, job: Job) -> None:
        self._over(job, sure=job.cause is not Cause.ENDED, gone=True)

    def _seen(self, job: Job, row: Row) -> None:
        job.row, job.job_id = row, row.job_id
        now = time.monotonic()
        if not is_alive(row):
            self._over(job, sure=job.cause is not Cause.ENDED or row.exit_status == 3 << 8)
            return
        if row.state == "COMPLETING":
            patience = 0.0 if job.told else self._options.unseen_seconds
            job.ended_at = min(job.ended_at, now)
            asked = job.cause is not Cause.ENDED and now >= job.asked_at + self._grace_seconds
            self._tell(job, final=asked or (job.cause is Cause.ENDED and now - job.ended_at > patience))
            return
        job.ended_at = float("inf")
        if row.state != "PENDING" and job.deadline == float("inf") and job.task.timeout_seconds is not None:
            job.deadline = now + job.task.timeout_seconds
        job.stuck_at = min(job.stuck_at, now) if never_starts(row) else float("inf")
        if now - job.stuck_at > self._options.unseen_seconds and job.cause is Cause.ENDED:
            wanted = " ".join(needs_arguments(job.task.needs, checked=False))
            job.cause, job.asked_at = Cause.REJECTED, now
            job.reason = f"Slurm does not start it: {row.reason} ({wanted})"

    def _over(self, job: Job, *, sure: bool, gone: bool = False) -> None:
        """Tell of a job that has ended; for good once the store had time to show what its worker wrote."""
        now = time.monotonic()
        job.ended_at = min(job.ended_at, now)
        self._tell(job, final=sure or now - job.ended_at >= self._options.unseen_seconds, gone=gone)

    def _end(self, job: Job, cause: Cause, reason: str) -> None:
        job.cause, job.reason = cause, reason
        self._tell(job, final=True)

    def _tell(self, job: Job, *, final: bool, gone: bool = False) -> None:
        seen = job.log is not None and job.log.seen
        ended = final or gone or (job.row is not None and not is_alive(job.row))
        tail = job.log.end() if job.log is not None and ended else []
        log = str(job.log.path) if job.log is not None and seen else ""
        ending = Ending(job.cause, job.row, gone, job.reason, tail, log, job.name)
        if final and self._jobs.pop(job.ticket, None) is not None:
            self._over_with[job.ticket] = job
        self.notices.put(Notice(job.ticket, job.task.path, ending, final))

    def _bound(self) -> None:
        """End what takes too long, and give up on what does not end."""
        now = time.monotonic()
        for job in self._jobs.values():
            if now >= job.deadline and job.cause is Cause.ENDED and job.ended_at == float("inf"):
                job.cause, job.asked_at = Cause.TIMED_OUT, now
        untold = [job for job in self._jobs.values() if job.asked_at < float("inf") and not job.told]
        if untold and self._unreachable_at == float("inf"):
            try:
                self._ask(untold)
                self._poll_at = min(self._poll_at, now + _TICK_SECONDS)
            except CommandError as error:
                self._unreachable(error)
        last = self._grace_seconds + 2 * self._options.command_seconds
        for job in [job for job in self._jobs.values() if now - job.asked_at > last]:
            reason = f"Slurm has not ended it within {last:g} s; it may still run: scancel --name={job.name}"
            self._given_up.add((job.name, job.place))
            self._end(job, job.cause, f"{job.reason}. {reason}" if job.reason else reason)

    def _ask(self, jobs: Sequence[Job]) -> None:
        """Have jobs ended."""
        self._queue.cancel((job.name, job.place) for job in jobs)
        for job in jobs:
            job.told = True

    def _cancel_all(self, *, now: bool) -> None:
        self._grace_seconds = 0.0 if now else self._options.grace_seconds
        moment = time.monotonic()
        for job in list(self._jobs.values()):
            if not job.submitted and job.name not in {batch.name for batch, _, uncertain in self._waiting if uncertain}:
                self._end(job, Cause.CANCELLED, "")
            elif job.cause is Cause.ENDED:
                job.cause, job.asked_at = Cause.CANCELLED, moment
        self._new = []

    def _close(self, others: Sequence[Standing]) -> None:
        self._closing = True
        places = {(job.name, job.place) for job in self._jobs.values() if job.name}
        places |= {(standing.name, standing.place) for standing in others} | self._given_up
        if not places:
            return
        try:
            self._queue.cancel(places)
        except CommandError as error:
            self._tell_left(str(error))

    def _tell_left(self, why: str) -> None:
        """Say what nobody ends any more."""
        session, prefix = self._context.session_id, self._prefix
        _logger.warning(
            "Jobs of session %s may be left, for they could not be ended: %s. Their names start with %s: "
            "squeue --me, and scancel --name=...",
            *(session, why, prefix),
        )
