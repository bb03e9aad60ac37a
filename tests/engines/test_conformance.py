"""The engines of one machine, held against the contract of engines; isolated nodes are in tests/system."""

from collections.abc import Mapping
from typing import Any

import pytest

from oneml.habitats.testing.engines import EngineConformance


class TestInline(EngineConformance):
    KILLS_WORKERS = False

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {"engine": "in-process"}


class TestThreads(EngineConformance):
    KILLS_WORKERS = False

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {"engine": "in-process", "workers": 3}


class TestProcess(EngineConformance):
    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {"engine": "process", "workers": 2}
