"""Driving nodes through engines: retries, failures, stopping; with an engine that plays a script."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog
from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.recorder import Recorder
from oneml.habitats.sessions.run_loop import STOPS_THE_SESSION, Lane, RunLoop
from oneml.habitats.sessions.schedule import Schedule
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.plan import Plan, PlannedNode
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState


class StillClock:
    """Time that moves only when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        self.seconds += 0.001
        return self.seconds


class Index:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.states: list[SessionState] = []
        self.nodes: dict[NodePath, NodeRow] = {}

    def record(self, _session_id: SessionId, state: SessionState, nodes: Sequence[NodeRow], at: datetime) -> None:
        del at
        self.states.append(state)
        self.nodes.update({row.path: row for row in nodes})


@dataclass
class ScriptedEngine:
    """Ends nodes in the order in which they came, with what the script says; everything else succeeds."""

    script: Mapping[str, list[NodeState]]
    slots: int = 2
    on_wait: Callable[[], None] = lambda: None
    started: list[str] = field(default_factory=list)
    most_at_once: int = 0
    queue: list[NodePath] = field(default_factory=list)
    cancelled: list[bool] = field(default_factory=list)

    def submit(self, task: NodeTask) -> None:
        self.started.append(task.path)
        self.queue.append(task.path)
        self.most_at_once = max(self.most_at_once, len(self.queue))

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        del timeout_seconds
        self.on_wait()
        if not self.queue:
            return ()
        path = self.queue.pop(0)
        if self.cancelled:
            return (NodeOutcome(path, NodeState.CANCELLED),)
        planned = self.script.get(path, [])
        state = planned.pop(0) if planned else NodeState.SUCCEEDED
        error = None if state is NodeState.SUCCEEDED else ErrorRecord("ValueError", "no", "")
        return (NodeOutcome(path, state, error=error),)

    def cancel(self, *, now: bool) -> None:
        self.cancelled.append(now)


@dataclass
class Drive:
    """A loop over a small plan: ``//b`` after ``//a``, and so on as ``after`` says."""

    after: Mapping[str, Sequence[str]]
    engine: ScriptedEngine
    settings: PipelineSettings = field(default_factory=lambda: PipelineSettings(retries=0))
    stop_requested: threading.Event = field(default_factory=threading.Event)
    interrupts: Interrupts = field(default_factory=Interrupts)
    index: Index = field(default_factory=Index)
    events: list[Event] = field(default_factory=list)
    remembered: list[NodeOutcome] = field(default_factory=list)
    ahead: bool = False

    def run(self) -> SessionState:
        nodes = {
            NodePath(path): PlannedNode(
                path=NodePath(path), provider="body", inputs={}, outputs=(), after=tuple(map(NodePath, uppers))
            )
            for path, uppers in self.after.items()
        }
        clock = StillClock()
        self.recorder = Recorder(
            SessionId("s"),
            index=self.index,  # type: ignore[arg-type]  # only what the recorder calls
            clock=clock,
            node_count=len(nodes),
            rows={},
            observers=[self.events.append],
        )
        loop = RunLoop(
            schedule=Schedule(Plan(nodes=nodes)),
            lanes={"in-process": Lane(self.engine, ahead=self.ahead)},
            upstreams_of=lambda path: nodes[path].upstreams(),
            settings_of=lambda _: self.settings,
            label_of=lambda path: "c=10.0" if path == "//b" else "",
            recorder=self.recorder,
            stop_requested=self.stop_requested,
            interrupts=self.interrupts,
            clock=clock,
            remember=self.remembered.append,
            stop_on_failure=self.settings.on_failure == "stop",
        )
        try:
            return loop.run()
        finally:
            self.recorder.flush()

    def states(self) -> Mapping[str, str]:
        return {path: row.state.value for path, row in self.recorder.rows.items()}


CHAIN_AND_ALONE = {"//a": [], "//b": ["//a"], "//c": ["//b"], "//alone": []}


def test_everything_that_runs_well_succeeds_in_order() -> None:
    drive = Drive(CHAIN_AND_ALONE, ScriptedEngine({}))
    assert drive.run() is SessionState.SUCCEEDED
    assert set(drive.states().values()) == {"succeeded"}
    assert [path for path in drive.engine.started if path != "//alone"] == ["//a", "//b", "//c"]


