"""Whole sessions on a real Slurm cluster, by the command line, as users run them."""

import json
import signal
from pathlib import Path

import pytest

from installed_site import Site
from slurm_cluster import SlurmCluster

pytestmark = pytest.mark.system

ON_SLURM = ("--engine", "slurm", "--set", 'engines={"slurm": {"poll_seconds": 0.2}}')


@pytest.fixture
def site(tmp_path: Path, cluster: SlurmCluster) -> Site:
    return Site(tmp_path)


def test_the_digits_pipeline_gives_the_same_outputs_as_in_one_process(site: Site) -> None:
    ids: list[str] = []
    for arguments in (ON_SLURM, ()):
        ran = site.run("run-pipeline", "digits-training", "--json", *arguments)
        assert ran.returncode == 0, ran.stderr
        ids.append(json.loads(ran.stdout)["session_id"])
    compared = site.run("diff", *ids, "--section", "outputs", "--section", "graph", "--exit-code")
    assert compared.returncode == 0, compared.stdout
    assert "outputs: the same" in compared.stdout


def test_a_session_whose_driver_was_killed_goes_on_and_runs_no_node_twice(site: Site) -> None:
    session_id = site.create("digits-training", "--set", "engine=slurm", *ON_SLURM[2:])
    driver = site.start("sessions", "run", session_id)
    assert driver.stderr is not None
    for line in driver.stderr:
        if "//reduce succeeded" in line:
            break
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=30)
    ran = site.run("sessions", "run", session_id, "--json")
    assert ran.returncode == 0, ran.stderr
    claims = [path for path in site.store.rglob("*.claim") if session_id in str(path)]
    assert len(claims) == 10
    assert all(path.name.endswith(".1.claim") for path in claims)
