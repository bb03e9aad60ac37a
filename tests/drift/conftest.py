"""The template of the drift suite, and copies of it."""

from pathlib import Path

import pytest

from forked import Forks
from harbour_site import Harbour, copied, installed, with_sessions


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Harbour:
    """The harbour as it was when the sessions were created; nobody changes it."""
    return with_sessions(installed(tmp_path_factory.mktemp("original"), forks=forks))


@pytest.fixture
def harbour(original: Harbour, tmp_path: Path) -> Harbour:
    """A copy, in another folder."""
    return copied(original, tmp_path)
