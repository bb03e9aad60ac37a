"""Dask, held against the contract of engines."""

from collections.abc import Mapping
from typing import Any

import pytest

from engine_conformance import EngineConformance


class TestDask(EngineConformance):
    HURRIED = {"unschedulable_seconds": 0.5}  # noqa: RUF012  # as the suite declares it

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {"engine": "dask", "workers": 1}
