"""What a test finds around it: a store of its own, and nothing that was set outside."""

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from oneml.habitats.settings.sources import CONFIG_VARIABLE, STORE_VARIABLE, ProcessSources

_OURS = "ONEML_"
_IMPORT_PATH = "PYTHONPATH"
_OF_PYTHON = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))


class SetsVariables(Protocol):
    """Changes the environment until the test ends: `pytest.MonkeyPatch` does."""

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""
        ...

    def delenv(self, name: str) -> None:
        """Remove a variable that there is."""
        ...


class Surroundings:
    """The environment and the folders of one test.

    Variables that pytest was started with are hidden; those that ``conftest.py``, a fixture or the test sets are seen.

    Args:
        folder: Of the test's own; made when it is needed.
        import_folders: Where else workers find modules of the tests, behind what is on ``sys.path``.
        at_start: The variables that pytest was started with.
        monkeypatch: Changes the environment until the test ends.
    """

    def __init__(
        self, *, folder: Path, import_folders: Sequence[Path], at_start: Mapping[str, str], monkeypatch: SetsVariables
    ) -> None:
        self._folder = folder
        self._import_folders = import_folders
        self._at_start = at_start
        self._monkeypatch = monkeypatch
        self._own = {STORE_VARIABLE: (folder / "store").as_uri(), CONFIG_VARIABLE: str(folder / "config")}
        self.hide(_OURS)
        for name, value in self._own.items():
            if name not in os.environ:
                monkeypatch.setenv(name, value)

    def hide(self, prefix: str) -> None:
        """Hide the variables whose names begin so."""
        for name, value in self._at_start.items():
            if name.upper().startswith(prefix) and os.environ.get(name) == value:
                self._monkeypatch.delenv(name)

    def sources(self) -> ProcessSources:
        """Return where the settings of this process come from now; the working directory is not among them."""
        return ProcessSources(environ={**self._own, **os.environ}, working_directory=self._folder, of_user=True)

    def show_imports(self) -> None:
        """Let worker processes that are started from now on import what this process can."""
        wanted = [*_own_entries(sys.path), *map(str, self._import_folders)]
        self._monkeypatch.setenv(_IMPORT_PATH, os.pathsep.join(dict.fromkeys(wanted)))


def _own_entries(path: Sequence[str]) -> Iterator[str]:
    """Give the entries of an import path that a fresh interpreter might not have, absolute."""
    for entry in path:
        place = os.path.abspath(entry)  # noqa: PTH100  # a path object costs more, and resolves nothing else
        is_installed = place.endswith(("site-packages", "dist-packages")) or place.startswith(_OF_PYTHON)
        if not is_installed and os.path.exists(place):  # noqa: PTH110  # as above
            yield place
