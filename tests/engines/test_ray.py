"""Nodes on Ray: what listens on sockets runs in a place without the network of this machine."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import loopback_only

SUPPORT = Path(loopback_only.__file__).parent
SECONDS = 300


@pytest.fixture(scope="module")
def place() -> None:
    reason = loopback_only.reason_against()
    if reason is not None:
        pytest.skip(reason)


def inside(words: Sequence[str], folder: Path) -> str:
    command = loopback_only.command(sys.executable, *words)
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("suite", ["ray_suite", "ray_conformance"])
def test_nodes_run_on_ray(suite: str, tmp_path: Path) -> None:
    options = ["-c", str(SUPPORT.parents[1] / "pyproject.toml"), "-p", "no:cacheprovider", "-p", "no:xdist"]
    file = str(SUPPORT / f"{suite}.py")
    told = inside(["-m", "pytest", *options, "--basetemp", str(tmp_path / "t"), "--durations=12", file], tmp_path)
    assert " passed" in told
