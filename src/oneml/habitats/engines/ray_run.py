"""Ray at work for one session: bundles of nodes out, replies in, and what becomes of lost workers."""

import time
from collections.abc import Iterable, Sequence
from functools import partial

from oneml.habitats.engines.ray_api import RayApi, Ref, given_by
from oneml.habitats.engines.ray_bundle import SLICE_SECONDS, Answer, Pace, unpack_answers
from oneml.habitats.engines.ray_commits import Commits
from oneml.habitats.engines.ray_flight import Flight
from oneml.habitats.engines.ray_handover import HandOver
from oneml.habitats.engines.ray_held import Held
from oneml.habitats.engines.ray_images import Images
from oneml.habitats.engines.ray_needs import is_offered, not_offered
from oneml.habitats.engines.ray_notes import GIVEN_BACK, STARTED
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.engines.ray_watch import ClusterWatch
from oneml.habitats.engines.remote import failed_reply, state_in, unpack
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineContext, NodeNeeds, NodeTask, WorkerReply
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

SLOTS = 10_000
GRACE_SECONDS = 5.0
"""Between a polite request to end and the end of the process."""

_TICK_SECONDS = 0.2
_COMMITS_SECONDS = 0.005
"""How often it is looked whether a batch has been committed."""

_CHECK_SECONDS = 1.0
_PARTS_SECONDS = 2.0
_CLOSE_SECONDS = 5.0


