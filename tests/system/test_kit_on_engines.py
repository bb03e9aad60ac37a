"""The test kit on real Slurm, and on nodes with a process of their own; tests/testing has the other engines."""

from pathlib import Path

import pytest

from kit_place import run_kit
from kit_shop import Shop
from kit_suite import Hanging
from oneml.habitats import replace
from oneml.habitats.testing import NewSession

pytestmark = pytest.mark.system

QUICK = {"poll_seconds": 0.2, "unseen_seconds": 2.0, "grace_seconds": 2.0}


@pytest.mark.usefixtures("cluster")
def test_the_kit_keeps_its_promises_on_slurm(tmp_path: Path) -> None:
    options = {**QUICK, "pass_environment": ["PYTHONPATH"]}
    run_kit({"engine": "slurm", "engines": {"slurm": options}}, tmp_path)


def test_the_kit_keeps_its_promises_on_isolated_nodes(tmp_path: Path) -> None:
    run_kit({"engine": "process", "workers": 2, "isolated": True}, tmp_path)


@pytest.mark.usefixtures("cluster")
def test_a_job_that_is_told_no_import_path_says_what_it_cannot_import(new_session: NewSession) -> None:
    session = new_session(Shop, settings={"engine": "slurm", "engines": {"slurm": QUICK}})
    assert not session.run().succeeded
    row = session.node_rows()["//read"]
    assert row.state.value == "refused"
    assert "kit_shop" in row.detail


@pytest.mark.usefixtures("cluster")
def test_a_job_whose_time_is_over_tells_where_it_hung(new_session: NewSession) -> None:
    options = {**QUICK, "pass_environment": ["PYTHONPATH"]}
    settings = {"engine": "slurm", "engines": {"slurm": options}, "nodes": {"//read": {"timeout_seconds": 6}}}
    session = new_session(Shop, replace(Shop.client, factory=Hanging), settings=settings)
    assert not session.run().succeeded
    outcome = session.outcome("//read")
    assert outcome is not None
    assert outcome.error is not None
    assert outcome.error.summary().startswith("TimeoutError: the node was ended after 6 s (timeout_seconds). Correct")
    assert "time.sleep(60)" in outcome.error.traceback
    assert "KeyboardInterrupt" not in outcome.error.traceback
