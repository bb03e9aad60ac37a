"""Changes on Ray, whose workers outlive what is on their disk."""

from pathlib import Path

import pytest

from ray_place import run_suite

pytestmark = pytest.mark.system


def test_harmful_changes_are_refused_on_ray_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray_place.SECONDS", 900)  # a worker or two for each kind are started
    run_suite("ray_drift", tmp_path)
