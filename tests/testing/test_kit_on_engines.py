"""The test kit is the same on every engine; those that need root and daemons of their own are in tests/system."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from kit_place import run_kit


@pytest.mark.parametrize(
    "engine",
    [
        {"engine": "in-process"},
        {"engine": "in-process", "workers": 3},
        {"engine": "process", "workers": 1},
        {"engine": "dask", "workers": 1},
    ],
    ids=["in-process", "threads", "process", "dask"],
)
def test_the_kit_keeps_its_promises(engine: Mapping[str, object], tmp_path: Path) -> None:
    run_kit(engine, tmp_path)


def test_the_kit_keeps_its_promises_on_ray(tmp_path: Path) -> None:
    run_kit({"engine": "ray", "workers": 1}, tmp_path, alone=True)
