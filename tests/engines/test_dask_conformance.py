"""Dask, held against the contract of engines: on one cluster that exists and outlives the sessions."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oneml.habitats.testing.engines import SECRET, EngineConformance

if TYPE_CHECKING:
    from distributed import LocalCluster

CONNECTED_SECONDS = 10.0


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def address(shared_site: Path) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    import dask
    from distributed import LocalCluster

    environment = {"CONTRACT_TOKEN": SECRET}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    sys.path.insert(0, str(shared_site))  # workers are spawned with the search path that there is now
    try:
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 0}),
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},  # one port for all otherwise
            ) as cluster,
        ):
            sys.path.remove(str(shared_site))  # the driver has none of what lies there
            _wait_until_connected(cluster)
            yield cluster.scheduler_address
    finally:
        if str(shared_site) in sys.path:
            sys.path.remove(str(shared_site))
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _wait_until_connected(cluster: "LocalCluster") -> None:
    """Wait for a heartbeat of each worker: the first one opens a connection to the scheduler, which is in this process.

    It comes a second after the start, later where the machine is busy, and is no descriptor that a session left.
    """
    workers = cluster.scheduler.workers.values()
    joined = {worker.address: worker.last_seen for worker in workers}
    give_up_at = time.monotonic() + CONNECTED_SECONDS
    while any(worker.last_seen <= joined[worker.address] for worker in workers):
        assert time.monotonic() < give_up_at, "a worker has sent no heartbeat"
        time.sleep(0.05)


class TestDask(EngineConformance):
    KILLS_WORKERS = False  # a scheduler of others blames whatever waited on that worker; see docs/engines/dask.md
    HURRIED = {"unschedulable_seconds": 0.5}  # noqa: RUF012  # as the suite declares it

    @pytest.fixture
    def site(self, shared_site: Path) -> Path:
        return shared_site

    @pytest.fixture
    def settings(self, address: str) -> Mapping[str, Any]:
        return {"engine": "dask", "engines": {"dask": {"address": address, "grace_seconds": 2}}}
