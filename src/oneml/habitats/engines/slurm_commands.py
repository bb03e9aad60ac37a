"""The commands of Slurm, each bounded in time, and what they tell."""

import os
import re
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

_UNREACHABLE = re.compile(
    r"unable to contact slurm controller|timed out|connection refused|zero bytes|communication (connection )?failure"
    r"|standby|temporarily unable|unexpected message|unable to establish|connection reset|not responding",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"submit limit|maxsubmit|max submit|maximum number of jobs", re.IGNORECASE)
_FIELDS = (("ArrayJobID", 20), ("ArrayTaskID", 24), ("Name", 160), ("State", 24), ("exit_code", 16), ("Reason", 80))
_LAST_FIELD = ("NodeList", 200)
_CANCELLED_AT_ONCE = 500
_OURS = ("SBATCH_", "SQUEUE_", "SCANCEL_", "SCONTROL_", "SLURM_")
_KEPT = frozenset({"SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT"})


class CommandError(Exception):
    """A command said no; the text is its own."""


class UnreachableError(CommandError):
    """The controller did not answer; what was asked may have happened or not."""


class LimitError(CommandError):
    """The user has as many jobs as are allowed, for now."""


class MissingCommandError(CommandError):
    """The command is not installed."""


class Row(NamedTuple):
    """A job as the queue shows it.

    Attributes:
        name: Its name.
        job_id: Its id, that of the array where it is in one.
        place: Index in the array; None for a single job, and for what stands for all of an array.
        state: ``PENDING``, ``RUNNING``, ``COMPLETED``, ``NODE_FAIL`` ...
        exit_status: As of ``wait``.
        reason: Why it waits, or why it ended.
        nodes: Where it runs.
    """

    name: str
    job_id: str
    place: int | None
    state: str
    exit_status: int
    reason: str
    nodes: str


class SlurmCommands:
    """Runs the commands.

    Args:
        environ: The environment; variables that change what commands do are taken out of it.
        exported: Names of the variables that jobs are given; submissions see no others.
        limit_seconds: For each command.
    """

    def __init__(self, environ: Mapping[str, str], *, exported: Collection[str], limit_seconds: float) -> None:
        self._environ = {
            name: value for name, value in environ.items() if name in _KEPT or not name.startswith(_OURS)
        } | {"LC_ALL": "C"}
        self._submitting = {name: value for name, value in self._environ.items() if name in {*exported, *_KEPT}}
        self._limit_seconds = limit_seconds

    def submit(self, arguments: Sequence[str], script: str) -> str:
        """Submit a batch script, and return the id of the job.

        Raises:
            CommandError: It was not taken, or nobody knows.
        """
        return self._run(["sbatch", *arguments], script, self._submitting).strip().partition(";")[0]

    def rows(self, prefix: str) -> list[Row]:
        """Return this user's jobs whose names start with ``prefix``.

        Raises:
            CommandError: The queue cannot be read.
        """
        fields = ",".join(f"{name}:{width}" for name, width in (*_FIELDS, _LAST_FIELD))
        listed = [
            "squeue",
            "--noheader",
            "--all",
            "--array",
            "--states=all",
            f"--user={os.getuid()}",
            f"--Format={fields}",
        ]
        rows = (_row(line) for line in self._run(listed).splitlines())
        return [row for row in rows if row.name.startswith(prefix)]

    def script(self, job_id: str) -> str:
        """Return the batch script of a job.

        Raises:
            CommandError: It cannot be had.
        """
        return self._run(["scontrol", "write", "batch_script", job_id, "-"])

    def cancel(self, job_ids: Sequence[str]) -> None:
        """End jobs: SIGTERM, and SIGKILL after the cluster's KillWait; what has ended is left alone.

        Args:
            job_ids: Ids, ``ID_INDEX`` in an array.

        Raises:
            UnreachableError: The controller did not answer.
            MissingCommandError: The command is not installed.
        """
        for start in range(0, len(job_ids), _CANCELLED_AT_ONCE):
            batch = job_ids[start : start + _CANCELLED_AT_ONCE]
            try:
                self._run(["scancel", f"--user={os.getuid()}", *batch])
            except (UnreachableError, MissingCommandError):
                raise
            except CommandError:
                continue  # "Invalid job id": it has ended, and left the queue; the others of the batch are ended

    def _run(self, command: Sequence[str], text: str = "", environ: Mapping[str, str] | None = None) -> str:
        try:
            process = subprocess.Popen(  # noqa: S603  # names of commands, and arguments that are no shell's
                command,
                env=self._environ if environ is None else environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            message = (
                f"{command[0]} cannot be run ({error.strerror}): install the clients of Slurm, or put them on PATH"
            )
            raise MissingCommandError(message) from error
        with process:
            try:
                told, complaint = process.communicate(text, timeout=self._limit_seconds)
            except subprocess.TimeoutExpired as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                message = f"{command[0]} did not answer within {self._limit_seconds:g} s"
                raise UnreachableError(message) from error
        if process.returncode == 0:
            return told
        why = _one_line(complaint) or f"{command[0]} ended with exit code {process.returncode}"
        kind = UnreachableError if _UNREACHABLE.search(why) else LimitError if _LIMIT.search(why) else CommandError
        raise kind(why)


def _row(line: str) -> Row:
    texts: list[str] = []
    at = 0
    for _, width in _FIELDS:
        texts.append(line[at : at + width].strip())
        at += width
    job_id, place, name, state, status, reason = texts
    return Row(
        name=name,
        job_id=job_id,
        place=int(place) if place.isdigit() else None,
        state=state,
        exit_status=int(status) if status.isdigit() else 0,
        reason="" if reason == "None" else reason,
        nodes=line[at:].strip(),
    )


def _one_line(complaint: str) -> str:
    lines = (re.sub(r"^\w+: (error: )?", "", line.strip()) for line in complaint.splitlines())
    return "; ".join(line for line in lines if line)
