"""Nodes on a Dask cluster that exists already."""

import os
import pickletools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Nanny, Scheduler, SpecCluster
from distributed.core import CommClosedError
from distributed.protocol.pickle import dumps

from engine_contexts import FakeSession, error_of, outcomes_of, states_of, task
from oneml.habitats.engines import dask_worker
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineRun, NodeNeeds

TAGGED = {"tag-big": 1, "image-a": 1, "gpus": 1, "cpus": 4, "memory": 1e9}


@pytest.fixture(scope="module")
def cluster() -> Iterator[SpecCluster]:
    """Two workers, of which one has two threads and something to offer."""
    options = {"silence_logs": 50, "host": "127.0.0.1"}
    workers = {
        "plain": {"cls": Nanny, "options": {**options, "nthreads": 1}},
        "tagged": {"cls": Nanny, "options": {**options, "nthreads": 2, "resources": TAGGED}},
    }
    scheduler = {
        "cls": Scheduler,
        "options": {"host": "127.0.0.1", "dashboard": False, "dashboard_address": "127.0.0.1:0"},
    }
    with SpecCluster(workers=workers, scheduler=scheduler, silence_logs=50) as made:
        yield made


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    return FakeSession(tmp_path)


@pytest.fixture
def run(cluster: SpecCluster, session: FakeSession) -> Iterator[EngineRun]:
    with DaskEngine(cluster=cluster).open(session.context(unschedulable_seconds=0.5)) as opened:
        yield opened


def test_nodes_run_after_those_before_them_and_get_their_replies(run: EngineRun, session: FakeSession) -> None:
    states = states_of(run, [task("//a"), task("//b", "//a"), task("//c"), task("//d", "//b", "//c")])
    assert set(states.values()) == {"succeeded"}
    assert session.replies["//d"]["upstream"] == ["//b", "//c"]
    assert session.replies["//b"]["upstream"] == ["//a"]


def test_a_node_after_one_that_has_come_back_finds_its_outputs_in_the_store(
    run: EngineRun, session: FakeSession
) -> None:
    states_of(run, [task("//a")])
    assert states_of(run, [task("//b", "//a")]) == {"//b": "succeeded"}
    assert session.replies["//b"]["upstream"] == []


