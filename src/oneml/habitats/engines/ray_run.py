"""Ray at work for one session: tasks out with what they wait for, replies in, and what becomes of lost workers."""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import cast

from oneml.habitats.engines.ray_api import RayApi, Ref, RemoteFunction
from oneml.habitats.engines.ray_flight import Flight
from oneml.habitats.engines.ray_held import Held
from oneml.habitats.engines.ray_images import Images
from oneml.habitats.engines.ray_needs import asked_of, is_offered, not_offered, task_options
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.engines.ray_watch import ClusterWatch
from oneml.habitats.engines.ray_worker import Answer, Request, run_node
from oneml.habitats.engines.remote import failed_reply, pack, state_in, unpack
from oneml.habitats.engines.worker_output import NodeOutput
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineContext, NodeNeeds, NodeTask, WorkerReply
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

SLOTS = 10_000
GRACE_SECONDS = 5.0
"""Between a polite request to end and the end of the process."""

_BATCH_SECONDS = 0.02
_TICK_SECONDS = 0.2
_CHECK_SECONDS = 1.0
_PARTS_SECONDS = 2.0
_CLOSE_SECONDS = 5.0
_KEPT_REFS = 1000
"""Replies of nodes that have ended which Ray still holds for nodes to come; others find the outputs in the store."""