def test_no_engine_holds_more_nodes_than_it_has_slots() -> None:
    drive = Drive({f"//n{number}": [] for number in range(9)}, ScriptedEngine({}, slots=3))
    assert drive.run() is SessionState.SUCCEEDED
    assert drive.engine.most_at_once == 3


def test_a_failure_skips_what_lies_below_says_why_and_lets_others_run() -> None:
    drive = Drive(CHAIN_AND_ALONE, ScriptedEngine({"//b": [NodeState.FAILED]}))
    assert drive.run() is SessionState.FAILED
    assert drive.states() == {"//a": "succeeded", "//b": "failed", "//c": "skipped", "//alone": "succeeded"}
    assert drive.recorder.rows[NodePath("//c")].detail == "because //b (c=10.0) failed"


def test_on_failure_stop_keeps_other_branches_from_starting() -> None:
    drive = Drive(
        {"//a": [], "//b": [], "//later": ["//b"]},
        ScriptedEngine({"//a": [NodeState.FAILED]}),
        settings=PipelineSettings(on_failure="stop"),
    )
    assert drive.run() is SessionState.FAILED
    assert drive.states() == {"//a": "failed", "//b": "succeeded", "//later": "skipped"}
    assert drive.recorder.rows[NodePath("//later")].detail == 'because //a failed and on_failure is "stop"'


def test_a_node_is_tried_again_as_often_as_settings_say() -> None:
    engine = ScriptedEngine({"//a": [NodeState.FAILED, NodeState.FAILED]})
    drive = Drive({"//a": []}, engine, settings=PipelineSettings(retries=2))
    assert drive.run() is SessionState.SUCCEEDED
    assert engine.started == ["//a"] * 3
    told = [event.detail for event in drive.events if isinstance(event, NodeEvent) and event.detail]
    assert told[0] == "attempt 1 of 3 failed (ValueError: no); it will be tried again"


def test_retries_end() -> None:
    engine = ScriptedEngine({"//a": [NodeState.FAILED] * 9})
    assert Drive({"//a": []}, engine, settings=PipelineSettings(retries=1)).run() is SessionState.FAILED
    assert engine.started == ["//a"] * 2


def test_a_refusal_is_not_tried_again() -> None:
    engine = ScriptedEngine({"//a": [NodeState.REFUSED]})
    drive = Drive({"//a": []}, engine, settings=PipelineSettings(retries=5))
    assert drive.run() is SessionState.FAILED
    assert drive.states() == {"//a": "refused"}
    assert engine.started == ["//a"]


def test_a_request_to_stop_cancels_what_runs_and_starts_nothing_more() -> None:
    engine = ScriptedEngine({}, slots=1)
    drive = Drive(CHAIN_AND_ALONE, engine)
    engine.on_wait = drive.stop_requested.set
    assert drive.run() is SessionState.STOPPED
    assert engine.started == ["//a"]
    assert drive.states() == {"//a": "succeeded", "//b": "cancelled", "//c": "cancelled", "//alone": "cancelled"}
    assert drive.recorder.rows[NodePath("//c")].detail == STOPS_THE_SESSION


def test_one_interrupt_is_polite_and_a_second_is_not(caplog: pytest.LogCaptureFixture) -> None:
    engine = ScriptedEngine({}, slots=1)
    drive = Drive({"//a": []}, engine)
    waits = iter([1, 2])

    def interrupt() -> None:
        if next(waits, 0):
            drive.interrupts.strike()

    engine.on_wait = interrupt
    engine.wait = lambda timeout_seconds=None: (interrupt(), ())[1] if len(engine.cancelled) < 2 else ended(engine)  # type: ignore[method-assign,misc]
    with pytest.raises(KeyboardInterrupt):
        drive.run()
    assert engine.cancelled == [False, True]
    assert drive.states() == {"//a": "cancelled"}
    assert caplog.messages == ["Interrupted: waits for //a to end; interrupt again to end that at once."]


def ended(engine: ScriptedEngine) -> Sequence[NodeOutcome]:
    return (NodeOutcome(engine.queue.pop(), NodeState.CANCELLED),) if engine.queue else ()


def test_an_observer_that_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    drive = Drive({"//a": []}, ScriptedEngine({}))
    drive.events = _Broken()  # type: ignore[assignment]
    assert drive.run() is SessionState.SUCCEEDED
    assert "An observer failed on NodeEvent" in caplog.text


