"""Harmful changes on Ray, whose workers outlive what is on their disk."""

from pathlib import Path

import pytest

from ray_place import run_suite

pytestmark = pytest.mark.system


def test_harmful_changes_are_refused_on_ray(tmp_path: Path) -> None:
    run_suite("ray_drift", tmp_path)
