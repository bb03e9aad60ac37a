"""The contract of engines, held by Ray over a cluster that exists; run inside `loopback_only`, as `ray_suite` is."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine_conformance import IMPORTABLE, SECRET, EngineConformance

PORT = 6379


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A head that was started as people do it, with a token."""
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text(secrets.token_hex(32))
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token), RAY_USAGE_STATS_ENABLED="0")
    ray = str(Path(sys.executable).with_name("ray"))
    place = ["--node-ip-address", "127.0.0.1", "--port", str(PORT)]
    more = ["--num-cpus", "2", "--include-dashboard", "false", "--disable-usage-stats"]
    command = [ray, "start", "--head", *place, *more]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return f"127.0.0.1:{PORT}"  # what was started ends with the place


class TestRay(EngineConformance):
    HURRIED: ClassVar[Mapping[str, object]] = {"unschedulable_seconds": 2.0}

    @pytest.fixture
    def settings(self, address: str, module: Path) -> Mapping[str, Any]:
        variables = {"PYTHONPATH": f"{module.parent}:{IMPORTABLE}", "CONTRACT_TOKEN": SECRET}
        options = {"address": address, "init": {"runtime_env": {"env_vars": variables}}}
        return {"engine": "ray", "engines": {"ray": options}}