class RayRun:
    """An `EngineRun` over a cluster.

    Args:
        ray: Connected.
        context: Of the session.
        options: Of the engine.
        watch: Of the cluster.
        commits: Of the session; closed by `close`.
        channel: Of the notes of workers.
        limit: How many nodes may run at once; None for as many as the cluster has room for.
    """

    slots = SLOTS

    def __init__(
        self,
        ray: RayApi,
        context: EngineContext,
        options: RayOptions,
        *,
        watch: ClusterWatch,
        commits: Commits,
        channel: str,
        limit: int | None = None,
    ) -> None:
        self._limit = limit
        self._held = Held()
        self._pace = Pace()
        self._ray = ray
        self._context = context
        self._options = options
        self._watch = watch
        self._commits = commits
        self._handing = HandOver(ray, context, options, channel)
        self._images = Images(ray, options.images, options.image_seconds)
        self._flights: dict[NodePath, Flight] = {}
        self._numbers: dict[int, Flight] = {}
        self._bundles: dict[Ref, Sequence[Flight]] = {}
        self._given_back: list[tuple[Ref, bytes]] = []
        self._stopped = False
        self._returned: list[NodeOutcome] = []
        self._unsucceeded: set[NodePath] = set()
        self._alone: set[NodePath] = set()
        self._timed: set[Flight] = set()
        self._check_at = 0.0

    def submit(self, task: NodeTask) -> None:
        """See `EngineRun`."""
        self._unsucceeded.discard(task.path)
        self._stopped = False
        self._hold(task)

    def _hold(self, task: NodeTask) -> None:
        """Keep a node until it can be handed over."""
        if self._stopped:
            self._returned.append(NodeOutcome(task.path, NodeState.CANCELLED, 0))
        elif self._unsucceeded.isdisjoint(task.after):
            self._held.add(task, self._flights)
        else:
            self._returned.append(NodeOutcome(task.path, NodeState.PENDING, 0))
            self._give_up_below(task.path)

    def _give_up_below(self, path: NodePath) -> None:
        """Note that a node did not succeed, and return those that cannot run without it."""
        self._unsucceeded.add(path)
        for lower in self._held.below(path):
            self._unsucceeded.add(lower)
            self._returned.append(NodeOutcome(lower, NodeState.PENDING, 0))

    def _fill(self) -> None:
        """Hand over what waits for nothing, as far as there is room: in smaller bundles towards the end."""
        rooms: dict[NodeNeeds, int] = {}
        while (task := self._held.next()) is not None and (self._limit is None or len(self._bundles) < self._limit):
            if task.needs not in rooms:
                rooms[task.needs] = self._room(task.needs)
            heads = max(1, self._held.ready // (2 * rooms[task.needs]))
            count = self._pace.nodes(task.path) if self._may_share(task) else 1
            self._hand_over(self._held.take(count, heads, partial(self._fits, task.needs)))

    def _room(self, needs: NodeNeeds) -> int:
        """Return how many nodes with such needs can run at once."""
        room = self._handing.room(needs, self._watch.offers())
        return room if self._limit is None else min(room, self._limit)

    def _may_share(self, task: NodeTask) -> bool:
        """Tell whether a node may have a worker's process together with others, one after the other."""
        return task.timeout_seconds is None and not self._context.isolated and task.path not in self._alone

    def _fits(self, needs: NodeNeeds, task: NodeTask) -> bool:
        return task.needs == needs and self._may_share(task)

    def _hand_over(self, tasks: Sequence[NodeTask]) -> None:
        self._images.want(tasks[0].needs.image)
        flights = self._handing.bundle(tasks)
        self._bundles[flights[0].ref] = flights
        for flight in flights:
            self._flights[flight.task.path] = self._numbers[flight.number] = flight

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        """See `EngineRun`."""
        deadline = float("inf") if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            self._fill()
            outcomes = list(self._committed(wait=not (self._returned or self._bundles)))
            if not (outcomes or self._returned) and self._bundles:
                outcomes = self._settle(self._ended(deadline))
                self._hear()
                outcomes.extend(self._take_back())
                self._check()
            outcomes.extend(self._returned)
            self._returned.clear()
            busy = self._flights or self._held or self._commits.pending
            if outcomes or not busy or time.monotonic() >= deadline:
                return outcomes

    def _committed(self, *, wait: bool) -> Sequence[NodeOutcome]:
        outcomes = self._commits.ended(wait=wait)
        self._handing.stored(outcome.path for outcome in outcomes)
        return outcomes

    def cancel(self, *, now: bool) -> None:
        """See `EngineRun`."""
        self._stopped = True
        self._returned.extend(NodeOutcome(path, NodeState.CANCELLED, 0) for path in self._held.take_all())
        kill_at = time.monotonic() + (0.0 if now else GRACE_SECONDS)
        asked: set[Ref] = set()
        for flight in self._flights.values():
            if now or not flight.cancelled:
                flight.cancelled = True
                flight.kill_at = min(flight.kill_at, kill_at)
                asked.add(flight.ref)
        for ref in asked:
            self._ray.cancel(ref, force=now)

    def close(self) -> None:
        """End what still runs, and wait until it has ended."""
        refs = list(self._bundles)
        self._bundles.clear()
        self._flights.clear()
        self._held.take_all()
        if refs and self._watch.lost() is None:
            for ref in refs:
                self._ray.cancel(ref, force=True)
            self._ray.wait(refs, num_returns=len(refs), timeout=_CLOSE_SECONDS, fetch_local=False)
        self._commits.close()

    def _ended(self, deadline: float) -> Sequence[tuple[Flight, Answer | Exception | None]]:
        """Wait until a bundle has ended, or for a while, and return what became of the nodes of all that have."""
        tick = _COMMITS_SECONDS if self._commits.pending else _TICK_SECONDS
        left = max(0.0, min(tick, deadline - time.monotonic()))
        ended: list[tuple[Flight, Answer | Exception | None]] = []
        for ref, given in given_by(self._ray, list(self._bundles), left):
            flights = list(filter(self._is_on_its_way, self._bundles.pop(ref)))
            if isinstance(given, Exception):
                ended.extend((flight, given) for flight in flights)
            else:
                ended.extend(self._matched(ref, flights, given))
        return sorted(ended, key=lambda one: one[0].number)

    def _matched(self, ref: Ref, flights: Sequence[Flight], packed: bytes) -> Iterable[tuple[Flight, Answer | None]]:
        """Give the answer of each node, None for those that were not begun; what is answered, ``ref`` has."""
        answers = {answer.number: answer for answer in unpack_answers(packed)}
        for flight in flights:
            flight.ref = ref
            answer = answers.get(flight.number)
            if answer is not None and answer.seconds is not None:
                self._pace.learn(flight.task.path, answer.seconds)
            yield flight, answer

    def _take_back(self) -> Sequence[NodeOutcome]:
        """Settle what nodes have answered before a longer one, which is at work, and keep those after it for others."""
        outcomes: list[NodeOutcome] = []
        given_back, self._given_back = self._given_back, []
        for ref, packed in given_back:
            flights = self._bundles.get(ref, ())
            count = len(unpack_answers(packed))
            if count >= len(flights):
                continue  # it has ended meanwhile, or is about to
            at_work, after = flights[count], flights[count + 1 :]
            at_work.shares, at_work.is_slow = False, True
            self._bundles[ref] = [at_work]
            done = self._matched(self._ray.put(packed), flights[:count], packed)
            outcomes.extend(self._settle([*done, *((flight, None) for flight in after)]))
        return outcomes

    def _settle(self, ended: Iterable[tuple[Flight, Answer | Exception | None]]) -> list[NodeOutcome]:
        """Return the outcomes of nodes that ended; replies are committed first, while workers go on."""
        replies: list[WorkerReply] = []
        outcomes: list[NodeOutcome] = []
        for flight, given in ended:
            path = flight.task.path
            result = self._result(flight, given)
            self._drop(flight)
            if result is None:
                self._hold(flight.task)
                continue
            state = result.state if isinstance(result, NodeOutcome) else state_in(result)
            if state is NodeState.SUCCEEDED:
                self._held.succeeded(path)
            else:
                self._give_up_below(path)
            if isinstance(result, NodeOutcome):
                outcomes.append(result)
            elif state is NodeState.PENDING:
                outcomes.append(NodeOutcome(path, state, 0))
            else:
                replies.append(result)
                if state is NodeState.SUCCEEDED:
                    self._handing.keep(path, flight.ref)
        self._fill()
        self._commits.add(replies)
        return outcomes

    def _result(self, flight: Flight, given: Answer | Exception | None) -> NodeOutcome | WorkerReply | None:
        """Tell what became of a node; None where it has to run again, or was not begun."""
        if isinstance(given, Answer):
            return self._reply(flight, given)
        if flight.cancelled:
            return self._lost(flight, given)
        if given is None or not self._unsucceeded.isdisjoint(flight.task.after):
            return None
        if flight.shares and not flight.failure:
            return self._suspect(flight)
        if any(above in self._flights or above in self._held for above in flight.task.after):
            return None  # one before it in its bundle had failed, and is tried again
        return self._lost(flight, given)

    def _reply(self, flight: Flight, answer: Answer) -> WorkerReply:
        """Return a reply, once all that the node wrote has been shown."""
        until = time.monotonic() + _PARTS_SECONDS
        while flight.parts < answer.parts and self._watch.lost() is None and (left := until - time.monotonic()) > 0:
            self._hear(left)
        if answer.rest:
            flight.output.write(answer.rest)
        flight.end_output()
        return unpack(answer.reply)

    def _suspect(self, flight: Flight) -> NodeOutcome | None:
        """Adopt a node whose worker was lost with others, if it has committed; else it runs again, by itself.

        Which of them it was that ended the worker shows then.
        """
        flight.end_output()
        path = flight.task.path
        found = self._context.known(path, self._context.last_attempt(path))
        if found is not None and found.state is NodeState.SUCCEEDED:
            return found
        self._alone.add(path)
        return None

    def _lost(self, flight: Flight, raised: Exception | None) -> NodeOutcome | WorkerReply:
        """Tell what became of a node whose worker cannot: the store may hold its commit."""
        path = flight.task.path
        self._hear()
        flight.end_output()
        attempt = self._context.last_attempt(path)
        found = self._context.known(path, attempt)
        if found is not None and found.state is NodeState.SUCCEEDED:
            return found
        if flight.cancelled:
            return NodeOutcome(path, NodeState.CANCELLED, attempt)
        error = flight.error(raised)
        error = error._replace(text=self._context.mask(error.text))
        if self._options.inline_max_bytes:
            return failed_reply({"node": path}, error)
        return NodeOutcome(path, NodeState.FAILED, attempt, None, error)

    def _drop(self, flight: Flight) -> None:
        del self._flights[flight.task.path], self._numbers[flight.number]
        self._timed.discard(flight)

    def _hear(self, timeout_seconds: float = 0.0) -> None:
        """Show what nodes wrote, count the time of those that have started, and learn what is given back."""
        for note in self._watch.taken(timeout_seconds):
            flight = self._numbers.get(note.number)
            if flight is None:
                continue
            if note.name == STARTED:
                flight.started()
                self._timed.add(flight)
            elif note.name == GIVEN_BACK:
                self._given_back.append((flight.ref, note.data))
            else:
                flight.parts += 1
                flight.output.write(note.data)

    def _check(self) -> None:
        """End what is over its time, or asks for what is not there.

        Raises:
            EngineError: The cluster is lost.
        """
        now = time.monotonic()
        for flight in self._timed:
            if now >= flight.deadline and not flight.timed_out and not flight.cancelled:
                flight.timed_out = True
                self._end(flight, force=True)
        if now < self._check_at:
            return
        self._check_at = now + _CHECK_SECONDS
        if (reason := self._watch.lost()) is not None:
            count = len(self._flights) + len(self._held)
            lost = (
                f"the cluster is lost, and with it {count} nodes that had not come back: {reason}. What "
                "was committed is kept: start the cluster again and resume the session"
            )
            raise EngineError(engine="ray", reason=lost)
        self._look_for_unoffered(now)
        for flight in self._flights.values():
            if flight.is_slow:
                self._pace.learn(flight.task.path, SLICE_SECONDS)
            if now >= flight.kill_at:
                flight.kill_at = float("inf")
                self._end(flight, force=True)

    def _look_for_unoffered(self, now: float) -> None:
        offers = self._watch.offers()
        broken = self._images.broken()
        fits: dict[NodeNeeds, bool] = {}
        for flight in tuple(self._flights.values()):
            needs = flight.task.needs
            if needs not in fits:
                fits[needs] = is_offered(flight.asked, offers)
            if needs.image is not None and needs.image in broken:
                self._abandon(flight, broken[needs.image])
            elif fits[needs] or any(path in self._flights for path in flight.task.after):
                flight.unoffered_since = float("inf")
            else:
                flight.unoffered_since = min(flight.unoffered_since, now)
                if now - flight.unoffered_since >= self._options.unschedulable_seconds:
                    self._give_up(flight, not_offered(flight.asked, offers, self._options.unschedulable_seconds))

    def _abandon(self, flight: Flight, reason: str) -> None:
        """Settle a node for which Ray would need a minute, since no worker starts; what waits for it comes back."""
        self._give_up(flight, reason)
        if self._unsucceeded.isdisjoint(flight.task.after):
            result = self._lost(flight, EngineError(engine="ray", reason=reason))
            if isinstance(result, NodeOutcome):
                self._returned.append(result)
            else:
                self._commits.add([result])
        else:
            self._returned.append(NodeOutcome(flight.task.path, NodeState.PENDING, 0))
        self._drop(flight)
        self._give_up_below(flight.task.path)
        if not any(self._is_on_its_way(other) for other in self._bundles[flight.ref]):
            del self._bundles[flight.ref]

    def _is_on_its_way(self, flight: Flight) -> bool:
        return self._numbers.get(flight.number) is flight

    def _give_up(self, flight: Flight, reason: str) -> None:
        if not flight.failure:
            flight.failure = reason
            self._end(flight, force=True)

    def _end(self, flight: Flight, *, force: bool) -> None:
        self._ray.cancel(flight.ref, force=force)
