"""Dask workers that the engine starts by itself, and what becomes of nodes when they are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import LocalCluster
from distributed.core import Status

from engine_contexts import FakeSession, error_of, outcomes_of, states_of, task
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineRun
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

DRIVER = """
import sys
from engine_contexts import FakeSession, task
from oneml.habitats.engines.dask_cluster import DaskEngine
if __name__ == "__main__":
    with DaskEngine().open(FakeSession().context(workers=1)) as run:
        run.submit(task("//print"))
        run.wait()
        run.submit(task("//sleep_60000"))
        run.wait(0.5)
        print("running", flush=True)
        run.wait()
"""


@pytest.fixture(scope="module")
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture(scope="module")
def run(session: FakeSession) -> Iterator[EngineRun]:
    with DaskEngine().open(session.context(workers=2)) as opened:
        yield opened


def test_it_listens_on_the_loopback_interface_alone(run: EngineRun) -> None:
    assert states_of(run, [task("//a")]) == {"//a": "succeeded"}
    ours = [psutil.Process(), *psutil.Process().children(recursive=True)]
    sockets = [one for process in ours for one in process.net_connections("inet") if one.status == "LISTEN"]
    assert sockets
    assert {one.laddr.ip for one in sockets} == {"127.0.0.1"}


def test_a_node_that_kills_its_worker_fails_and_is_not_run_again(run: EngineRun) -> None:
    came = outcomes_of(run, [task("//exit"), task("//b", "//exit"), task("//c")])
    assert [came[path].state.value for path in ("//exit", "//b", "//c")] == ["failed", "pending", "succeeded"]
    assert "its worker ended" in error_of(came["//exit"])
    assert "KilledWorker" in error_of(came["//exit"])


def test_nodes_that_only_waited_where_a_worker_was_killed_run(run: EngineRun) -> None:
    members = [f"//m/{number}" for number in range(60)]
    tasks = [task("//first"), task("//exit", "//first", priority=1)]
    tasks += [task(path, "//first") for path in members]
    tasks += [task(f"{path}-after", path) for path in members]
    states = states_of(run, tasks)
    assert states.pop("//exit") == "failed"
    assert set(states.values()) == {"succeeded"}
    assert len(states) == 121


def test_a_commit_that_outlived_its_worker_counts(run: EngineRun, session: FakeSession) -> None:
    path = NodePath("//late/exit")
    session.committed[path] = NodeOutcome(path, NodeState.SUCCEEDED)
    assert states_of(run, [task(path)]) == {path: "succeeded"}


def test_workers_that_came_in_place_of_killed_ones_are_loaded_as_well(run: EngineRun, session: FakeSession) -> None:
    assert states_of(run, [task("//z/exit"), task("//z/b"), task("//z/c")])["//z/c"] == "succeeded"
    time.sleep(0.5)
    states_of(run, [task(f"//y/{number}") for number in range(20)])
    assert all(reply["preloaded"] == 1 for path, reply in session.replies.items() if path.startswith("//y/"))


def test_workers_end_with_a_killed_driver(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    driver = subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "running\n"
        children = psutil.Process(driver.pid).children(recursive=True)
        assert len(children) >= 1
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def small_cluster() -> LocalCluster:
    options = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    return LocalCluster(n_workers=1, processes=False, scheduler_kwargs=options)


def test_what_makes_a_cluster_is_called_and_the_cluster_closed() -> None:
    made: list[LocalCluster] = []

    def factory() -> LocalCluster:
        made.append(small_cluster())
        return made[-1]

    with DaskEngine(cluster=factory).open(FakeSession().context()) as opened:
        assert states_of(opened, [task("//a")]) == {"//a": "succeeded"}
    assert made[0].status.name == "closed"


def without_quota() -> LocalCluster:
    raise RuntimeError("no quota is left")


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (without_quota, "its cluster cannot be made: RuntimeError: no quota is left"),
        (lambda: "tcp://127.0.0.1:9", "one of Dask's, or a function that makes one, not 'tcp://127.0.0.1:9'"),
        (3, "one of Dask's, or a function that makes one, not 3"),
    ],
)
def test_what_is_or_makes_no_cluster_is_an_error_of_the_engine(cluster: Any, said: str) -> None:
    with pytest.raises(EngineError, match=said), DaskEngine(cluster=cluster).open(FakeSession().context()):
        pass


class ClosedAtOnce:
    """A cluster that is closed as soon as it was seen to be open."""

    scheduler_address = "tcp://127.0.0.1:9"

    def __init__(self) -> None:
        self._seen = iter([Status.running])

    @property
    def status(self) -> Status:
        return next(self._seen, Status.closed)


def test_a_cluster_that_is_closed_while_it_is_connected_to_is_an_error_of_the_engine() -> None:
    cluster: Any = ClosedAtOnce()
    with pytest.raises(EngineError, match="closed"), DaskEngine(cluster=cluster).open(FakeSession().context()):
        pass


@pytest.mark.parametrize("sent", [False, True])
def test_a_cluster_that_is_closed_meanwhile_is_a_lost_scheduler(sent: bool) -> None:
    with small_cluster() as cluster, DaskEngine(cluster=cluster).open(FakeSession().context()) as run:
        run.submit(task("//sleep_200"))
        if sent:
            run.wait(0)
        cluster.close()
        with pytest.raises(EngineError, match="the scheduler is lost, and with it 1 nodes"):
            run.wait(20)
    with (
        pytest.raises(EngineError, match="its cluster is closed"),
        DaskEngine(cluster=cluster).open(FakeSession().context()),
    ):
        pass
