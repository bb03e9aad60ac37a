"""The test kit on real Slurm, and on nodes with a process of their own; tests/testing has the other engines."""

from pathlib import Path

import pytest

from kit_place import run_kit

pytestmark = pytest.mark.system


@pytest.mark.usefixtures("cluster")
def test_the_kit_keeps_its_promises_on_slurm(tmp_path: Path) -> None:
    options = {"poll_seconds": 0.2, "unseen_seconds": 2.0, "grace_seconds": 2.0, "pass_environment": ["PYTHONPATH"]}
    run_kit({"engine": "slurm", "engines": {"slurm": options}}, tmp_path)


def test_the_kit_keeps_its_promises_on_isolated_nodes(tmp_path: Path) -> None:
    run_kit({"engine": "process", "workers": 2, "isolated": True}, tmp_path)
