"""Asks workers of an engine for nodes of the harbour, without a driver that would refuse before they do."""

from engine_contexts import FakeSession, outcomes_of
from harbour_site import CHOSEN, Harbour, session_of
from oneml.habitats.ports.engine import EngineContext, EngineRun, NodeNeeds, NodeTask, WorkerMessage
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome

ENTRY = "oneml.habitats.sessions.worker:run_task"
MASKING = "oneml.habitats.sessions.worker:masked"
PRELOAD = "oneml.habitats.sessions.worker:preload"


class Asking(FakeSession):
    """A driver that believes everything, of sessions of many stores."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[str, WorkerMessage] = {}

    def context(self, *, workers: int | None = 2, **options: object) -> EngineContext:
        return super().context(workers=workers, **options)._replace(entry=ENTRY, masking=MASKING, preload=PRELOAD)

    def message(self, task: NodeTask, inline_max_bytes: int) -> WorkerMessage:
        return {**super().message(task, inline_max_bytes), **self._asked[task.path]}

    def ask(
        self, run: EngineRun, harbour: Harbour, variant: str, node: str, needs: NodeNeeds, *, engine: str = "in-process"
    ) -> NodeOutcome:
        """Let a worker run a node of a session of the template, and return what it answers."""
        path = NodePath(f"//asked-{len(self._asked)}")
        self._asked[path] = {
            "habitat": "harbour-chosen" if variant == CHOSEN else "harbour",
            "session_id": session_of(variant, engine),
            "store_url": harbour.store.as_uri(),
            "node": node,
            "inline_max_bytes": 0,
        }
        (outcome,) = outcomes_of(run, [NodeTask(path, None, needs=needs)]).values()
        return outcome

    @property
    def said(self) -> str:
        """What the node that was asked for last has said."""
        return "\n".join(line for path, line in self.lines if path == f"//asked-{len(self._asked) - 1}")
