"""Drives the nodes of a session through its engines until every one has a final state."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from threading import Event as ThreadEvent
from typing import NamedTuple

from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.engine import EngineRun, NodeNeeds, NodeTask
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.recorder import Recorder
from oneml.habitats.sessions.schedule import Schedule
from oneml.habitats.settings.models import PipelineSettings, Resources
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState, SessionState

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""How long a request to stop may go unseen while nothing ends."""

REUSED_AT_ONCE = 16
"""After so many nodes that were reused, the loop looks after what runs, and whether it shall stop."""

STOPS_THE_SESSION = "the session was stopped"


class Lane(NamedTuple):
    """An engine at work.

    Attributes:
        engine: It.
        ahead: Whether it is handed nodes before those that they wait for have run.
    """

    engine: EngineRun
    ahead: bool = False


class _Lane:
    """An engine, what waits for a slot of it, the most urgent first, and what it holds."""

    __slots__ = ("ahead", "engine", "ready", "running", "waiting")

    def __init__(self, lane: Lane) -> None:
        self.engine, self.ahead = lane
        self.ready: list[tuple[int, int, NodeTask]] = []
        self.waiting: set[NodePath] = set()
        """The paths in `ready`."""
        self.running: set[NodePath] = set()


class RunLoop:
    """One drive of a session; used once, from one thread.

    Args:
        schedule: What is still to run.
        lanes: The engines at work, by name.
        upstreams_of: What a node waits for.
        settings_of: The effective settings of a node.
        label_of: What a person sees beside the path of a node.
        recorder: Where states go.
        stop_requested: Set by whoever wants the session to stop.
        interrupts: How often the process was asked to stop.
        clock: Time.
        remember: Takes the outcome of each attempt that did not succeed.
        adopt: Gives the outcome of a node whose outputs are there already, else None; None where nothing is reused.
        stop_on_failure: Whether a failure keeps everything else from starting.
    """

    def __init__(
        self,
        *,
        schedule: Schedule,
        lanes: Mapping[str, Lane],
        upstreams_of: Callable[[NodePath], Iterable[NodePath]],
        settings_of: Callable[[NodePath], PipelineSettings],
        label_of: Callable[[NodePath], str],
        recorder: Recorder,
        stop_requested: ThreadEvent,
        interrupts: Interrupts,
        clock: Clock,
        remember: Callable[[NodeOutcome], None],
        adopt: Callable[[NodePath], NodeOutcome | None] | None = None,
        stop_on_failure: bool,
    ) -> None:
        self._schedule = schedule
        self._settings_of = settings_of
        self._label_of = label_of
        self._recorder = recorder
        self._stop_requested = stop_requested
        self._interrupts = interrupts
        self._clock = clock
        self._remember = remember
        self._adopt = adopt
        self._stop_on_failure = stop_on_failure
        self._lane_of = {name: _Lane(lane) for name, lane in lanes.items()}
        self._upstreams_of = upstreams_of
        self._sequence = count()
        self._needed: tuple[PipelineSettings | None, NodeNeeds] = (None, _USUAL_NEEDS)
        self._lanes = tuple(self._lane_of.values())
        self._delayed: list[tuple[float, NodePath]] = []
        self._tries: dict[NodePath, int] = {}
        self._failed = False
        self._stopping = False
        self._cancelled = False

    def run(self) -> SessionState:
        """Run everything that can run, and return how the session ended.

        Raises:
            KeyboardInterrupt: The process was asked to stop; every node has its final state nevertheless.
        """
        seen = 0
        self._enqueue(self._schedule.ready())
        if any(lane.ahead for lane in self._lanes):
            self._enqueue_ahead()
        while not self._step():
            if self._interrupts.count > seen:
                self._stop(now=seen > 0)
                if seen == 0:
                    self._say_what_is_waited_for()
                seen += 1
        self._recorder.tell_logs()
        left = list(self._schedule.undecided)
        for path in left:
            self._recorder.node(path, NodeState.CANCELLED, detail=STOPS_THE_SESSION)
        if left or self._cancelled:
            if self._interrupts.count:
                raise KeyboardInterrupt
            return SessionState.STOPPED
        return SessionState.FAILED if self._failed else SessionState.SUCCEEDED

    def _step(self) -> bool:
        """Start what may start, take what has ended, and tell whether all is over."""
        if self._stop_requested.is_set() and not self._stopping:
            self._stop(now=False)
        if self._delayed:
            self._release_delayed()
        self._recorder.tell_logs()
        reused = False
        for lane in self._lanes:
            if lane.ready:
                reused |= self._start(lane)
        active = [lane for lane in self._lanes if lane.running]
        for lane in active:
            for outcome in lane.engine.wait(0.0 if reused else POLL_SECONDS / len(active)):
                lane.running.discard(outcome.path)
                self._take(outcome)
        return not active and not reused and self._rest()

    def _rest(self) -> bool:
        """Wait a little for what will be tried again, and tell whether there is nothing."""
        if not self._delayed:
            return True
        self._stop_requested.wait(min(POLL_SECONDS, max(0.0, self._delayed[0][0] - self._clock.monotonic())))
        return False

    def _start(self, lane: "_Lane") -> bool:
        """Start what there are slots for, and tell whether some of it was reused, so that more may be ready."""
        ready, running, engine = lane.ready, lane.running, lane.engine
        reused = 0
        while ready and len(running) < engine.slots and reused < REUSED_AT_ONCE:
            task = heappop(ready)[2]
            path = task.path
            lane.waiting.discard(path)
            if not self._schedule.is_open(path):
                continue  # it was skipped while it waited here for a slot
            outcome = None if self._adopt is None else self._adopt(path)
            if outcome is not None:
                self._take(outcome)
                reused += 1
                continue
            running.add(path)
            if not any(map(self._schedule.is_open, task.after)):
                self._recorder.node(path, NodeState.RUNNING, attempt=task.attempt)
            engine.submit(task)
        return reused > 0

    def _enqueue(self, paths: Sequence[NodePath]) -> None:
        for path in paths:
            settings = self._settings_of(path)
            self._push(self._lane_of[settings.engine], path, settings)

    def _enqueue_ahead(self) -> None:
        """Hand over what waits only for nodes that the same engine is handed; the rest follows as it is due."""
        handed: dict[NodePath, _Lane] = {}
        for path in self._schedule.undecided:
            settings = self._settings_of(path)
            lane = self._lane_of[settings.engine]
            if not lane.ahead:
                continue
            waits_for = tuple(dict.fromkeys(one for one in self._upstreams_of(path) if self._schedule.is_open(one)))
            if all(handed.get(one) is lane for one in waits_for):
                handed[path] = lane
                if waits_for:
                    self._push(lane, path, settings, waits_for)

    def _push(
        self, lane: "_Lane", path: NodePath, settings: PipelineSettings, after: tuple[NodePath, ...] = ()
    ) -> None:
        priority = settings.priority
        attempt = self._tries.get(path, 0) + 1
        known, needs = self._needed
        if known is not settings:  # most nodes of a session share one object
            needs = _needs(settings)
            self._needed = settings, needs
        task = NodeTask(path, settings.timeout_seconds, needs, priority, after, attempt)
        # What is handed over ahead keeps its order, so that what it waits for comes first; the engine has the priority.
        heappush(lane.ready, (0 if lane.ahead else -priority, next(self._sequence), task))
        lane.waiting.add(path)

    def _release_delayed(self) -> None:
        while self._delayed and self._delayed[0][0] <= self._clock.monotonic():
            path = heappop(self._delayed)[1]
            # Where a worker was lost, its node may have come back before nodes above it, whose replies went with it.
            if self._schedule.is_ready(path):
                self._enqueue([path])

    def _take(self, outcome: NodeOutcome) -> None:
        path, state, attempt, seconds, error = outcome[:5]
        if state is NodeState.SUCCEEDED:
            key, source = outcome.reuse_key, outcome.reused_from
            self._recorder.node(path, state, attempt=attempt, seconds=seconds, reuse_key=key, reused_from=source)
            freed = self._schedule.succeed(path)
            if freed and not self._stopping and not (self._failed and self._stop_on_failure):
                self._follow(freed)
            return
        if state is NodeState.PENDING:
            if self._schedule.is_ready(path) and not self._stopping:
                self._enqueue([path])
            return
        detail = "" if error is None else error.summary()
        if state is NodeState.FAILED and not self._stopping and self._try_again(path, detail):
            self._remember(outcome)
            return
        self._recorder.node(path, state, attempt=attempt, seconds=seconds, detail=detail)
        self._remember(outcome)
        if state is NodeState.CANCELLED:
            self._schedule.drop(path)
            self._cancelled = True
            if not self._stopping:
                self._stop(now=False)
            return
        self._failed = True
        because = f"because {self._named(path)} {state.value}"
        self._skip(self._schedule.fail(path), because)
        if self._stop_on_failure:
            self._skip_all(f'{because} and on_failure is "stop"')

    def _follow(self, freed: Sequence[NodePath]) -> None:
        """Go on with nodes that wait for nothing any more; what was handed over ahead starts by itself."""
        delayed = {path for _, path in self._delayed}
        for path in freed:
            if path in delayed:
                continue
            settings = self._settings_of(path)
            lane = self._lane_of[settings.engine]
            if lane.ahead and path in lane.running:
                self._recorder.node(path, NodeState.RUNNING, attempt=self._tries.get(path, 0) + 1)
            elif path not in lane.waiting:
                self._push(lane, path, settings)

    def _try_again(self, path: NodePath, detail: str) -> bool:
        settings = self._settings_of(path)
        tries = self._tries[path] = self._tries.get(path, 0) + 1
        if tries > settings.retries or (self._failed and self._stop_on_failure):
            return False
        delay = settings.retry_delay_seconds * settings.retry_backoff ** (tries - 1)
        heappush(self._delayed, (self._clock.monotonic() + delay, path))
        detail = f"attempt {tries} of {settings.retries + 1} failed ({detail}); it will be tried again"
        self._recorder.node(path, NodeState.PENDING, attempt=tries, detail=detail)
        return True

    def _skip(self, paths: Iterable[NodePath], why: str) -> None:
        for path in paths:
            self._recorder.node(path, NodeState.SKIPPED, detail=why)

    def _skip_all(self, why: str) -> None:
        """Keep from starting whatever has not started; what runs may end."""
        running = {path for lane in self._lanes for path in lane.running}
        waiting = [path for path in self._schedule.undecided if path not in running]
        self._skip(waiting, why)
        for path in waiting:
            self._schedule.drop(path)
        self._forget_waiting()

    def _stop(self, *, now: bool) -> None:
        self._stopping = True
        self._forget_waiting()
        for lane in self._lanes:
            if lane.running:
                lane.engine.cancel(now=now)

    def _say_what_is_waited_for(self) -> None:
        running = [path for lane in self._lanes for path in lane.running]
        if running:
            more = f" and {len(running) - 1} more" if len(running) > 1 else ""
            _log.warning("Interrupted: waits for %s%s to end; interrupt again to end that at once.", running[0], more)

    def _forget_waiting(self) -> None:
        self._delayed.clear()
        for lane in self._lanes:
            lane.ready.clear()
            lane.waiting.clear()

    def _named(self, path: NodePath) -> str:
        label = self._label_of(path)
        return f"{path} ({label})" if label else path


_USUAL_NEEDS = NodeNeeds()
_USUAL_RESOURCES = Resources()


def _needs(settings: PipelineSettings) -> NodeNeeds:
    resources = settings.resources
    if settings.image is None and not settings.tags and resources == _USUAL_RESOURCES:
        return _USUAL_NEEDS
    return NodeNeeds(
        resources.cpus, resources.memory_bytes, resources.gpus, settings.image, tuple(sorted(settings.tags))
    )
