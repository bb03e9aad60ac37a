"""An engine on a Ray that does what a test says."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from engine_contexts import FakeSession, task
from oneml.habitats.engines.ray_bundle import Answer, Item, Request, pack_answers
from oneml.habitats.engines.ray_commits import Commits
from oneml.habitats.engines.ray_notes import GIVEN_BACK, Note
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.engines.ray_run import RayRun
from oneml.habitats.engines.remote import run_remote
from oneml.habitats.ports.engine import EngineContext
from oneml.habitats.values.outcome import NodeOutcome

QUICK = 0.0001


class WorkerCrashedError(Exception):
    """As Ray's."""


@dataclass(eq=False)
class Given:
    """A task that Ray was given, or a value."""

    request: Request
    upstream: tuple["Given", ...] = ()
    value: bytes | Exception | None = None
    forced: list[bool] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [item.path for item in self.request.items]


class FakeRay:
    """Runs what it is given when it is told to."""

    def __init__(self) -> None:
        self.given: list[Given] = []

    def remote(self, **_options: object) -> Callable[[object], "FakeRay.Function"]:
        return lambda _function: FakeRay.Function(self)

    class Function:
        def __init__(self, ray: "FakeRay") -> None:
            self._ray = ray

        def remote(self, packed: bytes, *upstream: Given) -> Given:
            self._ray.given.append(Given(Request.of(packed), upstream))
            return self._ray.given[-1]

    def put(self, value: bytes) -> Given:
        return Given(Request("", "", "", ()), (), value)

    def wait(self, refs: list[Given], *, timeout: float, **_how: object) -> tuple[list[Given], list[Given]]:
        if timeout and all(ref.value is None for ref in refs):
            time.sleep(0.0001)  # others commit meanwhile
        return [ref for ref in refs if ref.value is not None], [ref for ref in refs if ref.value is None]

    def get(self, refs: Given | list[Given]) -> object:
        if isinstance(refs, list):
            return [self.get(ref) for ref in refs]
        if isinstance(refs.value, Exception):
            raise refs.value
        return refs.value

    def cancel(self, ref: Given, *, force: bool) -> None:
        ref.forced.append(force)

    @property
    def waiting(self) -> list[Given]:
        return [one for one in self.given if one.value is None]


@dataclass
class FakeWatch:
    """A cluster with as many processors as the test says."""

    cpus: int
    notes: list[Note] = field(default_factory=list)
    reason: str | None = None

    def taken(self, _timeout_seconds: float = 0.0) -> Sequence[Note]:
        notes, self.notes = self.notes, []
        return notes

    def offers(self) -> Sequence[Mapping[str, float]]:
        return [{"CPU": float(self.cpus)}]

    def lost(self) -> str | None:
        return self.reason


class Place:
    """An engine at work, and the cluster below it."""

    def __init__(self, *, cpus: int = 2, limit: int | None = None, **changes: object) -> None:
        self.session = FakeSession()
        self.ray = FakeRay()
        self.watch = FakeWatch(cpus)
        context: EngineContext = self.session.context()._replace(**cast("Any", changes))
        self.commits = Commits(context.take)
        self.run = RayRun(
            cast("Any", self.ray),
            context,
            RayOptions(),
            watch=cast("Any", self.watch),
            commits=self.commits,
            channel="c",
            limit=limit,
        )

    def submit(self, *nodes: tuple[str, ...], **fields: object) -> None:
        for path, *after in nodes:
            self.run.submit(task(path, *after, **fields))

    def handed(self) -> list[list[str]]:
        self.run.wait(0)
        return [one.paths for one in self.ray.waiting]

    def answers(self, given: Given, items: Sequence[Item], seconds: float | None) -> bytes:
        return pack_answers(
            Answer(item.number, item.path, seconds, 0, run_remote(given.request.entry, item.message, []), b"")
            for item in items
        )

    def finish(self, count: int | None = None, seconds: float | None = QUICK) -> dict[str, str]:
        """End the bundle that was given first after so many nodes, and return the states of those that came back."""
        given = self.ray.waiting[0]
        given.value = self.answers(given, given.request.items[:count], seconds)
        return self.states()

    def states(self) -> dict[str, str]:
        return {path: outcome.state.value for path, outcome in self.outcomes().items()}

    def outcomes(self) -> dict[str, NodeOutcome]:
        came: dict[str, NodeOutcome] = {}
        while (outcomes := self.run.wait(0)) or self.commits.pending:
            came.update({outcome.path: outcome for outcome in outcomes})
        return came

    def give_back(self, done: int) -> None:
        given = self.ray.waiting[0]
        packed = self.answers(given, given.request.items[:done], QUICK)
        self.watch.notes.append(Note(given.request.items[0].number, GIVEN_BACK, packed))

    def lose(self) -> dict[str, NodeOutcome]:
        self.ray.waiting[0].value = WorkerCrashedError("gone")
        return self.outcomes()
