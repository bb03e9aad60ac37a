"""Where settings are read from: what a process finds around it, and what its command line says."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.toml_files import TomlFile, read_toml
from oneml.habitats.values.setting_problem import SettingProblem

STORE_VARIABLE = "ONEML_STORE_URL"
CONFIG_VARIABLE = "ONEML_CONFIG_DIR"
USER_FILE_NAME = "settings.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSources:
    """Where the layers of a process are read from.

    Attributes:
        environ: Variables.
        working_directory: Folder of ``oneml.toml`` and ``.env``.
        user_config: Folder of the user's ``settings.toml``; None where none is read.
        of_user: Whether the user's own configuration folder is read instead, which is looked for only then:
            ``ONEML_CONFIG_DIR``, else where the system keeps such folders.
        without_secrets: Whether a reference to a secret that leads to nothing stays one: to explain, never to run.
    """

    environ: Mapping[str, str] = field(repr=False)
    working_directory: Path
    user_config: Path | None = None
    of_user: bool = False
    without_secrets: bool = False

    @classmethod
    def of_this_process(cls) -> "ProcessSources":
        """Return the sources of the running process, as they are now.

        Raises:
            SettingsError: Its working directory does not exist any more.
        """
        try:
            folder = Path.cwd()
        except FileNotFoundError as error:
            message = "The working directory, where oneml.toml and .env would be, has been removed: change to another."
            raise SettingsError(problems=(SettingProblem("working directory", message),)) from error
        return cls(environ=dict(os.environ), working_directory=folder, of_user=True)

    def config_folder(self) -> Path | None:
        """Return the folder of the user's settings file; None where none is read."""
        if not self.of_user:
            return self.user_config
        given = self.environ.get(CONFIG_VARIABLE)
        if given:
            return Path(given)
        from platformdirs import user_config_path  # noqa: PLC0415  # only who reads the user's file pays for it

        return user_config_path("oneml", appauthor=False)

    def user_file(self) -> TomlFile | None:
        """Read the user's settings file; None where there is none.

        Raises:
            SettingsError: It cannot be read, or is not TOML.
        """
        folder = self.config_folder()
        return None if folder is None else read_toml(folder / USER_FILE_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLineSettings:
    """Settings given on the command line.

    Attributes:
        file: Of ``--settings``.
        assignments: Of ``--set``, in order: ``a.b=c`` for the session, ``//train:a.b=c`` for a node or a namespace.
    """

    file: Path | None = None
    assignments: Sequence[str] = field(default=(), repr=False)


def configured_store(sources: ProcessSources) -> str | None:
    """Return the URL of the artifact store: ``ONEML_STORE_URL``, else the user's settings file, else None.

    Raises:
        SettingsError: The user's file cannot be read, or its store is no text.
    """
    url = sources.environ.get(STORE_VARIABLE)
    if url:
        return url
    file = sources.user_file()
    if file is None:
        return None
    store = file.tables.get("store", "")
    if not isinstance(store, str):
        problem = SettingProblem("store", "store: must be a text", file.place(("store",)))
        raise SettingsError(problems=(problem,))
    return store or None
