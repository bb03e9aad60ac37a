"""Nodes on Ray, with a Ray that does what the test says: which go together, and what becomes of what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from engine_contexts import FakeSession, error_of, task
from oneml.habitats.engines.ray_bundle import Answer, Item, Request, pack_answers
from oneml.habitats.engines.ray_commits import Commits
from oneml.habitats.engines.ray_notes import GIVEN_BACK, Note
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.engines.ray_run import RayRun
from oneml.habitats.engines.remote import run_remote
from oneml.habitats.ports.engine import EngineContext, NodeNeeds
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

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

    def wait(self, refs: list[Given], **_how: object) -> tuple[list[Given], list[Given]]:
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

    def taken(self, _timeout_seconds: float = 0.0) -> Sequence[Note]:
        notes, self.notes = self.notes, []
        return notes

    def offers(self) -> Sequence[Mapping[str, float]]:
        return [{"CPU": float(self.cpus)}]

    def lost(self) -> None:
        return None


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


def many(count: int, *after: str, name: str = "//n") -> list[tuple[str, ...]]:
    return [(f"{name}{number}", *after) for number in range(count)]


def sizes(place: Place) -> list[int]:
    return [len(paths) for paths in place.handed()]


@pytest.mark.parametrize(
    ("count", "cpus", "expected"),
    [(3, 2, [1, 1, 1]), (12, 2, [3, 2, 1, 1, 1, 1, 1, 1, 1]), (8, 64, [1] * 8)],
)
def test_nodes_share_tasks_where_there_are_more_than_room(count: int, cpus: int, expected: list[int]) -> None:
    place = Place(cpus=cpus)
    place.submit(*many(count))
    assert sizes(place) == expected


def test_a_chain_goes_to_one_worker_piece_by_piece() -> None:
    place = Place()
    place.submit(("//n0",), *((f"//n{number}", f"//n{number - 1}") for number in range(1, 40)))
    assert sizes(place) == [16]
    assert set(place.finish().values()) == {"succeeded"}
    assert [one.paths[0] for one in place.ray.waiting] == ["//n16"]
    assert place.ray.waiting[0].upstream == (place.ray.given[0],)
    assert place.finish() == {f"//n{number}": "succeeded" for number in range(16, 40)}
    assert place.ray.waiting == []


def test_slow_nodes_get_tasks_of_their_own_and_quick_ones_larger_bundles() -> None:
    slow, quick = Place(cpus=1), Place(cpus=1)
    for place, seconds in ((slow, 30.0), (quick, QUICK)):
        place.submit(("//before",))
        place.handed()
        place.finish(seconds=seconds)
        place.submit(*many(300))
    assert set(sizes(slow)) == {1}
    assert max(sizes(quick)) == 64


def test_each_fan_out_has_a_pace_of_its_own_and_a_node_that_opened_a_session_sets_none() -> None:
    place = Place(cpus=1)
    place.submit(("//slow/0",), ("//opened/0",))
    place.handed()
    place.finish(seconds=30.0)
    place.finish(seconds=None)
    place.submit(*many(40, name="//opened/"))
    assert max(sizes(place)) == 16
    place.submit(*many(40, name="//slow/1"))
    assert {len(paths) for paths in place.handed() if paths[0].startswith("//slow")} == {1}


def test_what_a_worker_did_not_come_to_is_handed_over_again() -> None:
    place = Place()
    place.submit(*many(12))
    assert place.handed()[0] == ["//n0", "//n1", "//n2"]
    assert place.finish(1) == {"//n0": "succeeded"}
    assert place.handed()[-2:] == [["//n1"], ["//n2"]]


def test_what_waits_behind_a_long_node_goes_elsewhere_and_what_was_done_counts_at_once() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"), ("//c", "//b"), ("//d", "//c"), ("//beside", "//a", "//else"), ("//else",))
    assert place.handed() == [["//a"], ["//else"]]
    place.finish()
    place.finish()
    assert place.handed() == [["//b", "//c", "//d"], ["//beside"]]
    place.give_back(1)
    assert place.states() == {"//b": "succeeded"}
    assert place.handed() == [["//b", "//c", "//d"], ["//beside"]]
    long = place.ray.waiting[0]
    place.submit(("//later", "//b"))
    assert place.handed()[-1] == ["//later"]
    assert long not in place.ray.waiting[-1].upstream
    long.value = place.answers(long, long.request.items[:2], 5.0)
    assert place.states() == {"//c": "succeeded"}
    assert place.handed() == [["//beside"], ["//later"], ["//d"]]


def test_a_note_that_comes_after_the_end_changes_nothing() -> None:
    place = Place()
    place.submit(*many(12))
    place.handed()
    place.give_back(1)
    assert place.finish() == {"//n0": "succeeded", "//n1": "succeeded", "//n2": "succeeded"}
    assert len(place.handed()) == 8


def test_nodes_whose_worker_is_lost_run_again_each_by_itself_and_only_the_one_that_ends_it_fails() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"), ("//c", "//b"))
    assert place.handed() == [["//a", "//b", "//c"]]
    assert place.lose() == {}
    assert place.handed() == [["//a"]]
    place.finish()
    assert place.handed() == [["//b"]]
    came = place.lose()
    assert {path: one.state.value for path, one in came.items()} == {"//b": "failed", "//c": "pending"}
    assert "its worker process ended" in error_of(came["//b"])


def test_a_node_that_committed_before_its_worker_was_lost_is_adopted() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"))
    place.handed()
    place.session.committed[NodePath("//a")] = NodeOutcome(NodePath("//a"), NodeState.SUCCEEDED, 1)
    assert {path: one.state.value for path, one in place.lose().items()} == {"//a": "succeeded"}
    assert place.handed() == [["//b"]]


def test_the_node_at_work_when_others_were_given_back_is_the_one_that_ended_its_worker() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"), ("//c", "//b"))
    place.handed()
    place.give_back(1)
    assert place.states() == {"//a": "succeeded"}
    assert {path: one.state.value for path, one in place.lose().items()} == {"//b": "failed", "//c": "pending"}


def test_a_node_that_fails_brings_back_those_below_it_and_the_others_go_on() -> None:
    place = Place(cpus=1)
    place.submit(("//fail",), ("//b", "//fail"), *many(4), ("//far", "//b", "//n0"))
    assert place.handed()[0] == ["//fail", "//b", "//n0"]
    given = place.ray.waiting[0]
    told = place.answers(given, [given.request.items[0], given.request.items[2]], QUICK)
    given.value = told
    assert place.states() == {"//fail": "failed", "//b": "pending", "//far": "pending", "//n0": "succeeded"}


@pytest.mark.parametrize("way", ["timeout", "isolated", "needs"])
def test_some_nodes_have_a_worker_to_themselves(way: str) -> None:
    place = Place(cpus=1, isolated=way == "isolated")
    nodes = many(8)
    if way == "timeout":
        for path, *_ in nodes:
            place.run.submit(task(path)._replace(timeout_seconds=5.0))
    elif way == "needs":
        for number, (path, *_) in enumerate(nodes):
            place.submit((path,), needs=NodeNeeds(cpus=1 + number % 2))
    else:
        place.submit(*nodes)
    assert sizes(place) == [1] * 8


def test_a_session_that_may_use_a_part_of_a_cluster_has_so_many_bundles_there() -> None:
    place = Place(cpus=64, limit=2)
    place.submit(*many(20))
    assert sizes(place) == [5, 3]
    place.finish()
    assert sizes(place) == [3, 3]


def test_a_stop_asks_each_bundle_once_and_brings_everything_back() -> None:
    place = Place(cpus=1, limit=1)
    place.submit(*many(8))
    assert sizes(place) == [4]
    place.run.cancel(now=False)
    assert place.ray.given[0].forced == [False]
    assert place.finish(1) == {
        "//n0": "succeeded", **{f"//n{number}": "cancelled" for number in range(1, 8)}
    }  # fmt: skip
    assert place.ray.waiting == []


def test_a_bundle_is_told_of_each_node_what_waits_for_what() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"))
    place.handed()
    request = place.ray.given[0].request
    assert [(item.path, item.after) for item in request.items] == [("//a", ()), ("//b", ("//a",))]
    assert (request.entry, request.channel) == ("fake_node_entries:run", "c")
