"""A real Slurm cluster for the tests of this folder, which need root and its daemons."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest

from slurm_cluster import NEEDED, SlurmCluster


@pytest.fixture(scope="session")
def new_cluster() -> Callable[..., SlurmCluster]:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.fail(f"needs root and the commands {', '.join(NEEDED)}; missing: {', '.join(missing) or 'root'}")
    return SlurmCluster


@pytest.fixture(scope="session")
def shared_cluster(new_cluster: Callable[..., SlurmCluster]) -> Iterator[SlurmCluster]:
    """One for all tests that leave it as it was."""
    yield from _running(new_cluster())


@pytest.fixture
def own_cluster(new_cluster: Callable[..., SlurmCluster], monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """One that a test may break."""
    for cluster in _running(new_cluster(min_job_age=2)):
        monkeypatch.setenv("PATH", f"{cluster.bin}:{os.environ['PATH']}")
        yield cluster


@pytest.fixture
def limiting_cluster(
    new_cluster: Callable[..., SlurmCluster], monkeypatch: pytest.MonkeyPatch
) -> Iterator[SlurmCluster]:
    """One that ends jobs for the memory that they take."""
    for cluster in _running(new_cluster(limits_memory=True)):
        monkeypatch.setenv("PATH", f"{cluster.bin}:{os.environ['PATH']}")
        yield cluster


@pytest.fixture
def cluster(shared_cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SlurmCluster:
    """The shared one, its commands first on PATH."""
    monkeypatch.setenv("PATH", f"{shared_cluster.bin}:{os.environ['PATH']}")
    return shared_cluster


def _running(cluster: SlurmCluster) -> Iterator[SlurmCluster]:
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