class RayRun:
    """An `EngineRun` over a cluster.

    Args:
        ray: Connected.
        context: Of the session.
        options: Of the engine.
        watch: Of the cluster.
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
        channel: str,
        limit: int | None = None,
    ) -> None:
        self._limit = limit
        self._held = Held()
        self._ray = ray
        self._context = context
        self._options = options
        self._watch = watch
        self._channel = channel
        self._functions: dict[NodeNeeds, tuple[RemoteFunction, Mapping[str, float]]] = {}
        self._images = Images(ray, options.images, options.image_seconds)
        self._count = 0
        self._flights: dict[NodePath, Flight] = {}
        self._numbers: dict[int, Flight] = {}
        self._returned: list[NodeOutcome] = []
        self._unsucceeded: set[NodePath] = set()
        self._adopted: set[NodePath] = set()
        self._kept: OrderedDict[NodePath, Ref] = OrderedDict()
        self._timed: set[Flight] = set()
        self._check_at = 0.0

    def submit(self, task: NodeTask) -> None:
        """See `EngineRun`."""
        self._unsucceeded.discard(task.path)
        self._adopted.discard(task.path)
        if not self._unsucceeded.isdisjoint(task.after):
            self._give_back(task.path)
        elif self._limit is None:
            self._hand_over(task)
        else:
            self._held.add(task, self._flights)
            self._fill(self._limit)

    def _fill(self, limit: int) -> None:
        """Hand over what was kept back, as far as there is room."""
        while len(self._flights) < limit and (task := self._held.next()) is not None:
            self._hand_over(task)

    def _give_back(self, path: NodePath) -> None:
        """Return a node that cannot run, because one that it waits for did not succeed."""
        self._unsucceeded.add(path)
        self._returned.append(NodeOutcome(path, NodeState.PENDING, 0))

    def _hand_over(self, task: NodeTask) -> None:
        self._images.want(task.needs.image)
        self._count += 1
        context = self._context
        message = pack(context.message(task, self._options.inline_max_bytes))
        request = Request(context.entry, context.preload, self._channel, self._count, task.timeout_seconds, message)
        function, asked = self._function(task.needs)
        ref = function.remote(request.packed(), *self._refs(task.after))
        flight = Flight(task, self._count, ref, asked, self._output)
        self._flights[task.path] = self._numbers[self._count] = flight

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        """See `EngineRun`."""
        deadline = float("inf") if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            if self._limit is not None:
                self._fill(self._limit)
            outcomes, self._returned = self._returned, []
            if not outcomes and self._flights:
                outcomes = self._settle(self._ended(deadline))
                self._hear()
                self._check()
            if outcomes or not (self._flights or self._returned) or time.monotonic() >= deadline:
                return outcomes

    def cancel(self, *, now: bool) -> None:
        """See `EngineRun`."""
        self._returned.extend(NodeOutcome(path, NodeState.CANCELLED, 0) for path in self._held.take_all())
        kill_at = time.monotonic() + (0.0 if now else GRACE_SECONDS)
        for flight in self._flights.values():
            if now or not flight.cancelled:
                flight.cancelled = True
                flight.kill_at = min(flight.kill_at, kill_at)
                self._end(flight, force=now)

    def close(self) -> None:
        """End what still runs, and wait until it has ended."""
        refs = [flight.ref for flight in self._flights.values()]
        self._flights.clear()
        self._held.take_all()
        if refs and self._watch.lost() is None:
            for ref in refs:
                self._ray.cancel(ref, force=True)
            self._ray.wait(refs, num_returns=len(refs), timeout=_CLOSE_SECONDS, fetch_local=False)

    def _output(self, path: NodePath) -> NodeOutput:
        return NodeOutput(self._context.mask, partial(self._context.log, path))

    def _function(self, needs: NodeNeeds) -> tuple[RemoteFunction, Mapping[str, float]]:
        """Return what runs nodes with such needs, and the resources that it asks for."""
        known = self._functions.get(needs)
        if known is None:
            options = task_options(needs, self._options.images, isolated=self._context.isolated)
            known = self._ray.remote(**options)(run_node), asked_of(needs, self._options.images)
            self._functions[needs] = known
        return known

    def _refs(self, after: Iterable[NodePath]) -> Iterable[Ref]:
        for path in after:
            flight = self._flights.get(path)
            ref = self._kept.get(path) if flight is None else flight.ref
            if ref is not None:
                yield ref

    def _ended(self, deadline: float) -> Sequence[Flight]:
        """Wait until a task has ended, or for a while; others that end with it come along."""
        flights = {flight.ref: flight for flight in self._flights.values()}
        refs = list(flights)
        left = max(0.0, min(_TICK_SECONDS, deadline - time.monotonic()))
        ready, others = self._ray.wait(refs, num_returns=1, timeout=left, fetch_local=True)
        if ready and others:
            more, _ = self._ray.wait(others, num_returns=len(others), timeout=_BATCH_SECONDS, fetch_local=True)
            ready = [*ready, *more]
        return sorted((flights[ref] for ref in ready), key=lambda flight: flight.number)

    def _settle(self, ended: Sequence[Flight]) -> list[NodeOutcome]:
        """Return the outcomes of tasks that ended; replies are committed in one batch."""
        replies: list[WorkerReply] = []
        outcomes: list[NodeOutcome] = []
        for flight, answer in self._answers(ended):
            result = self._failure(flight, answer) if isinstance(answer, Exception) else self._reply(flight, answer)
            if result is None:
                continue
            state = result.state if isinstance(result, NodeOutcome) else state_in(result)
            self._drop(flight)
            if state is not NodeState.SUCCEEDED:
                self._unsucceeded.add(flight.task.path)
                for path in self._held.below(flight.task.path):
                    self._give_back(path)
            elif isinstance(result, NodeOutcome):
                self._adopted.add(flight.task.path)
                self._held.succeeded(flight.task.path)
            else:
                self._keep(flight)
                self._held.succeeded(flight.task.path)
            if isinstance(result, NodeOutcome):
                outcomes.append(result)
            elif state is NodeState.PENDING:
                outcomes.append(NodeOutcome(flight.task.path, state, 0))
            else:
                replies.append(result)
        return [*self._context.take(replies), *outcomes] if replies else outcomes

    def _answers(self, ended: Sequence[Flight]) -> Iterable[tuple[Flight, bytes | Exception]]:
        """Fetch what tasks gave: all at once where none failed."""
        if not ended:
            return ()
        try:
            answers = cast("Sequence[bytes]", self._ray.get([flight.ref for flight in ended]))
        except Exception:  # noqa: BLE001  # Ray's errors are many, and some are of what a task raised
            return [(flight, self._answer(flight)) for flight in ended]
        return zip(ended, answers, strict=True)

    def _answer(self, flight: Flight) -> bytes | Exception:
        try:
            return cast("bytes", self._ray.get(flight.ref))
        except Exception as error:  # noqa: BLE001  # see _answers
            return error

    def _reply(self, flight: Flight, answer: bytes) -> WorkerReply:
        """Return a reply, once all that the node wrote has been shown."""
        packed, parts, rest = Answer.of(answer)
        until = time.monotonic() + _PARTS_SECONDS
        while flight.parts < parts and (left := until - time.monotonic()) > 0:
            self._hear(left)
        if rest:
            flight.output.write(rest)
        flight.end_output()
        return unpack(packed)

    def _failure(self, flight: Flight, raised: Exception) -> NodeOutcome | WorkerReply | None:
        """Tell what became of a node that gave no reply; None where it has not ended yet."""
        task = flight.task
        if not flight.cancelled:
            if not self._unsucceeded.isdisjoint(task.after):
                return NodeOutcome(task.path, NodeState.PENDING, 0)
            if any(path in self._flights for path in task.after):
                return None  # the error is perhaps that of a node before it, which comes next
            if not self._adopted.isdisjoint(task.after):
                self._drop(flight)
                self.submit(task)  # the node before it was lost after its commit, so its outputs are in the store
                return None
        return self._lost(flight, raised)

    def _lost(self, flight: Flight, raised: Exception) -> NodeOutcome | WorkerReply:
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

    def _keep(self, flight: Flight) -> None:
        self._kept[flight.task.path] = flight.ref
        if len(self._kept) > _KEPT_REFS:
            self._kept.popitem(last=False)

    def _hear(self, timeout_seconds: float = 0.0) -> None:
        """Show what nodes wrote, and count the time of those that have started."""
        for note in self._watch.taken(timeout_seconds):
            flight = self._numbers.get(note.flight)
            if flight is None:
                continue
            if note.part is None:
                flight.started()
                self._timed.add(flight)
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
            if now >= flight.kill_at:
                flight.kill_at = float("inf")
                self._end(flight, force=True)

    def _look_for_unoffered(self, now: float) -> None:
        offers = self._watch.offers()
        broken = self._images.broken()
        fits: dict[NodeNeeds, bool] = {}
        for flight in tuple(self._flights.values()):
            needs = flight.task.needs
            if flight.task.path not in self._flights:
                continue
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
        """Settle a node, and what was handed over after it, for which Ray would need a minute: no worker starts."""
        self._give_up(flight, reason)
        result = self._lost(flight, EngineError(engine="ray", reason=reason))
        self._drop(flight)
        self._unsucceeded.add(flight.task.path)
        self._returned.extend([result] if isinstance(result, NodeOutcome) else self._context.take([result]))
        for lower in self._held.below(flight.task.path):
            self._give_back(lower)
        for other in tuple(self._flights.values()):
            if not self._unsucceeded.isdisjoint(other.task.after):
                self._end(other, force=True)
                self._drop(other)
                self._give_back(other.task.path)

    def _give_up(self, flight: Flight, reason: str) -> None:
        if not flight.failure:
            flight.failure = reason
            self._end(flight, force=True)

    def _end(self, flight: Flight, *, force: bool) -> None:
        self._ray.cancel(flight.ref, force=force)
