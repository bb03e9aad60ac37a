"""The layers of a process: the user's file, ``oneml.toml``, ``.env`` and the environment, lowest first."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from oneml.habitats.errors import SettingsError, UnknownSettingError
from oneml.habitats.settings.environment import ReadLayer, dotenv_layer, environment_layer
from oneml.habitats.settings.layers import Layer, LayerValues
from oneml.habitats.settings.models import RESERVED_NAMES, PipelineSettings, json_tree
from oneml.habitats.settings.shapes import SettingName
from oneml.habitats.settings.toml_files import TomlFile, read_toml
from oneml.habitats.values.setting_problem import SettingProblem

STORE_VARIABLE = "ONEML_STORE_URL"
PROJECT_FILE_NAME = "oneml.toml"
USER_FILE_NAME = "settings.toml"
HABITATS_TABLE = "habitats"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSources:
    """Where the layers of a process are read from.

    Attributes:
        environ: Variables.
        working_directory: Folder of ``oneml.toml`` and ``.env``.
        user_config: Folder of the user's ``settings.toml``; None where none is read.
    """

    environ: Mapping[str, str] = field(repr=False)
    working_directory: Path
    user_config: Path | None = None

    @classmethod
    def of_this_process(cls) -> "ProcessSources":
        """Return the sources of the running process, as they are now."""
        from platformdirs import user_config_path  # noqa: PLC0415  # a worker does without

        return cls(
            environ=dict(os.environ),
            working_directory=Path.cwd(),
            user_config=user_config_path("oneml", appauthor=False),
        )


def configured_store(sources: ProcessSources) -> str | None:
    """Return the URL of the artifact store: ``ONEML_STORE_URL``, else the user's settings file, else None.

    Raises:
        SettingsError: The user's file cannot be read, or its store is no text.
    """
    url = sources.environ.get(STORE_VARIABLE)
    if url:
        return url
    file = _user_file(sources)
    if file is None:
        return None
    store = file.tables.get("store", "")
    if not isinstance(store, str):
        problem = SettingProblem("store", "store: must be a text", file.place(("store",)))
        raise SettingsError(problems=(problem,))
    return store or None


def process_layers(model: type[PipelineSettings], habitat: str, sources: ProcessSources) -> Iterator[ReadLayer]:
    """Give the layers of the process, lowest first, each with what is wrong with reading it.

    Raises:
        SettingsError: A file cannot be read.
    """
    user = _user_file(sources)
    if user is not None:
        yield from _file_layers(model, habitat, Layer.USER_FILE, user)
    project = read_toml(sources.working_directory / PROJECT_FILE_NAME)
    if project is not None:
        yield from _file_layers(model, habitat, Layer.PROJECT_FILE, project)
    yield dotenv_layer(model, sources.working_directory)
    yield environment_layer(model, sources.environ)


def _user_file(sources: ProcessSources) -> TomlFile | None:
    return read_toml(sources.user_config / USER_FILE_NAME) if sources.user_config is not None else None


def _file_layers(model: type[PipelineSettings], habitat: str, layer: Layer, file: TomlFile) -> Iterator[ReadLayer]:
    """Give what a file says for every habitat, then what its table for this habitat says."""
    tables = file.tables.get(HABITATS_TABLE, {})
    own = cast("Mapping[str, object]", tables).get(habitat, {}) if isinstance(tables, Mapping) else None
    if not isinstance(own, Mapping):
        rule = f'must be a table: write the settings of a habitat below [{HABITATS_TABLE}."its-name"]'
        problem = SettingProblem(HABITATS_TABLE, f"{HABITATS_TABLE}: {rule}", file.place((HABITATS_TABLE,)))
        raise SettingsError(problems=(problem,))
    for_all = {name: value for name, value in file.tables.items() if name in RESERVED_NAMES}
    others = file.tables.keys() - for_all.keys() - {HABITATS_TABLE}
    errors = tuple(_misplaced(model, habitat, name, file) for name in sorted(others))
    yield ReadLayer(_layer(layer, file, (), for_all), errors)
    yield ReadLayer(_layer(layer, file, (HABITATS_TABLE, habitat), cast("Mapping[str, object]", own)))


def _layer(layer: Layer, file: TomlFile, base: SettingName, values: Mapping[str, object]) -> LayerValues:
    return LayerValues(
        layer=layer,
        values=json_tree(values, source=str(file.path)),
        locate=lambda name: file.place((*base, *name)),
    )


def _misplaced(model: type[PipelineSettings], habitat: str, name: str, file: TomlFile) -> SettingsError:
    source = file.place((name,))
    if name in model.model_fields:
        rule = f'is a setting of {habitat}: write it below [{HABITATS_TABLE}."{habitat}"]'
        return SettingsError(problems=(SettingProblem(name, f"{name}: {rule}", source),))
    known = RESERVED_NAMES | {HABITATS_TABLE}
    return UnknownSettingError(model=PipelineSettings.__name__, name=name, unknown=name, known=known, source=source)