def test_a_connection_that_is_cut_while_replies_are_fetched_is_a_lost_scheduler(
    cluster: SpecCluster, run: EngineRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(*_arguments: object, **_options: object) -> None:
        raise CommClosedError("Stream is closed")

    monkeypatch.setattr(Client, "gather", cut)
    run.submit(task("//a"))
    with pytest.raises(EngineError, match="the scheduler is lost, and with it 1 nodes that had not come back"):
        run.wait(20)
    cluster.scheduler.worker_plugins.clear()  # which was taken for gone, so nobody takes the plugin down


def test_nodes_after_a_failure_come_back_pending_and_others_run(run: EngineRun) -> None:
    states = states_of(run, [task("//fail"), task("//b", "//fail"), task("//c", "//b"), task("//d")])
    assert states == {"//fail": "failed", "//b": "pending", "//c": "pending", "//d": "succeeded"}
    assert states_of(run, [task("//e", "//c")]) == {"//e": "pending"}


def test_a_retried_node_is_waited_for_by_those_after_it(run: EngineRun, session: FakeSession) -> None:
    assert states_of(run, [task("//fail")]) == {"//fail": "failed"}
    assert states_of(run, [task("//fail", attempt=2), task("//b", "//fail")]) == {"//fail": "failed", "//b": "pending"}
    states_of(run, [task("//a", attempt=1)])
    assert states_of(run, [task("//a", attempt=2), task("//b", "//a")]) == {"//a": "succeeded", "//b": "succeeded"}
    assert session.replies["//b"]["upstream"] == ["//a"]


def test_an_exception_that_escapes_is_told_as_text(run: EngineRun) -> None:
    outcome = outcomes_of(run, [task("//raise")])["//raise"]
    assert (outcome.state.value, error_of(outcome)) == ("failed", "escaped")
    assert outcome.error is not None
    assert "Traceback" in outcome.error.traceback


def test_a_reply_that_cannot_be_serialised_fails_its_node_alone(run: EngineRun) -> None:
    came = outcomes_of(run, [task("//set"), task("//lock"), task("//a")])
    assert [came[path].state.value for path in ("//set", "//lock", "//a")] == ["failed", "failed", "succeeded"]
    assert "cannot be serialised" in error_of(came["//lock"])


def test_a_gather_of_thousands_is_one_task(run: EngineRun, session: FakeSession) -> None:
    members = [f"//m/{number}" for number in range(1500)]
    states = states_of(run, [*map(task, members), task("//all", *members)])
    assert states["//all"] == "succeeded"
    assert session.replies["//all"]["upstream"] == members


def test_replies_are_taken_in_batches(run: EngineRun, session: FakeSession) -> None:
    states_of(run, [task(f"//m/{number}") for number in range(300)])
    assert sum(session.batches) == 300
    assert len(session.batches) < 100


def test_what_goes_on_the_wire_names_one_function_of_ours_and_no_user_code(
    run: EngineRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    client = run._client  # type: ignore[attr-defined]
    get = client.get
    monkeypatch.setattr(client, "get", lambda graph, *args, **named: sent.append(graph) or get(graph, *args, **named))
    states_of(run, [task("//a"), task("//b", "//a")])
    named = {str(value) for opcode, value, _ in pickletools.genops(dumps(sent)) if "UNICODE" in opcode.name}
    modules = {text for text in named if text.replace(".", "").replace("_", "").isidentifier() and "." in text}
    assert modules == {"oneml.habitats.engines.dask_worker"}
    assert not [opcode for opcode, _, _ in pickletools.genops(dumps(sent)) if opcode.name in {"REDUCE", "BUILD"}]


def test_nodes_go_where_their_tags_image_and_resources_are_offered(run: EngineRun, session: FakeSession) -> None:
    needs = NodeNeeds(cpus=2, memory_bytes=10**8, gpus=1, image="a", tags=("big",))
    states_of(run, [task(f"//m/{number}", needs=needs) for number in range(6)])
    assert len({reply["pid"] for reply in session.replies.values()}) == 1


def test_a_tag_is_shared_by_the_threads_of_a_worker(run: EngineRun) -> None:
    needs = NodeNeeds(tags=("big",))
    began = time.monotonic()
    outcomes_of(run, [task("//sleep_4000", needs=needs), task("//n/sleep_4000", needs=needs)])
    assert time.monotonic() - began < 8


def test_a_tag_that_no_worker_offers_fails_its_node_within_the_set_time(run: EngineRun) -> None:
    needs = NodeNeeds(tags=("huge",))
    began = time.monotonic()
    came = outcomes_of(run, [task("//a", needs=needs), task("//b"), task("//c", "//a")])
    assert time.monotonic() - began < 10
    assert [came[path].state.value for path in ("//a", "//b", "//c")] == ["failed", "succeeded", "pending"]
    text = error_of(came["//a"])
    assert "no worker offered tag-huge within 0.5 s (option unschedulable_seconds); 2 workers offer: cpus=4" in text
    assert 'Start one with --resources "tag-huge=1"' in text


def test_nodes_of_higher_priority_start_first(run: EngineRun, cluster: SpecCluster, tmp_path: Path) -> None:
    needs = NodeNeeds(gpus=1)
    run.submit(task("//wait_go", needs=needs))
    started(run, tmp_path / "go-started")
    low = [task(f"//low/touch_{number}", needs=needs) for number in range(5)]
    for one in (*low, task("//touch_high", needs=needs, priority=10)):
        run.submit(one)
    assert not run.wait(0.5)
    while sum(one.state == "processing" for one in list(cluster.scheduler.tasks.values())) < 7:
        assert not run.wait(0.1)
    assert not run.wait(0.5)
    (tmp_path / "go").touch()
    assert set(states_of(run, []).values()) == {"succeeded"}
    times = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("touch_*")}
    # Nodes that end within one tick of the file system's clock have the same time.
    assert times["touch_high"] == min(times.values())


def test_lines_arrive_while_the_node_runs_masked_and_with_its_name(run: EngineRun, session: FakeSession) -> None:
    run.submit(task("//live"))
    run.submit(task("//print"))
    deadline = time.monotonic() + 20
    while ("//live", "at once") not in session.lines and time.monotonic() < deadline:
        assert "//live" not in [outcome.path for outcome in run.wait(0.1)]
    outcomes_of(run, [])
    assert {("//live", "at once"), ("//print", "hello ***"), ("//print", "no end")} <= set(session.lines)


def test_the_scheduler_keeps_no_line_of_a_session_that_has_left(cluster: SpecCluster, session: FakeSession) -> None:
    """Secrets never reach it; nodes that still run when the session leaves, which nobody can end, add nothing."""
    with DaskEngine(cluster=cluster).open(session.context()) as run:
        states_of(run, [task("//print")])
        assert "hello ***" in str(cluster.scheduler.get_events())
        run.submit(task("//late_1500"))
        while not running_somewhere(cluster):
            assert not run.wait(0.05)
    assert ("//print", "hello ***") in session.lines
    until = time.monotonic() + 20
    while running_somewhere(cluster) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    assert "***" not in str(cluster.scheduler.get_events())


def running_somewhere(cluster: SpecCluster) -> bool:
    with Client(cluster, set_as_default=False) as client:
        return any(client.run(lambda: bool(dask_worker._running)).values())


def test_what_threads_of_a_node_print_is_its_own_where_nothing_else_runs(run: EngineRun, session: FakeSession) -> None:
    outcomes_of(run, [task("//thread")])
    assert session.lines == [("//thread", "from a thread")]


def test_a_flood_is_cut(run: EngineRun, session: FakeSession) -> None:
    assert states_of(run, [task("//flood")]) == {"//flood": "succeeded"}
    assert 1024 <= len(session.lines) <= 1026
    assert session.lines[-1][1].endswith("characters is dropped")


def test_a_polite_cancel_takes_back_what_has_not_started(run: EngineRun, session: FakeSession, tmp_path: Path) -> None:
    run.submit(task("//wait_go"))
    for number in range(20):
        run.submit(task(f"//n/{number}", "//wait_go"))
    started(run, tmp_path / "go-started")
    run.cancel(now=False)
    came = {outcome.path: outcome.state.value for outcome in run.wait(5)}
    (tmp_path / "go").touch()
    came |= states_of(run, [])
    assert came.pop("//wait_go") == "succeeded"
    assert set(came.values()) == {"cancelled"}
    assert len(came) == 20


def test_what_still_runs_after_the_grace_period_is_given_up(cluster: SpecCluster, session: FakeSession) -> None:
    with DaskEngine(cluster=cluster).open(session.context(grace_seconds=0.3)) as run:
        run.submit(task("//wait_never"))
        assert session.folder is not None
        started(run, session.folder / "never-started")
        run.cancel(now=False)
        assert states_of(run, []) == {"//wait_never": "cancelled"}
        (session.folder / "never").touch()


def test_cancelling_at_once_gives_up_what_runs(run: EngineRun, tmp_path: Path) -> None:
    run.submit(task("//wait_go"))
    run.submit(task("//b", "//wait_go"))
    started(run, tmp_path / "go-started")
    run.cancel(now=True)
    assert states_of(run, []) == {"//wait_go": "cancelled", "//b": "cancelled"}
    (tmp_path / "go").touch()


def test_a_cluster_that_was_given_is_left_open_and_without_our_plugin(
    cluster: SpecCluster, session: FakeSession
) -> None:
    for _ in range(2):
        with DaskEngine(cluster=cluster).open(session.context()) as opened:
            assert states_of(opened, [task("//a")]) == {"//a": "succeeded"}
    assert cluster.status.name == "running"
    assert not [name for name in cluster.scheduler.worker_plugins if name.startswith("oneml")]


def test_an_open_run_with_nothing_to_do_returns_at_once(run: EngineRun) -> None:
    began = time.monotonic()
    assert run.wait(None) == []
    assert time.monotonic() - began < 5


def test_workers_are_loaded_before_their_first_node(run: EngineRun, session: FakeSession) -> None:
    states_of(run, [task(f"//m/{number}") for number in range(20)])
    assert all(reply["preloaded"] for reply in session.replies.values())
    assert os.getpid() not in {reply["pid"] for reply in session.replies.values()}


def started(run: EngineRun, file: Path) -> None:
    for _ in range(400):
        assert not run.wait(0.05)
        if file.exists():
            return
    raise AssertionError("it never started")
