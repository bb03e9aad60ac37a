"""Runs nodes on the process engine, with a store that knows what a test says."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from oneml.habitats.ports.engine import EngineContext, EngineRun, NodeNeeds, NodeTask, WorkerMessage, WorkerReply
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.outcome_json import outcome_from_json
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

A, B, C = NodePath("//a"), NodePath("//b"), NodePath("//c")


@dataclass
class Store:
    """What the artifact store would know, the bodies of nodes, and the lines that came."""

    bodies: Mapping[str, str] = field(default_factory=dict)
    outcome: NodeOutcome | None = None
    attempts: list[int] = field(default_factory=lambda: [1])
    lines: list[tuple[str, str]] = field(default_factory=list)

    def texts(self) -> list[str]:
        return [line for _, line in self.lines]

    def context(
        self,
        *,
        store_url: str | None = None,
        workers: int = 1,
        isolated: bool = False,
        preload: str = "preload",
        entry: str = "entry",
    ) -> EngineContext:
        return EngineContext(
            habitat="hello",
            session_id=SessionId("s1"),
            store_url=store_url,
            workers=workers,
            execute=lambda path: NodeOutcome(path, NodeState.FAILED),
            known=lambda _path, _after: self.outcome,
            last_attempt=lambda _path: self.attempts.pop(0) if len(self.attempts) > 1 else self.attempts[0],
            mask=lambda text: text.replace("s3cr3t", "***"),
            log=lambda path, line: self.lines.append((path, line)),
            entry=f"process_entries:{entry}",
            masking="",
            preload=f"process_entries:{preload}",
            take=taken,
            message=self.message,
            options={},
            isolated=isolated,
        )

    def message(self, task: NodeTask, _inline_max_bytes: int) -> WorkerMessage:
        return {"node": task.path, "attempt": task.attempt, "body": self.bodies[task.path]}


def taken(replies: Sequence[WorkerReply]) -> Sequence[NodeOutcome]:
    return [outcome_from_json(cast("WorkerReply", reply["outcome"]), what="outcome") for reply in replies]


def ended(run: EngineRun, count: int = 1, *, seconds: float = 40) -> list[NodeOutcome]:
    """Return the outcomes of so many nodes."""
    found: list[NodeOutcome] = []
    give_up_at = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < give_up_at, "nodes never ended"
        found.extend(run.wait(0.1))
    return found


def ran(
    run: EngineRun, path: NodePath = A, *, timeout_seconds: float | None = None, memory_bytes: int | None = None
) -> NodeOutcome:
    """Run a node and return what became of it."""
    run.submit(NodeTask(path, timeout_seconds, NodeNeeds(memory_bytes=memory_bytes)))
    (outcome,) = ended(run)
    return outcome


def text_of(outcome: NodeOutcome) -> str:
    assert outcome.error is not None, outcome
    return outcome.error.text


def number_in(path: Path) -> int:
    """Wait for a file with a number in it, and return the number."""
    for _ in range(1000):
        if path.exists() and path.read_text().endswith("\n"):
            return int(path.read_text())
        time.sleep(0.02)
    message = f"{path} was never written"
    raise AssertionError(message)


def ends(pid: int) -> bool:
    """Tell whether a process is gone, or only waits to be reaped, within ten seconds."""
    for _ in range(200):
        if not lives(pid):
            return True
        time.sleep(0.05)
    return False


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
