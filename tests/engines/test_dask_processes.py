"""A Dask scheduler and workers that others started: found by address, over TLS, lost or of other versions."""

import logging
import subprocess
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import dask
import pytest
from distributed import Client

from dask_processes import DaskProcesses
from engine_contexts import FakeSession, error_of, outcomes_of, states_of, task
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.errors import EngineError

OLD = "from distributed import versions; versions._version_cached = lambda _package: '2020.1'"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[DaskProcesses]:
    made = DaskProcesses(tmp_path)
    try:
        yield made
    finally:
        made.end()


def test_a_scheduler_is_found_by_dasks_own_configuration_and_late_workers_are_used(processes: DaskProcesses) -> None:
    address = processes.scheduler()
    session = FakeSession()
    with dask.config.set({"scheduler-address": address}), DaskEngine().open(session.context()) as run:
        run.submit(task("//a"))
        run.submit(task("//b", "//a"))
        assert run.wait(0.2) == []
        processes.worker("--no-nanny")
        assert states_of(run, []) == {"//a": "succeeded", "//b": "succeeded"}
    assert session.replies["//a"]["preloaded"] == 1


def test_where_no_worker_comes_nodes_fail_within_the_set_time(processes: DaskProcesses) -> None:
    context = FakeSession().context(address=processes.scheduler(), unschedulable_seconds=0.5)
    with DaskEngine().open(context) as run:
        text = error_of(outcomes_of(run, [task("//a")])["//a"])
    assert "no worker came within 0.5 s (option unschedulable_seconds)" in text


def test_a_worker_lost_for_good_fails_its_node_and_the_rest_waits_for_another(processes: DaskProcesses) -> None:
    address = processes.scheduler()
    processes.worker("--no-nanny")
    with DaskEngine().open(FakeSession().context(address=address)) as run:
        outcome = outcomes_of(run, [task("//exit")])["//exit"]
        assert "its worker ended" in error_of(outcome)
        processes.worker("--no-nanny")
        assert states_of(run, [task("//exit", attempt=2), task("//b", "//exit")])["//b"] == "pending"


def test_a_lost_scheduler_is_told_within_seconds_and_another_one_can_go_on(processes: DaskProcesses) -> None:
    address = processes.scheduler()
    processes.worker("--no-nanny")
    context = FakeSession().context(address=address)
    with DaskEngine().open(context) as run:
        run.submit(task("//sleep_60000"))
        run.submit(task("//b", "//sleep_60000"))
        assert run.wait(1) == []
        processes.started[0].kill()
        began = time.monotonic()
        with pytest.raises(EngineError, match="the scheduler is lost, and with it 2 nodes"):
            run.wait(30)
        assert time.monotonic() - began < 10
        with pytest.raises(EngineError, match="the scheduler is lost"):
            run.wait(30)
    with DaskEngine().open(FakeSession().context(workers=1)) as run:
        assert states_of(run, [task("//b")]) == {"//b": "succeeded"}


def test_a_lost_scheduler_is_told_without_a_traceback_of_dask(
    processes: DaskProcesses, caplog: pytest.LogCaptureFixture
) -> None:
    context = FakeSession().context(address=processes.scheduler())
    with DaskEngine().open(context) as run:
        run.submit(task("//a"))
        processes.started[0].kill()
        with pytest.raises(EngineError, match="the scheduler is lost"):
            run.wait(30)
    assert [record.name for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR] == []


def test_a_worker_without_this_package_is_named_with_what_to_install(processes: DaskProcesses) -> None:
    address = processes.scheduler()
    processes.worker("--no-nanny", before="sys.modules['oneml'] = None")
    with pytest.raises(EngineError, match=r"does not have this package.*pip install 'oneml-habitats\[dask\]=="):
        wait_for_worker_and_open(address)


def test_a_late_worker_without_this_package_fails_its_nodes_with_what_to_install(processes: DaskProcesses) -> None:
    with DaskEngine().open(FakeSession().context(address=processes.scheduler())) as run:
        run.submit(task("//a"))
        processes.worker("--no-nanny", before="sys.modules['oneml'] = None")
        outcome = outcomes_of(run, [])["//a"]
    assert "pip install 'oneml-habitats[dask]==" in error_of(outcome)


def test_another_version_of_distributed_is_told_with_both_versions(processes: DaskProcesses) -> None:
    address = processes.scheduler()
    processes.worker("--no-nanny", before=OLD)
    wait_for_workers(address)
    with (
        pytest.warns(UserWarning, match=r"distributed is \S+ here and 2020.1 at tcp://"),
        DaskEngine().open(FakeSession().context(address=address)) as run,
    ):
        assert states_of(run, [task("//a")]) == {"//a": "succeeded"}


def test_where_no_scheduler_answers_the_error_says_where() -> None:
    context = FakeSession().context(address="tcp://127.0.0.1:9", connect_seconds=0.5)
    with pytest.raises(EngineError, match=r"no scheduler answers at tcp://127.0.0.1:9"), DaskEngine().open(context):
        pass


@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1", "missing port"), ("bogus://a:1", "unknown address scheme"), ("tls://127.0.0.1:9", "TLS expects")],
)
def test_an_address_that_cannot_be_one_is_told_at_once_and_leaves_nothing_behind(address: str, said: str) -> None:
    before = set(Client._instances)
    with pytest.raises(EngineError, match=said), DaskEngine().open(FakeSession().context(address=address)):
        pass
    assert {client.status for client in Client._instances if client not in before} <= {"closed"}


def test_everything_goes_over_tls_where_dask_is_configured_so(processes: DaskProcesses, tmp_path: Path) -> None:
    settings = certificates(tmp_path)
    for name, value in settings.items():
        processes.environment[f"DASK_{name.upper().replace('.', '__').replace('-', '_')}"] = value
    address = processes.scheduler("--protocol", "tls")
    processes.worker("--no-nanny", "--protocol", "tls")
    processes.worker("--no-nanny", "--protocol", "tls")
    assert address.startswith("tls://")
    with dask.config.set(settings), DaskEngine().open(FakeSession().context(address=address)) as run:
        nodes = [task("//a"), task("//b", "//a"), task("//c", "//b")]
        assert set(states_of(run, nodes).values()) == {"succeeded"}
    context = FakeSession().context(address=address, connect_seconds=2)
    with pytest.raises(EngineError, match="no scheduler answers at tls://"), DaskEngine().open(context):
        pass


def wait_for_workers(address: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mismatched versions")
        client = Client(address, set_as_default=False)
    with client:
        client.wait_for_workers(1, timeout=30)


def wait_for_worker_and_open(address: str) -> None:
    wait_for_workers(address)
    with DaskEngine().open(FakeSession().context(address=address)):
        pass


def certificates(folder: Path) -> Mapping[str, str]:
    """Make a certificate that is its own authority; gives Dask's settings for it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    settings = {"distributed.comm.tls.ca-file": str(certificate), "distributed.comm.require-encryption": "true"}
    for who in ("scheduler", "worker", "client"):
        settings[f"distributed.comm.tls.{who}.cert"] = str(certificate)
        settings[f"distributed.comm.tls.{who}.key"] = str(key)
    return settings
