"""What holds on Ray for every graph, whatever fails, is given back, is lost, is stopped or comes late."""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_contexts import task
from fake_node_entries import reply
from fake_ray import Given, Place, WorkerCrashedError
from oneml.habitats.engines.ray_bundle import Answer, Item, pack_answers, replies_in
from oneml.habitats.engines.ray_notes import GIVEN_BACK, Note
from oneml.habitats.engines.remote import pack, state_in, unpack
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

TRIES = 2
STEPS_MAX = 2000


@dataclass
class Drive:
    """A session at work: hands over ahead, tries again, and watches what workers do.

    Attributes:
        graph: What each node waits for.
        chance: Decides.
        place: The engine, and the cluster below it.
        out: Submitted, and not back yet.
        again: Submitted more than once.
        tries: How often each has failed.
        ran: Bodies that have succeeded, and whose answers are not lost.
        final: States that came.
    """

    graph: dict[str, list[str]]
    chance: random.Random
    place: Place
    out: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    tries: dict[str, int] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)
    final: dict[str, str] = field(default_factory=dict)
    told: dict[int, list[Answer]] = field(default_factory=dict)
    given_back: dict[int, int] = field(default_factory=dict)
    stopped: bool = False

    def run(self, *, may_stop: bool) -> None:
        for path, after in self.graph.items():
            self.submit(path, after)
        for _ in range(STEPS_MAX):
            self.come_back()
            if not self.out:
                return
            waiting = self.place.ray.waiting
            assert waiting, f"{self.out} are held for ever"
            if may_stop and not self.stopped and self.chance.random() < 0.05:
                self.stopped = True
                self.place.run.cancel(now=self.chance.random() < 0.5)
            self.go_on(self.chance.choice(waiting))
        assert not self.out, "they never came back"

    def submit(self, path: str, after: list[str]) -> None:
        assert path not in self.out
        if path in self.final:
            self.again.add(path)
        self.out.add(path)
        self.final.pop(path, None)
        self.place.run.submit(task(path, *after))

    def come_back(self) -> None:
        commits = self.place.commits
        while (outcomes := self.place.run.wait(60 if commits.pending else 0)) or commits.pending:
            for outcome in outcomes:
                self.take(outcome)

    def take(self, outcome: NodeOutcome) -> None:
        path = str(outcome.path)
        self.out.remove(path)
        self.final[path] = outcome.state.value
        if outcome.state is NodeState.SUCCEEDED:
            assert path in self.ran
        if outcome.state is NodeState.PENDING and self.is_ready(path):
            # A worker came to it before what is above it, and had not succeeded with it, was run again elsewhere.
            assert self.again.intersection(self.graph[path])
        if self.stopped:
            return
        if outcome.state is NodeState.FAILED:
            self.tries[path] = self.tries.get(path, 0) + 1
            if self.tries[path] < TRIES:
                self.submit(path, [])
        ahead = outcome.state is NodeState.FAILED and self.chance.random() < 0.5
        for lower, after in self.graph.items():
            if self.final.get(lower) == "pending" and lower not in self.out:
                if self.is_ready(lower):
                    self.submit(lower, [])
                elif ahead and all(above in self.out or self.final.get(above) == "succeeded" for above in after):
                    self.submit(lower, after)

    def is_ready(self, path: str) -> bool:
        return all(self.final.get(above) == "succeeded" for above in self.graph[path])

    def go_on(self, bundle: Given) -> None:
        """Let a worker give back what it has not come to, end, or be lost."""
        items, first = bundle.request.items, bundle.request.items[0].number
        deed = self.chance.random()
        begun = self.given_back.get(first)
        if begun is None and deed < 0.3:
            done = self.chance.randint(0, len(items))
            self.given_back[first] = done
            self.note(first, self.answers(bundle, items[:done]))
            return
        if deed < 0.5:
            self.lose(bundle)
            return
        count = self.chance.randint(1, len(items)) if begun is None else min(begun + 1, len(items))
        bundle.value = self.answers(bundle, items[:count])
        if begun is None and deed < 0.6:
            self.note(first, bundle.value)

    def lose(self, bundle: Given) -> None:
        """End a worker, which perhaps has committed by itself what it had run; what it had given back is known."""
        items = bundle.request.items
        given_back = self.given_back.get(items[0].number, len(items))
        if given_back == len(items):
            if self.chance.random() < 0.5:
                self.answers(bundle, items[: self.chance.randint(0, len(items))])
            else:
                self.ran.difference_update(bundle.paths)
            for path in self.ran.intersection(bundle.paths):
                self.place.session.committed[NodePath(path)] = NodeOutcome(NodePath(path), NodeState.SUCCEEDED, 1)
        bundle.value = WorkerCrashedError("gone")

    def note(self, number: int, data: bytes) -> None:
        self.place.watch.notes.append(Note(number, GIVEN_BACK, data))

    def answers(self, bundle: Given, items: tuple[Item, ...]) -> bytes:
        """Run nodes as a worker does."""
        upstream = [before.value for before in bundle.upstream]
        replies = replies_in([value for value in upstream if isinstance(value, bytes)])
        assert all(isinstance(value, bytes) for value in upstream)
        told = list(self.told.get(bundle.request.items[0].number, ()))
        replies.update({answer.path: answer.reply for answer in told})
        for item in items[len(told) :]:
            replies[item.path] = self.answer(item, [replies[path] for path in item.after if path in replies])
            told.append(
                Answer(item.number, item.path, self.chance.choice([None, 1e-4, 1.0]), 0, replies[item.path], b"")
            )
        self.told[bundle.request.items[0].number] = told
        return pack_answers(told)

    def answer(self, item: Item, upstream: list[bytes]) -> bytes:
        if any(state_in(unpack(before)) is not NodeState.SUCCEEDED for before in upstream):
            return pack(reply(NodeOutcome(NodePath(item.path), NodeState.PENDING, 0)))
        assert {*self.graph[item.path]} <= self.ran
        state = NodeState.FAILED if self.chance.random() < 0.1 else NodeState.SUCCEEDED
        if state is NodeState.SUCCEEDED:
            self.ran.add(item.path)
        return pack(reply(NodeOutcome(NodePath(item.path), state, 1)))


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Chains, fans and gathers, and all between."""
    count, chance = draw(st.integers(1, 40)), draw(st.randoms(use_true_random=False))
    width = draw(st.integers(1, 3))
    graph: dict[str, list[str]] = {}
    for number in range(count):
        before = list(graph)[-draw(st.sampled_from([1, 3, 40])) :]
        graph[f"//n{number}"] = chance.sample(before, min(len(before), chance.randint(0, width)))
    return graph


@settings(deadline=None, max_examples=100)
@given(
    graphs(),
    st.randoms(use_true_random=False),
    st.sampled_from([1, 2, 8]),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
)
def test_every_node_comes_back_once_and_none_runs_before_all_above_it_have(
    graph: dict[str, list[str]], chance: random.Random, cpus: int, limit: int | None, may_stop: bool
) -> None:
    drive = Drive(graph, chance, Place(cpus=cpus, limit=limit))
    try:
        drive.run(may_stop=may_stop)
    finally:
        drive.place.run.close()
    assert set(drive.final) == set(graph)
    if drive.stopped:
        return
    for path, state in drive.final.items():
        assert (state == "pending") is not drive.is_ready(path)
        assert state != "cancelled"
