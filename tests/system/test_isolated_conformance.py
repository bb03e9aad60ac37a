"""Nodes with a process of their own, each started anew, held against the contract of engines."""

from collections.abc import Mapping
from typing import Any

import pytest

from oneml.habitats.testing.engines import EngineConformance


@pytest.mark.system
class TestIsolated(EngineConformance):
    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {"engine": "process", "workers": 2, "isolated": True}
