"""Whole sessions on a real Slurm cluster, by the command line, as users run them."""

import json
import os
import signal
from pathlib import Path

import pytest

from fault_pipelines import runs_of
from installed_site import Site
from slurm_cluster import SlurmCluster, eventually

pytestmark = pytest.mark.system

SUPPORT = Path(__file__).parents[1] / "support"
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


def test_sigterm_from_outside_is_no_success_and_is_tried_again_as_often_as_asked(site: Site) -> None:
    faults = {"faults": "fault_pipelines:Faults"}
    site.install("faults", files=SUPPORT, packages=["fault_pipelines.py"], habitats=faults)
    runs = site.folder / "runs"
    site.environment.update(FAULT_FOLDER=str(runs), FAULT_HOWS='["sleep", "gate"]')
    options = {"poll_seconds": 0.2, "unseen_seconds": 1, "pass_environment": ["PYTHONPATH"]}
    words = ("--engine", "slurm", "--set", f"engines={json.dumps({'slurm': options})}", "--set", "//sleep:retries=1")
    driver = site.start("run-pipeline", "faults", "--session-id", "asked", *words)
    for node in ("sleep", "gate"):
        eventually(lambda node=node: runs_of(runs, node))
        os.kill(runs_of(runs, node)[0], signal.SIGTERM)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 1, said
    assert "//gate failed: WorkerEndedError: its job was asked to end, though not by this session" in said
    states = site.states("asked")
    assert (states["//sleep"], states["//gate"], states["//after_gate"]) == ("succeeded", "failed", "skipped")
    assert len(runs_of(runs, "sleep")) == 2
