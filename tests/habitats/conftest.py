"""A folder that is installed into, for tests of the registry and of code identity."""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.sources import ProcessSources

C = TypeVar("C", bound=PipelineComponents)


class Site:
    """A folder on ``sys.path``, with packages and distributions written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, files: Mapping[str, str]) -> None:
        """Write source files, by path from the folder."""
        for name, text in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        importlib.invalidate_caches()

    def distribution(
        self,
        name: str,
        version: str = "1.0",
        *,
        habitats: Mapping[str, str] | None = None,
        requires: Sequence[str] = (),
        record: Sequence[str] = (),
    ) -> Path:
        """Write the metadata folder of a distribution, and return it."""
        folder = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        head = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
        needs = [f"Requires-Dist: {requirement}" for requirement in requires]
        (folder / "METADATA").write_text("\n".join([*head, *needs, "", "Requires-Dist: not-a-header", ""]))
        (folder / "RECORD").write_text("".join(f"{file},,\n" for file in record))
        if habitats is not None:
            points = [f"{habitat} = {target}" for habitat, target in habitats.items()]
            (folder / "entry_points.txt").write_text("\n".join(["[oneml.habitats]", *points, ""]))
        return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A fresh folder at the front of ``sys.path``; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield Site(folder)
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__spec__", None)
        if origin is not None and str(origin.origin or "").startswith(str(folder)):
            del sys.modules[name]


class Opener:
    """Opens containers whose settings come from the test alone, and closes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: list[PipelineComponents] = []

    def __call__(
        self,
        container: type[C],
        *overrides: Override,
        settings: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        session_id: str | None = None,
    ) -> C:
        sources = ProcessSources(environ=environ or {}, working_directory=self._folder)
        effective = resolve_settings(container.settings_model(), habitat="tested", session=settings, sources=sources)
        components = container.open(settings=effective, overrides=overrides, session_id=session_id)
        self._opened.append(components)
        return components

    def close(self) -> None:
        """Close what is still open, the last first."""
        while self._opened:
            self._opened.pop().close()

    def forget(self) -> None:
        """Keep nothing of what was opened."""
        self._opened.clear()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens containers; they are closed when the test ends."""
    opener = Opener(tmp_path)
    yield opener
    opener.close()
