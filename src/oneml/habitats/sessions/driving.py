"""Drives a session to its end: opens engines, runs the loop, and leaves every node and the session in a final state."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.engines.task_lines import LineSink, PrintedTo, diverted
from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.engine import Capability, EngineContext, NodeTask, WorkerMessage, WorkerReply
from oneml.habitats.ports.observer import Observer
from oneml.habitats.ports.session_store import NodeRow, SessionStore
from oneml.habitats.sessions.attempts import AttemptLog, commit_of, outcome_of
from oneml.habitats.sessions.context import outer_interrupts
from oneml.habitats.sessions.openings import Openings
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.recorder import Recorder
from oneml.habitats.sessions.run_loop import Lane, RunLoop
from oneml.habitats.sessions.run_result import RunResult
from oneml.habitats.sessions.schedule import Schedule
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.secrets import mask_secrets
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath, node_key
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.outcome_json import outcome_from_json
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.states import NodeState, SessionState
from oneml.habitats.values.times import rfc3339

ENTRY = "oneml.habitats.sessions.worker:run_task"
MASKING = "oneml.habitats.sessions.worker:masked"
PRELOAD = "oneml.habitats.sessions.worker:preload"
"""What engines call in their workers, by import path: they import nothing of a session themselves."""

_BROKEN_OFF = "the engine or the store failed"


_REPLY = "reply of a worker"


def _outcome(reply: WorkerReply) -> JsonObject:
    outcome = reply.get("outcome")
    if isinstance(outcome, Mapping):
        return outcome
    raise InvalidDocumentError(what=_REPLY, reason="it tells no outcome")


def _revision(reply: WorkerReply) -> int:
    revision = reply.get("revision")
    return revision if isinstance(revision, int) else 0


def _log(recorder: Recorder, path: NodePath, lines: Sequence[str]) -> None:
    for line in lines:
        recorder.log(path, line)


def _at_once(_seconds: float, call: Callable[[], None]) -> None:
    call()


class _Ended(NamedTuple):
    """How the loop ended: the state of the session, and what broke it off."""

    state: SessionState
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What one run of a session works with.

    Attributes:
        recipe: The session's recipe.
        plan: Its DAG.
        openings: Its open containers.
        engine_registry: Where engines are found.
        attempts: Its claims and commits.
        index: Where states go.
        clock: Time.
        adopt: Takes over what other sessions computed; None where nothing is reused.
        stop_requested: Set by whoever wants the session to stop.
        worker_store_url: What another process must be told to find the store; None where it finds it by itself.
    """

    recipe: Recipe
    plan: Plan
    openings: Openings
    engine_registry: EngineRegistry
    attempts: AttemptLog
    index: SessionStore
    clock: Clock
    adopt: Callable[[NodePath], NodeOutcome | None] | None
    stop_requested: threading.Event
    worker_store_url: str | None

    def run(
        self, *, done: Mapping[NodePath, NodeRow], unrecorded: Sequence[NodeRow], observers: Sequence[Observer]
    ) -> RunResult:
        """Run every node that is not in ``done``; see `PipelineSession.run`.

        Args:
            done: Nodes that have succeeded.
            unrecorded: Those of them that the index does not know.
            observers: Told of everything.
        """
        recorder = Recorder(
            self.recipe.session_id,
            index=self.index,
            clock=self.clock,
            node_count=len(self.plan.nodes),
            rows=done,
            observers=observers,
        )
        with ExitStack() as stack:
            stack.enter_context(self.openings.current().interrupts.listening(outer=outer_interrupts()))
            if recorder.is_heard:
                stack.enter_context(diverted())
            recorder.session(SessionState.RUNNING)
            if unrecorded:
                self.index.record(self.recipe.session_id, SessionState.RUNNING, unrecorded, self.clock.now())
            with recorder.keeping_up():
                ended = self._loop(Schedule(self.plan, succeeded=done), recorder)
            recorder.session(ended.state)
        if ended.error is not None:
            raise ended.error
        return RunResult(
            session_id=self.recipe.session_id,
            state=recorder.state,
            nodes={path: recorder.rows[path] for path in self.plan.nodes},
        )

    def _loop(self, schedule: Schedule, recorder: Recorder) -> "_Ended":
        """Run the loop; whatever breaks it, every node gets its final state."""
        opened = self.openings.current()
        try:
            with ExitStack() as stack:
                loop = RunLoop(
                    schedule=schedule,
                    lanes=self._lanes(schedule, recorder, stack),
                    upstreams_of=lambda path: self.plan.nodes[path].upstreams(),
                    settings_of=self._settings_of,
                    label_of=lambda path: self.plan.nodes[path].label,
                    recorder=recorder,
                    stop_requested=self.stop_requested,
                    interrupts=opened.interrupts,
                    clock=self.clock,
                    remember=self._remember,
                    adopt=self.adopt,
                    stop_on_failure=opened.settings.session.on_failure == "stop",
                )
                return _Ended(loop.run())
        except BaseException as error:  # noqa: BLE001  # raised again once every state is recorded
            interrupted = isinstance(error, KeyboardInterrupt)
            for path in list(schedule.undecided):
                if recorder.is_open(path):
                    recorder.node(path, NodeState.CANCELLED, detail="" if interrupted else _BROKEN_OFF)
            return _Ended(SessionState.STOPPED if interrupted else SessionState.FAILED, error)

    def _remember(self, outcome: NodeOutcome) -> None:
        """Let the artifact store know how an attempt ended whose worker could not write it down."""
        if 0 < outcome.attempt <= self.attempts.last_attempt(outcome.path):
            self.attempts.record(outcome._replace(ended_at=outcome.ended_at or rfc3339(self.clock.now())))

    def _mask(self, text: str) -> str:
        return mask_secrets(text, self.openings.current().secret_texts())

    def _heard(self, recorder: Recorder, path: NodePath) -> NodeOutcome:
        """Run a node in this process, and tell what it prints as other engines do."""
        with PrintedTo(LineSink(partial(_log, recorder, path), _at_once, self._mask)):
            return self.openings.run_scheduled(path)

    def _lanes(self, schedule: Schedule, recorder: Recorder, stack: ExitStack) -> Mapping[str, Lane]:
        session = self.openings.current().settings.session
        may_run_ahead = self.adopt is None and session.on_failure != "stop"
        context = EngineContext(
            habitat=self.recipe.habitat,
            session_id=self.recipe.session_id,
            store_url=self.worker_store_url,
            workers=session.workers,
            execute=partial(self._heard, recorder) if recorder.is_heard else self.openings.run_scheduled,
            known=self._known,
            last_attempt=self.attempts.last_attempt,
            mask=self._mask,
            log=recorder.log,
            entry=ENTRY,
            masking=MASKING,
            preload=PRELOAD,
            take=self._take,
            message=partial(self._message, self.attempts.attempted()),
            options={},
            isolated=session.isolated,
        )
        lanes: dict[str, Lane] = {}
        for name in sorted({self._settings_of(path).engine for path in schedule.undecided}):
            engine = self.engine_registry.by_name(name)
            run = stack.enter_context(engine.open(context._replace(options=session.engines.get(name, {}))))
            lanes[name] = Lane(run, ahead=may_run_ahead and Capability.SCHEDULES in engine.capabilities)
        return lanes

    def _message(self, tried_before: Collection[str], task: NodeTask, inline_max_bytes: int) -> WorkerMessage:
        is_new = not tried_before or node_key(task.path) not in tried_before
        return {
            "habitat": self.recipe.habitat,
            "session_id": self.recipe.session_id,
            "store_url": self.worker_store_url,
            "node": task.path,
            "attempt": task.attempt if is_new else self.attempts.last_attempt(task.path) + 1,
            "inline_max_bytes": inline_max_bytes,
        }

    def _take(self, replies: Sequence[WorkerReply]) -> Sequence[NodeOutcome]:
        """Commit what workers answered and did not commit themselves, and write down how the rest ended."""
        outcomes = [outcome_from_json(_outcome(reply), what=_REPLY) for reply in replies]
        fresh = [
            (place, outcome)
            for place, (outcome, reply) in enumerate(zip(outcomes, replies, strict=True))
            if outcome.state is NodeState.SUCCEEDED and reply.get("committed") is False
        ]
        for place, outcome in fresh:
            self.attempts.note_revision(outcome.path, outcome.attempt, _revision(replies[place]))
        standing = self.attempts.commit_all([(outcome.path, commit_of(outcome)) for _, outcome in fresh])
        for (place, outcome), commit in zip(fresh, standing, strict=True):
            outcomes[place] = outcome_of(outcome.path, commit)
        for place, outcome in enumerate(outcomes):
            if outcome.state is NodeState.FAILED and replies[place].get("committed") is False:
                number = self.attempts.claim(outcome.path, revision=self.openings.current().revision)
                outcomes[place] = outcome._replace(attempt=number)
        return outcomes

    def _settings_of(self, path: NodePath) -> PipelineSettings:
        return self.openings.current().settings_of(path)

    def _known(self, path: NodePath, after_attempt: int) -> NodeOutcome | None:
        return self.attempts.outcome(path, after_attempt=after_attempt)
