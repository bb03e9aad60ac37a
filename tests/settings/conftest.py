"""A machine made of a folder and a few variables, on which settings are resolved."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources

S = TypeVar("S", bound=PipelineSettings)


class Machine:
    """Files in a working directory and a user's folder, and variables."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.user_folder = folder / "config"
        self.work.mkdir()
        self.user_folder.mkdir()
        self.environ: dict[str, str] = {}

    def user(self, text: str) -> Path:
        return self._write(self.user_folder / "settings.toml", text)

    def project(self, text: str) -> Path:
        return self._write(self.work / "oneml.toml", text)

    def dotenv(self, text: str) -> Path:
        return self._write(self.work / ".env", text)

    def file(self, text: str) -> Path:
        return self._write(self.work / "given.toml", text)

    def _write(self, path: Path, text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def sources(self) -> ProcessSources:
        return ProcessSources(environ=self.environ, working_directory=self.work, user_config=self.user_folder)

    def resolve(
        self,
        model: type[S],
        *,
        session: PipelineSessionSettings | Mapping[str, object] | None = None,
        file: Path | None = None,
        assignments: Sequence[str] = (),
    ) -> EffectiveSettings[S]:
        return resolve_settings(
            model,
            habitat="digits-training",
            session=session,
            command_line=CommandLineSettings(file=file, assignments=assignments),
            sources=self.sources,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
