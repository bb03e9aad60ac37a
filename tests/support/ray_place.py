"""Runs a file of tests on Ray in a place without the network of this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import loopback_only

SUPPORT = Path(loopback_only.__file__).parent
SECONDS = 480


def run_suite(suite: str, folder: Path) -> None:
    """Run ``<suite>.py`` of this folder; skips where this machine has no such place.

    Args:
        suite: Name of the file.
        folder: Where it may write.
    """
    reason = loopback_only.reason_against()
    if reason is not None:
        pytest.skip(reason)
    options = ["-c", str(SUPPORT.parents[1] / "pyproject.toml"), "-p", "no:cacheprovider", "-p", "no:xdist"]
    words = ["-m", "pytest", *options, "--basetemp", str(folder / "t"), "--durations=12", str(SUPPORT / f"{suite}.py")]
    done = subprocess.run(
        loopback_only.command(sys.executable, *words),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
