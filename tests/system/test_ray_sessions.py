"""Whole sessions on Ray, and what becomes of them when a part of the cluster is lost or is another one."""

from pathlib import Path

import pytest

from ray_place import run_suite

pytestmark = pytest.mark.system


def test_sessions_run_on_ray_and_outlive_it(tmp_path: Path) -> None:
    run_suite("ray_sessions", tmp_path)
