"""Nodes in the driver's own process."""

import threading
import time
from collections.abc import Callable

import pytest

from oneml.habitats.engines.in_process import InProcessEngine
from oneml.habitats.errors import EngineError, StoreError
from oneml.habitats.ports.engine import EngineContext, NodeNeeds, NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

A, B = NodePath("//a"), NodePath("//b")


def context(execute: Callable[[NodePath], NodeOutcome], workers: int | None) -> EngineContext:
    return EngineContext(
        habitat="h",
        session_id=SessionId("s"),
        store_url=None,
        workers=workers,
        execute=execute,
        known=lambda _path, _after: None,
        last_attempt=lambda _path: 0,
        mask=str,
        log=lambda _path, _line: None,
        entry="",
        masking="",
        preload="",
        take=lambda _replies: [],
        message=lambda _task, _inline: {},
        options={},
        isolated=False,
    )


def succeed(path: NodePath) -> NodeOutcome:
    return NodeOutcome(path, NodeState.SUCCEEDED)


def test_one_worker_runs_a_node_in_the_thread_that_waits() -> None:
    threads: list[int] = []

    def execute(path: NodePath) -> NodeOutcome:
        threads.append(threading.get_ident())
        return succeed(path)

    with InProcessEngine().open(context(execute, None)) as run:
        run.submit(NodeTask(A, None))
        assert threads == []
        assert [outcome.path for outcome in run.wait()] == [A]
    assert threads == [threading.get_ident()]


def test_waiting_for_nothing_returns_at_once() -> None:
    for workers in (1, 2):
        with InProcessEngine().open(context(succeed, workers)) as run:
            assert run.wait() == ()


def test_several_workers_run_nodes_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=10)

    def execute(path: NodePath) -> NodeOutcome:
        together.wait()
        return succeed(path)

    with InProcessEngine().open(context(execute, 2)) as run:
        run.submit(NodeTask(A, None))
        run.submit(NodeTask(B, None))
        ended = [*run.wait(10), *run.wait(10)]
    assert sorted(outcome.path for outcome in ended) == [A, B]


def test_cancelling_at_once_gives_up_on_a_thread_that_goes_on() -> None:
    go_on = threading.Event()

    def execute(path: NodePath) -> NodeOutcome:
        go_on.wait(10)
        return succeed(path)

    with InProcessEngine().open(context(execute, 2)) as run:
        run.submit(NodeTask(A, None))
        run.cancel(now=False)
        assert run.wait(0.05) == ()
        run.cancel(now=True)
        assert [outcome.state for outcome in run.wait(10)] == [NodeState.CANCELLED]
        go_on.set()
        assert run.wait(0.05) == ()


def test_an_error_of_the_store_in_a_thread_reaches_whoever_waits() -> None:
    def execute(path: NodePath) -> NodeOutcome:
        raise StoreError(place=str(path), reason="no space", remedy="")

    with InProcessEngine().open(context(execute, 2)) as run:
        run.submit(NodeTask(A, None))
        with pytest.raises(StoreError, match="no space"):
            run.wait(10)


def test_a_node_that_needs_two_processors_runs_alone_on_two_threads() -> None:
    running: list[NodePath] = []
    together: list[tuple[NodePath, ...]] = []
    lock, both = threading.Lock(), threading.Barrier(2)

    def execute(path: NodePath) -> NodeOutcome:
        with lock:
            running.append(path)
            together.append(tuple(running))
        if path in {"//b", "//c"}:
            both.wait(10)
        else:
            time.sleep(0.05)
        with lock:
            running.remove(path)
        return succeed(path)

    wanted = {"//half": 0.5, "//a": 1.0, "//two": 2.0, "//b": 1.0, "//c": 1.0, "//many": 64.0}
    with InProcessEngine().open(context(execute, 2)) as run:
        for path, cpus in wanted.items():
            run.submit(NodeTask(NodePath(path), None, NodeNeeds(cpus=cpus)))
        ended: list[NodePath] = []
        while len(ended) < len(wanted):
            ended.extend(outcome.path for outcome in run.wait(10))
    assert {"//two", "//many"}.isdisjoint(path for paths in together if len(paths) > 1 for path in paths)
    assert sorted(ended) == sorted(wanted)


def threads_of_nodes() -> int:
    return sum(thread.name.startswith("oneml-node-") for thread in threading.enumerate())


def test_there_are_no_more_threads_than_nodes_at_once_however_many_workers_there_may_be() -> None:
    before, both = threads_of_nodes(), threading.Barrier(2)

    def execute(path: NodePath) -> NodeOutcome:
        both.wait(10)
        return succeed(path)

    with InProcessEngine().open(context(execute, 10**12)) as run:
        for _ in range(2):
            for path in (A, B):
                run.submit(NodeTask(path, None))
            assert {outcome.path for _ in range(2) for outcome in run.wait(10)} == {A, B}
        assert threads_of_nodes() - before <= 2


def test_a_system_that_allows_no_more_threads_is_an_error_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with (
        pytest.raises(EngineError, match=r"its 0 threads are as many as the system allows: .* Set fewer workers"),
        InProcessEngine().open(context(succeed, 2)) as run,
    ):
        run.submit(NodeTask(A, None))


def test_a_request_to_stop_starts_no_node_that_waits_for_processors() -> None:
    go_on = threading.Event()
    started: list[NodePath] = []

    def execute(path: NodePath) -> NodeOutcome:
        started.append(path)
        go_on.wait(10)
        return succeed(path)

    with InProcessEngine().open(context(execute, 2)) as run:
        run.submit(NodeTask(A, None, NodeNeeds(cpus=2)))
        run.submit(NodeTask(B, None))
        run.cancel(now=False)
        assert [(outcome.path, outcome.state) for outcome in run.wait(10)] == [(B, NodeState.CANCELLED)]
        go_on.set()
        assert [(outcome.path, outcome.state) for outcome in run.wait(10)] == [(A, NodeState.SUCCEEDED)]
    assert started == [A]
