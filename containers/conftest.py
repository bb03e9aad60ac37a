"""What the tests of every pipeline package share: a store of their own, and no settings from outside."""

import os
from pathlib import Path

import pytest

from oneml.habitats import PipelineServiceClient


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PipelineServiceClient:
    for name in [name for name in os.environ if name.startswith(("ONEML_", "DIGITS_", "HELLO_", "DIAMOND_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("ONEML_STORE_URL", (tmp_path / "store").as_uri())
    monkeypatch.chdir(tmp_path)
    return PipelineServiceClient()
