"""What can go wrong under whole sessions on Dask, where it takes seconds to show; see docs/engines/faults.md."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from distributed import Client

from dask_processes import DaskProcesses, Wire
from fault_pipelines import commits_of, gate, runs_of
from fault_sessions import Driven, FaultSessions, states, wait_for_runs
from installed_site import Site
from oneml.habitats.engines.dask_ports import DaskFuture
from oneml.habitats.engines.dask_run import DaskRun
from oneml.habitats.errors import EngineError
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import SessionState
from slurm_cluster import eventually

pytestmark = pytest.mark.system

SUPPORT = Path(__file__).parents[1] / "support"
GATE = NodePath("//gate")
INLINE = 65536

NewCluster = Callable[..., DaskProcesses]


@pytest.fixture
def sessions(tmp_path: Path) -> FaultSessions:
    return FaultSessions(tmp_path)


@pytest.fixture
def folder(sessions: FaultSessions) -> Path:
    return sessions.folder


@pytest.fixture
def new_cluster(tmp_path: Path) -> Iterator[NewCluster]:
    """One of others; a worker that is not heard of is given up after five seconds, which is the least Dask allows."""
    made: list[DaskProcesses] = []

    def make(*, allowed_failures: int = 0, ttl: str = "1 s") -> DaskProcesses:
        made.append(DaskProcesses(tmp_path, allowed_failures=allowed_failures))
        made[-1].environment["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] = ttl
        return made[-1]

    yield make
    for processes in made:
        processes.end()


def commits(place: Path) -> list[bytes]:
    return [file.read_bytes() for file in (place / "store").rglob("gate-*.commit.json")]


@pytest.mark.parametrize(("allowed_failures", "retries", "inline"), [(3, 0, 0), (0, 1, INLINE)])
def test_a_worker_that_wakes_after_its_node_ran_elsewhere_replaces_nothing(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path, allowed_failures: int, retries: int, inline: int
) -> None:
    """Row 21; Dask runs the node again where it allows failures, else the session does."""
    cluster = new_cluster(allowed_failures=allowed_failures)
    options = {"address": cluster.scheduler(), "inline_max_bytes": inline}
    workers = [psutil.Process(cluster.worker("--no-nanny").pid) for _ in range(2)]
    with sessions("gate", options=options, retries=retries) as session:
        driven = Driven(session)
        (paused,) = wait_for_runs(folder, "gate")
        paused.suspend()
        gate(folder, 2).touch()
        assert driven.end().succeeded
        stood = commits(folder.parent)
        gate(folder, 1).touch()
        paused.resume()
        paused.wait(20)
        assert (len(stood), commits(folder.parent)) == (1, stood)
        assert session.output("//gate") == 3  # of the second run
        assert commits_of(folder, "gate") == (set() if inline else {(2, 2), (1, 2)})
    assert paused in workers
    assert len(runs_of(folder, "gate")) == 2


@pytest.mark.parametrize("first", [1, 2])
def test_a_node_that_two_workers_run_at_once_is_committed_once(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path, first: int
) -> None:
    """Rows 19 and 22: the connection of a worker is cut, and Dask runs elsewhere what it still runs."""
    second = 3 - first
    cluster = new_cluster(allowed_failures=3)
    with Wire(cluster.scheduler()) as wire:
        options = {"address": wire.target, "inline_max_bytes": 0}
        cluster.worker("--no-nanny", address=wire.address)
        with sessions("gate", options=options) as session:
            driven = Driven(session)
            wait_for_runs(folder, "gate")
            cluster.worker("--no-nanny")
            wire.cut()
            cut_off, other = wait_for_runs(folder, "gate", 2)
            assert cut_off.pid != other.pid
            gate(folder, first).touch()
            eventually(lambda: commits_of(folder, "gate") == {(first, first)})
            gate(folder, second).touch()
            assert driven.end().succeeded
            eventually(lambda: commits_of(folder, "gate") == {(first, first), (second, first)})
            assert session.output("//gate") == 1 + first
    assert len(commits(folder.parent)) == 1


@pytest.mark.parametrize("allowed_failures", [0, 3])
def test_a_worker_that_is_killed_before_anybody_hears_of_its_commit_has_succeeded(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path, allowed_failures: int
) -> None:
    """Row 22."""
    cluster = new_cluster(allowed_failures=allowed_failures)
    options = {"address": cluster.scheduler(), "inline_max_bytes": 0}
    for _ in range(2):
        cluster.worker("--no-nanny")
    with sessions("kill_after_commit", options=options) as session:
        result = session.run()
        assert result.succeeded, result.nodes
        assert session.node_rows()[NodePath("//kill_after_commit")].attempt == 1
        assert session.output("//after_kill_after_commit") == 20
    assert len(runs_of(folder, "kill_after_commit")) == 1
    assert commits_of(folder, "kill_after_commit") == {(1, 1)}


@pytest.mark.parametrize(("inline", "runs"), [(0, 1), (INLINE, 2)])
def test_a_driver_that_was_cut_off_adopts_what_workers_committed_meanwhile(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path, inline: int, runs: int
) -> None:
    """Row 22; a reply that nobody took is computed again, where the driver is who commits."""
    cluster = new_cluster()
    with Wire(cluster.scheduler()) as wire:
        cluster.worker("--no-nanny")
        options = {"address": wire.address, "inline_max_bytes": inline}
        with sessions("gate", options=options) as session:
            driven = Driven(session)
            wait_for_runs(folder, "gate")
            wire.cut()
            began = time.monotonic()
            with pytest.raises(EngineError, match="the scheduler is lost") as lost:
                driven.end()
            assert time.monotonic() - began < 20
            assert lost.value.exit_code == 4
            for run in (1, 2):
                gate(folder, run).touch()
            eventually(lambda: inline or commits(folder.parent))
            wire.mend()
            assert session.run().succeeded
            assert session.output("//gate") == 1 + runs
    assert len(runs_of(folder, "gate")) == runs
    assert len(commits(folder.parent)) == 1


def test_sigterm_from_outside_is_no_success_and_is_tried_again_as_often_as_asked(
    sessions: FaultSessions, folder: Path
) -> None:
    """Row 42; workers of our own."""
    with sessions("sleep", "gate", workers=2, nodes={"//sleep": {"retries": 1}}) as session:
        driven = Driven(session)
        for node in ("sleep", "gate"):
            wait_for_runs(folder, node)[0].terminate()
        assert not driven.end().succeeded
        assert states(session) == {
            "first": "succeeded", "sleep": "succeeded", "after_sleep": "succeeded",
            "gate": "failed", "after_gate": "skipped",
        }  # fmt: skip
        assert "its worker ended before the node did" in session.node_rows()[GATE].detail
        assert session.node_rows()[NodePath("//sleep")].attempt == 2
    assert len(runs_of(folder, "sleep")) == 2


@pytest.mark.parametrize(("allowed_failures", "retries"), [(0, 1), (3, 0)])
def test_sigterm_to_a_worker_of_others_has_its_node_run_elsewhere(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path, allowed_failures: int, retries: int
) -> None:
    """Row 42; the worker leaves the cluster at once, and its process when the body has ended."""
    cluster = new_cluster(allowed_failures=allowed_failures)
    options = {"address": cluster.scheduler()}
    for _ in range(2):
        cluster.worker("--no-nanny")
    with sessions("gate", options=options, retries=retries) as session:
        driven = Driven(session)
        (asked,) = wait_for_runs(folder, "gate")
        asked.terminate()
        gate(folder, 2).touch()
        assert driven.end().succeeded
        stood = commits(folder.parent)
        gate(folder, 1).touch()
        asked.wait(20)
        assert (len(stood), commits(folder.parent)) == (1, stood)
        assert session.output("//gate") == 3
    assert len(runs_of(folder, "gate")) == 2


def test_a_worker_that_takes_more_memory_than_dask_allows_fails_its_node_and_is_replaced(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path
) -> None:
    """Row 45; what only waited on that worker is tried again."""
    cluster = new_cluster()
    options = {"address": cluster.scheduler()}
    cluster.worker("--nanny", "--memory-limit", "400MiB")
    with sessions("memory", "twice", options=options, retries=1, nodes={"//memory": {"retries": 0}}) as session:
        assert not session.run().succeeded
        assert states(session) == {
            "first": "succeeded", "twice": "succeeded", "after_twice": "succeeded",
            "memory": "failed", "after_memory": "skipped",
        }  # fmt: skip
        assert "See its log: no memory," in session.node_rows()[NodePath("//memory")].detail
    assert len(runs_of(folder, "memory")) == 1


def test_a_stopped_session_does_not_wait_for_a_worker_that_hangs(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path
) -> None:
    cluster = new_cluster(ttl="300 s")
    options = {"address": cluster.scheduler(), "grace_seconds": 1}
    for _ in range(2):
        cluster.worker("--no-nanny")
    with sessions("gate", options=options) as session:
        driven = Driven(session)
        (hanging,) = wait_for_runs(folder, "gate")
        eventually(lambda: states(session).get("first") == "succeeded")
        hanging.suspend()
        session.stop()
        began = time.monotonic()
        assert driven.end().state is SessionState.STOPPED
        assert time.monotonic() - began < 20
        assert (states(session)["gate"], states(session)["after_gate"]) == ("cancelled", "cancelled")


def test_a_worker_that_hangs_keeps_back_its_own_replies_alone(
    new_cluster: NewCluster, sessions: FaultSessions, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops right after a node, so that its reply is there and cannot be fetched."""
    cluster = new_cluster(ttl="300 s")
    options = {"address": cluster.scheduler(), "grace_seconds": 1}
    for _ in range(2):
        cluster.worker("--no-nanny")
    with sessions("stop_late", "gate", options=options) as session:
        driven = Driven(session)
        (process,), _ = (wait_for_runs(folder, node) for node in ("stop_late", "gate"))
        eventually(lambda: states(session).get("first") == "succeeded")
        fetch = DaskRun._fetch

        def fetch_late(run: DaskRun, futures: Mapping[str, DaskFuture], seconds: float) -> Mapping[str, bytes | None]:
            eventually(lambda: process.status() == psutil.STATUS_STOPPED)
            return fetch(run, futures, min(seconds, 0.5))

        monkeypatch.setattr(DaskRun, "_fetch", fetch_late)
        gate(folder, 1).touch()
        eventually(lambda: states(session).get("after_gate") == "succeeded")
        assert states(session)["stop_late"] == "running"
        session.stop()
        assert driven.end().state is SessionState.STOPPED


