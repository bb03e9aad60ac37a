"""Every artifact store and every session store, for the contracts that all of them keep."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.session_store import SessionStore
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.stores.memory_sessions import MemorySessionStore
from oneml.habitats.stores.publishing import Publisher
from oneml.habitats.stores.sqlite import SqliteSessionStore


@pytest.fixture(params=["memory", "local", "local, by temporary names"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "memory":
        return MemoryArtifactStore()
    if request.param == "local":
        return LocalArtifactStore(tmp_path / "store")
    return LocalArtifactStore(tmp_path / "store", publisher=Publisher(anonymous=False))


@pytest.fixture(params=["memory", "sqlite"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SessionStore]:
    opened: SessionStore
    opened = MemorySessionStore() if request.param == "memory" else SqliteSessionStore(tmp_path / "sessions.sqlite3")
    yield opened
    opened.close()
