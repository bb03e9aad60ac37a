"""A session as an engine sees it, without a store: what was taken, logged and told."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from oneml.habitats.ports.engine import EngineContext, EngineRun, NodeTask, WorkerMessage, WorkerReply
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.outcome_json import outcome_from_json
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState


class FakeSession:
    """Gives contexts, and remembers what engines did with them."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.lines: list[tuple[str, str]] = []
        self.replies: dict[str, WorkerReply] = {}
        self.batches: list[int] = []
        self.committed: dict[NodePath, NodeOutcome] = {}

    def context(self, *, workers: int | None = 2, **options: object) -> EngineContext:
        return EngineContext(
            habitat="h",
            session_id=SessionId("s1"),
            store_url=None if self.folder is None else str(self.folder),
            workers=workers,
            execute=lambda path: NodeOutcome(path, NodeState.FAILED),
            known=lambda path, _attempt: self.committed.get(path),
            last_attempt=lambda _path: 1,
            mask=lambda text: text.replace("s3cr3t", "***"),
            log=lambda path, line: self.lines.append((path, line)),
            entry="fake_node_entries:run",
            masking="fake_node_entries:masked",
            preload="fake_node_entries:preload",
            take=self.take,
            message=self.message,
            options=options,
            isolated=False,
        )

    def message(self, task: NodeTask, inline_max_bytes: int) -> WorkerMessage:
        return {
            "habitat": "h",
            "session_id": "s1",
            "store_url": None if self.folder is None else str(self.folder),
            "node": task.path,
            "attempt": task.attempt,
            "inline_max_bytes": inline_max_bytes,
        }

    def take(self, replies: Sequence[WorkerReply]) -> Sequence[NodeOutcome]:
        self.batches.append(len(replies))
        self.replies.update({str(reply["node"]): reply for reply in replies})
        return [outcome_from_json(reply["outcome"], what="reply") for reply in replies]  # type: ignore[arg-type]


def task(path: str, *after: str, **fields: object) -> NodeTask:
    return NodeTask(NodePath(path), None, after=tuple(map(NodePath, after)), **fields)  # type: ignore[arg-type]


def outcomes_of(run: EngineRun, tasks: Iterable[NodeTask], *, seconds: float = 20) -> dict[str, NodeOutcome]:
    """Run all, as a session does; each comes back once."""
    for one in tasks:
        run.submit(one)
    came: dict[str, NodeOutcome] = {}
    while outcomes := run.wait(seconds):
        for outcome in outcomes:
            assert outcome.path not in came
            came[outcome.path] = outcome
    assert not run.wait(0)
    return came


def states_of(run: EngineRun, tasks: Iterable[NodeTask]) -> dict[str, str]:
    return {path: outcome.state.value for path, outcome in outcomes_of(run, tasks).items()}


def error_of(outcome: NodeOutcome) -> str:
    assert outcome.error is not None
    return outcome.error.text