def test_a_worker_that_hangs_keeps_no_session_from_starting_elsewhere(
    new_cluster: NewCluster, sessions: FaultSessions
) -> None:
    cluster = new_cluster(ttl="300 s")
    options = {"address": cluster.scheduler(), "connect_seconds": 1}
    hanging = psutil.Process(cluster.worker("--no-nanny").pid)
    cluster.worker("--no-nanny", "--resources", "tag-awake=1")
    with Client(options["address"], set_as_default=False) as client:
        client.wait_for_workers(2, timeout=20)
    hanging.suspend()
    with (
        sessions("twice", options=options, tags=["awake"]) as session,
        pytest.warns(UserWarning, match="a worker of the Dask cluster has not loaded what nodes need within 1 s"),
    ):
        assert session.run().succeeded


def test_an_interrupt_while_workers_start_is_one_like_any_other(tmp_path: Path, folder: Path) -> None:
    """Row 41; as a terminal does, which interrupts the workers as well."""
    site = Site(tmp_path / "site")
    faults = {"faults": "fault_pipelines:Faults"}
    site.install("faults", files=SUPPORT, packages=["fault_pipelines.py"], habitats=faults)
    site.environment.update(FAULT_FOLDER=str(folder), FAULT_HOWS='["sleep"]')
    hurried = ("--set", 'engines={"dask": {"grace_seconds": 0.5}}')
    words = ("run-pipeline", "faults", "--engine", "dask", "--workers", "1", "--session-id", "stopped")
    driver = site.start(*words, *hurried, own_group=True)
    eventually(lambda: "spawn_main" in str(starting(driver.pid)))
    children = psutil.Process(driver.pid).children(recursive=True)
    os.killpg(driver.pid, signal.SIGINT)
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 130, told
    assert "Traceback" not in told
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert site.states("stopped")[""] == "stopped"


def starting(driver: int) -> list[list[str]]:
    """Return the command lines of what a driver has started."""
    found: list[list[str]] = []
    for child in psutil.Process(driver).children(recursive=True):
        with suppress(psutil.Error):
            found.append(child.cmdline())
    return found