@pytest.mark.parametrize("first", [NodeState.RUNNING, NodeState.SKIPPED])
def test_what_a_node_wrote_is_told_after_its_start_although_it_came_before(first: NodeState) -> None:
    drive = Drive({"//a": []}, ScriptedEngine({}))
    drive.run()
    drive.events.clear()
    path = NodePath("//b")
    for line in ("one", "two"):
        drive.recorder.log(path, line)
        drive.recorder.tell_logs()
    assert drive.events == []
    drive.recorder.node(path, first)
    drive.recorder.log(path, "three")
    drive.recorder.node(path, NodeState.SUCCEEDED)
    told = [event.line if isinstance(event, NodeLog) else event.state for event in drive.events]
    assert told == [first, "one", "two", "three", NodeState.SUCCEEDED]


class _Broken:
    def append(self, _event: Event) -> None:
        message = "broken"
        raise RuntimeError(message)


def test_states_reach_the_index() -> None:
    drive = Drive({"//a": []}, ScriptedEngine({"//a": [NodeState.FAILED]}))
    drive.run()
    drive.recorder.session(SessionState.FAILED)
    assert drive.index.states[-1] is SessionState.FAILED
    assert drive.index.nodes[NodePath("//a")].state is NodeState.FAILED


def test_a_final_state_that_is_being_stored_is_final() -> None:
    drive = Drive({"//a": []}, ScriptedEngine({}))
    drive.run()
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(drive.recorder.is_open(NodePath("//b"))))

    def record(_session_id: SessionId, _state: SessionState, _nodes: Sequence[NodeRow], _at: datetime) -> None:
        asking.start()
        asking.join(0.1)

    drive.index.record = record  # type: ignore[method-assign]
    drive.recorder.node(NodePath("//b"), NodeState.SUCCEEDED)
    drive.recorder.flush()
    asking.join()
    assert answers == [False]


class LossyEngine(ScriptedEngine):
    """Loses a worker: what ran there comes back before the node above it, whose reply went with it."""

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        self.queue.sort(key=lambda path: path != "//b")
        return super().wait(timeout_seconds)


@pytest.mark.parametrize("delay", [0.0, 0.01])
def test_a_node_that_fails_before_the_reply_of_one_above_it_came_is_tried_again_after_that_one(delay: float) -> None:
    engine = LossyEngine({"//b": [NodeState.FAILED]})
    settings = PipelineSettings(retries=1, retry_delay_seconds=delay)
    drive = Drive({"//a": [], "//b": ["//a"]}, engine, ahead=True, settings=settings)
    assert drive.run() is SessionState.SUCCEEDED
    assert engine.started == ["//a", "//b", "//b"]
    nodes = [event for event in drive.events if isinstance(event, NodeEvent)]
    assert [event.path for event in nodes if event.state is NodeState.SUCCEEDED] == ["//a", "//b"]


class AheadEngine(ScriptedEngine):
    """Gives back nodes whose turn does not come, as engines do that are handed plans ahead."""

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        if self.queue and self.queue[0] == "//b":
            return (NodeOutcome(self.queue.pop(0), NodeState.PENDING),)
        return super().wait(timeout_seconds)


def test_a_node_that_was_skipped_while_it_waited_for_a_slot_stays_skipped() -> None:
    engine = AheadEngine({"//a": [NodeState.FAILED]}, slots=2)
    drive = Drive({"//a": [], "//b": ["//a"], "//c": ["//b"], "//d": ["//c"], "//alone": []}, engine, ahead=True)
    assert drive.run() is SessionState.FAILED
    states = {"//a": "failed", "//b": "skipped", "//c": "skipped", "//d": "skipped", "//alone": "succeeded"}
    assert drive.states() == states
    assert not {"//c", "//d"} & set(engine.started)


class CountedPath(str):
    """A path that counts how often it is compared."""

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedPath.compared += 1
        return str.__eq__(self, other)


def test_nodes_that_become_ready_are_not_searched_for_among_all_that_wait() -> None:
    lower = [CountedPath(f"//n{number}") for number in range(200)]
    drive = Drive({"//a": [], **{path: ["//a"] for path in lower}}, ScriptedEngine({}, slots=1), ahead=True)
    CountedPath.compared = 0
    assert drive.run() is SessionState.SUCCEEDED
    assert CountedPath.compared < 20 * len(lower)
