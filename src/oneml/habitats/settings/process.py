"""The layers of a process: the user's file, ``oneml.toml``, ``.env`` and the environment, lowest first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from oneml.habitats.errors import SettingsError, UnknownSettingError
from oneml.habitats.settings.environment import ReadLayer, dotenv_layer, environment_layer
from oneml.habitats.settings.layers import Layer, LayerValues
from oneml.habitats.settings.models import RESERVED_NAMES, PipelineSettings, json_tree
from oneml.habitats.settings.shapes import SettingName
from oneml.habitats.settings.signing_key import SIGNING_KEY_NAME
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.settings.toml_files import TomlFile, read_toml
from oneml.habitats.values.setting_problem import SettingProblem

PROJECT_FILE_NAME = "oneml.toml"
HABITATS_TABLE = "habitats"


def process_layers(model: type[PipelineSettings], habitat: str, sources: ProcessSources) -> Iterator[ReadLayer]:
    """Give the layers of the process, lowest first, each with what is wrong with reading it.

    Raises:
        SettingsError: A file cannot be read.
    """
    user = sources.user_file()
    if user is not None:
        yield from _file_layers(model, habitat, Layer.USER_FILE, user)
    project = read_toml(sources.working_directory / PROJECT_FILE_NAME)
    if project is not None:
        yield from _file_layers(model, habitat, Layer.PROJECT_FILE, project)
    yield dotenv_layer(model, sources.working_directory)
    yield environment_layer(model, sources.environ)


def habitat_tables(sources: ProcessSources) -> Iterator[tuple[str, str]]:
    """Give the name of each habitat that a file of this process has a table for, and where it stands.

    Raises:
        SettingsError: A file cannot be read.
    """
    for file in (sources.user_file(), read_toml(sources.working_directory / PROJECT_FILE_NAME)):
        tables = None if file is None else file.tables.get(HABITATS_TABLE)
        if file is not None and isinstance(tables, Mapping):
            for name in cast("Mapping[str, object]", tables):
                yield name, file.place((HABITATS_TABLE, name))


def files_here(model: type[PipelineSettings], habitat: str, sources: ProcessSources) -> Sequence[LayerValues]:
    """Return the layers of the files of this process, ``.env`` among them, lowest first; empty ones are left out.

    Raises:
        SettingsError: A file cannot be read.
    """
    layers = (read.layer for read in process_layers(model, habitat, sources))
    return [layer for layer in layers if layer.values and layer.layer is not Layer.ENVIRONMENT]


def _file_layers(model: type[PipelineSettings], habitat: str, layer: Layer, file: TomlFile) -> Iterator[ReadLayer]:
    """Give what a file says for every habitat, then what its table for this habitat says."""
    tables = file.tables.get(HABITATS_TABLE, {})
    own = cast("Mapping[str, object]", tables).get(habitat, {}) if isinstance(tables, Mapping) else None
    if not isinstance(own, Mapping):
        rule = f'must be a table: write the settings of a habitat below [{HABITATS_TABLE}."its-name"]'
        problem = SettingProblem(HABITATS_TABLE, f"{HABITATS_TABLE}: {rule}", file.place((HABITATS_TABLE,)))
        raise SettingsError(problems=(problem,))
    for_all = {name: value for name, value in file.tables.items() if name in RESERVED_NAMES}
    control = {SIGNING_KEY_NAME} if layer is Layer.USER_FILE else set[str]()
    others = file.tables.keys() - for_all.keys() - {HABITATS_TABLE} - control
    errors = tuple(_misplaced(model, habitat, name, file) for name in sorted(others))
    yield ReadLayer(_layer(layer, file, (), for_all), errors)
    yield ReadLayer(_layer(layer, file, (HABITATS_TABLE, habitat), cast("Mapping[str, object]", own)))


def _layer(layer: Layer, file: TomlFile, base: SettingName, values: Mapping[str, object]) -> LayerValues:
    return LayerValues(
        layer=layer,
        values=json_tree(values, source=str(file.path)),
        locate=file.places_below(base),
    )


def _misplaced(model: type[PipelineSettings], habitat: str, name: str, file: TomlFile) -> SettingsError:
    source = file.place((name,))
    if name in model.model_fields:
        rule = f'is a setting of {habitat}: write it below [{HABITATS_TABLE}."{habitat}"]'
        return SettingsError(problems=(SettingProblem(name, f"{name}: {rule}", source),))
    known = RESERVED_NAMES | {HABITATS_TABLE}
    return UnknownSettingError(model=PipelineSettings.__name__, name=name, unknown=name, known=known, source=source)
