"""What is known of one job of a session, and what is told of it."""

from typing import NamedTuple

from oneml.habitats.engines.slurm_commands import Row
from oneml.habitats.engines.slurm_endings import Cause, Ending
from oneml.habitats.engines.slurm_logs import LogTail
from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.node_path import NodePath


class Standing(NamedTuple):
    """A job of this session that an earlier driver submitted and that waits or runs."""

    name: str
    job_id: str
    place: int | None


class Notice(NamedTuple):
    """What the session is told of a job.

    Attributes:
        ticket: Of the submission.
        path: The node.
        ending: How its job ended, as far as that is known.
        final: Whether nothing more will come; else the store may know already, or soon.
    """

    ticket: int
    path: NodePath
    ending: Ending
    final: bool


class Job:
    """One job, and what was done about it.

    Args:
        task: The node.
        ticket: Of its submission.
    """

    __slots__ = (
        "asked_at", "cause", "deadline", "ended_at", "job_id", "log", "name", "place", "reason", "row", "stuck_at",
        "submitted", "task", "ticket", "told",
    )  # fmt: skip

    def __init__(self, task: NodeTask, ticket: int) -> None:
        self.task = task
        self.ticket = ticket
        self.name = ""
        self.place: int | None = None
        self.job_id = ""
        self.log: LogTail | None = None
        self.row: Row | None = None
        self.submitted = False
        self.cause = Cause.ENDED
        self.reason = ""
        self.deadline = float("inf")
        self.ended_at = self.stuck_at = self.asked_at = float("inf")
        self.told = False
