"""The contract of engines, held by Ray over a cluster that exists; run inside `loopback_only`, as `ray_suite` is."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from oneml.habitats.testing.engines import SECRET, EngineConformance
from ray_head import RayHead


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    head = RayHead(tmp_path_factory.mktemp("token"))
    os.environ.update(head.variables)
    head.start()
    return head.address


class TestRay(EngineConformance):
    CLOSES_AT_ONCE: ClassVar[bool] = False  # on a busy machine Ray keeps a socket and a log of a driver that has left
    HURRIED: ClassVar[Mapping[str, object]] = {"unschedulable_seconds": 2.0}

    @pytest.fixture
    def settings(self, address: str, module: Path) -> Mapping[str, Any]:
        variables = {"PYTHONPATH": f"{module.parent}:{Path(__file__).parent}", "CONTRACT_TOKEN": SECRET}
        options = {"address": address, "init": {"runtime_env": {"env_vars": variables}}}
        return {"engine": "ray", "workers": 2, "engines": {"ray": options}}
