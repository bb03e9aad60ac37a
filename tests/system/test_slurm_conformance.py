"""The Slurm engine held against the contract of engines, on a real cluster."""

from collections.abc import Mapping
from typing import Any

import pytest

from oneml.habitats.testing.engines import EngineConformance
from slurm_cluster import SlurmCluster


@pytest.mark.system
class TestSlurm(EngineConformance):
    HURRIED = {"unseen_seconds": 1.0}  # noqa: RUF012  # as the suite declares it

    @pytest.fixture
    def settings(self, cluster: SlurmCluster) -> Mapping[str, Any]:
        options = {
            "poll_seconds": 0.2,
            "unseen_seconds": 2.0,
            "grace_seconds": 2.0,
            "pass_environment": ["PYTHONPATH", "CONTRACT_TOKEN"],
        }
        return {"engine": "slurm", "engines": {"slurm": options}}
