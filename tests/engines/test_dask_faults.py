"""What can go wrong under whole sessions on Dask; rows of the catalogue of faults, see docs/engines/faults.md."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from dask_processes import DaskProcesses
from engine_contexts import FakeSession, task
from fault_pipelines import runs_of
from fault_sessions import PATIENCE_SECONDS, FaultSessions, states, wait_for_runs
from installed_site import Site
from oneml.habitats.cli.printing import one_line
from oneml.habitats.engines import dask_run
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.errors import EngineError
from oneml.habitats.values.node_path import NodePath

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def new_session(tmp_path: Path) -> FaultSessions:
    return FaultSessions(tmp_path)


@pytest.fixture
def folder(new_session: FaultSessions) -> Path:
    return new_session.folder


@pytest.fixture
def site(tmp_path: Path, folder: Path) -> Site:
    site = Site(tmp_path)
    site.install(
        "faults", files=SUPPORT, packages=["fault_pipelines.py"], habitats={"faults": "fault_pipelines:Faults"}
    )
    site.environment["FAULT_FOLDER"] = str(folder)
    return site


def test_workers_that_are_killed_crash_or_leave_are_replaced_and_a_poison_node_ends(
    new_session: FaultSessions, folder: Path
) -> None:
    """Rows 3, 44, 45 and 48."""
    hows = ("kill", "os_exit", "segfault", "poison")
    with new_session(*hows, workers=2, retries=1) as session:
        assert not session.run().succeeded
        ended = states(session)
        detail = session.node_rows()[NodePath("//poison")].detail
    assert len(runs_of(folder, "poison")) == 2
    assert all(
        len(runs_of(folder, how)) >= 2 for how in hows
    )  # a reply may be lost with a worker that another one kills
    assert (ended.pop("poison"), ended.pop("after_poison")) == ("failed", "skipped")
    assert set(ended.values()) == {"succeeded"}
    assert "its worker ended before the node did, once, last at tcp://" in detail
    assert one_line(detail) == detail


@pytest.mark.parametrize("inline_max_bytes", [0, 65536])
def test_a_worker_that_is_killed_after_the_commit_changes_nothing_that_was_committed(
    new_session: FaultSessions, folder: Path, inline_max_bytes: int
) -> None:
    """Rows 5 and 6; with 0 the worker commits, else the driver, and Dask may compute again what a lost worker held."""
    with new_session("late_kill", "kill", options={"inline_max_bytes": inline_max_bytes}, workers=1) as session:

        def observe(event: object) -> None:
            if getattr(event, "path", "") == "//late_kill" and getattr(event, "seconds", None) is not None:
                (folder / "committed").touch()

        session.run(observers=[observe])
        assert (states(session)["late_kill"], states(session)["after_late_kill"]) == ("succeeded", "succeeded")
        assert session.node_rows()[NodePath("//late_kill")].attempt == 1
    if inline_max_bytes == 0:
        assert len(runs_of(folder, "late_kill")) == 1


def test_a_scheduler_that_hangs_is_told_within_a_set_time_and_nothing_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_run, "_ANSWER_SECONDS", 1.0)
    processes = DaskProcesses(tmp_path)
    began = 0.0
    try:
        address = processes.scheduler()
        with (  # noqa: PT012  # leaving counts as well
            pytest.raises(EngineError, match="the scheduler is lost") as told,
            DaskEngine().open(FakeSession().context(address=address, connect_seconds=10)) as run,
        ):
            run.submit(task("//a"))
            assert run.wait(0.2) == []
            processes.started[0].send_signal(signal.SIGSTOP)
            began = time.monotonic()
            run.wait(PATIENCE_SECONDS)
    finally:
        processes.end()
    assert time.monotonic() - began < 20
    assert told.value.exit_code == 4


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_cancels_and_leaves_no_worker_behind(site: Site, folder: Path, times: int) -> None:
    """Row 41; as a terminal does, which interrupts the workers as well."""
    site.environment["FAULT_HOWS"] = '["sleep"]'
    hurried = ("--set", 'engines={"dask": {"grace_seconds": 0.5}}')
    words = ("run-pipeline", "faults", "--engine", "dask", "--workers", "1", "--session-id", "stopped")
    driver = site.start(*words, *hurried, own_group=True)
    wait_for_runs(folder, "sleep")
    children = psutil.Process(driver.pid).children(recursive=True)
    for _ in range(times):
        os.killpg(driver.pid, signal.SIGINT)
        time.sleep(0.3)
    _, told = driver.communicate(timeout=PATIENCE_SECONDS)
    assert driver.returncode == 130
    assert "Traceback" not in told
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert site.states("stopped") == {
        "": "stopped",
        "//first": "succeeded",
        "//sleep": "cancelled",
        "//after_sleep": "cancelled",
    }


def test_a_session_whose_driver_was_killed_goes_on_and_runs_no_finished_node_again(site: Site, folder: Path) -> None:
    site.environment.update(FAULT_HOWS='["sleep"]', FAULT_SECONDS="600")
    driver = site.start("run-pipeline", "faults", "--engine", "dask", "--workers", "1", "--session-id", "lost")
    wait_for_runs(folder, "sleep")
    until = time.monotonic() + PATIENCE_SECONDS
    while not list(site.store.rglob("first-*.commit.json")):
        assert time.monotonic() < until
        time.sleep(0.05)
    children = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=PATIENCE_SECONDS)
    assert psutil.wait_procs(children, timeout=20)[1] == []
    ran = site.run("sessions", "run", "lost")
    assert ran.returncode == 0, ran.stderr
    assert (len(runs_of(folder, "first")), len(runs_of(folder, "sleep"))) == (1, 2)
