"""What ends with the folder of an embedded cluster of Ray: all that uses it, but for the driver, which goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from oneml.habitats.engines import ray_guard
from oneml.habitats.engines.ray_guard import guarded

HOLDER = "import sys, time; held = open(sys.argv[1]); print(flush=True); time.sleep(60)"
DRIVER = """
import os, sys
from pathlib import Path
from oneml.habitats.engines.ray_guard import guarded
with guarded(Path(sys.argv[1])):
    os.kill(os.getpid(), 9)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds processes in /proc")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "cluster").mkdir()
    log = tmp_path / "cluster" / "log"
    log.touch()
    return log


def holder(log: Path) -> "subprocess.Popen[bytes]":
    held = subprocess.Popen([sys.executable, "-c", HOLDER, str(log)], stdout=subprocess.PIPE)
    assert held.stdout is not None
    with held.stdout as said:
        said.readline()
    return held


def test_others_that_use_the_folder_are_ended_and_the_driver_goes_on(log: Path) -> None:
    held = holder(log)
    with log.open(), guarded(log.parent):
        assert held.poll() is None
    assert held.wait(20) == -9
    assert not log.parent.exists()


def test_a_killed_driver_leaves_nobody_in_the_folder(log: Path) -> None:
    held = holder(log)
    driver = subprocess.run([sys.executable, "-c", DRIVER, str(log.parent)], check=False, timeout=30)
    assert driver.returncode == -9
    assert held.wait(20) == -9


def test_a_guard_that_does_not_end_is_ended_and_what_the_block_gave_counts(
    log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hanging = tmp_path / "hanging.py"
    hanging.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(ray_guard, "__file__", str(hanging))
    monkeypatch.setattr(ray_guard, "_END_SECONDS", 0.1)
    with guarded(log.parent):
        pass
    assert log.exists()
