"""Settings resolved where a session is created: every layer read, checked, merged and validated."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from oneml.habitats.errors import SecretUnavailableError, SettingsError, UnknownSettingError
from oneml.habitats.settings.checks import layer_problems, raise_all
from oneml.habitats.settings.completion import complete_values
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.layers import Layers, LayerValues
from oneml.habitats.settings.model_values import Values
from oneml.habitats.settings.models import PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.process import process_layers
from oneml.habitats.settings.references import SecretSource
from oneml.habitats.settings.session import SessionLayers, assignment_layers, code_layers, file_layers
from oneml.habitats.settings.shapes import merged
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath

S = TypeVar("S", bound=PipelineSettings)


def resolve_settings(
    model: type[S],
    *,
    habitat: str,
    session: PipelineSessionSettings | Mapping[str, object] | None = None,
    command_line: CommandLineSettings | None = None,
    sources: ProcessSources,
) -> EffectiveSettings[S]:
    """Resolve the settings of a session that is being created.

    Lowest first: defaults, the user's file, ``oneml.toml``, ``.env``, environment; then ``--settings``, ``session``
    and ``--set``; for a node, what its author gave, then the entries for its path, the longer path winning.

    Args:
        model: The package's model.
        habitat: Name of the habitat, for its tables in files.
        session: What code gives for the session: a model, or reserved and own fields, and ``nodes``, side by side.
        command_line: What the command line gives for it.
        sources: Where the layers of the process are read from.

    Raises:
        SettingsError: Something that was given is wrong; every such thing is in one report. Values for nodes are held
            against their types by `EffectiveSettings.node`.
        SecretUnavailableError: A reference to a secret leads to nothing here.
        InvalidNodePathError: A key of ``nodes``, given in code, is no path.
    """
    given = command_line or CommandLineSettings()
    parts = (file_layers(given.file), code_layers(session), assignment_layers(model, given.assignments))
    read = list(process_layers(model, habitat, sources))
    layers = Layers(
        process=tuple(layer for layer, _ in read if layer.values),
        session=tuple(part.session for part in parts if part.session is not None and part.session.values),
        nodes=_by_path(parts),
    )
    errors = [error for _, found in read for error in found] + [error for part in parts for error in part.errors]
    errors += [error for layer in layers.every() for error in layer_problems(model, layer)]
    secrets = SecretSource.of_environment(sources.environ)._replace(lenient=sources.without_secrets)
    process, session = _values(model, layers, secrets, errors)
    return EffectiveSettings(
        model=model, layers=layers, secrets=secrets, process=process, session=session, on_worker=False
    )


def _values(
    model: type[S], layers: Layers, secrets: SecretSource, errors: Sequence[SettingsError]
) -> tuple[Values[S], Values[S]]:
    """Return the values of the process and of the session.

    Raises:
        SettingsError: There are errors already, or values do not fit their types; where all that is wrong are unknown
            names, the values are looked at all the same, so that one report has both.
        SecretUnavailableError: A reference to a secret leads to nothing here.
    """
    if not all(isinstance(error, UnknownSettingError) for error in errors):
        raise_all(errors)
    try:
        process = complete_values(model, _lent_by_session(model, layers), layers.process, secrets)
        session = complete_values(model, process.tree, layers.session, secrets) if layers.session else process
    except SettingsError as error:
        named = {problem.setting for known in errors for problem in known.problems}
        further = [problem for problem in error.problems if problem.setting not in named]
        if not errors or not further:
            raise_all(errors)
            raise
        raise SettingsError(problems=[*(problem for known in errors for problem in known.problems), *further]) from None
    except SecretUnavailableError:
        raise_all(errors)
        raise
    raise_all(errors)
    return process, session


def _lent_by_session(model: type[PipelineSettings], layers: Layers) -> Mapping[str, JsonValue]:
    """Return what the session gives for fields that have no default and that the process does not set.

    The process has no other value for them, and without one there would be no settings of the process.
    """
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    required -= {name for layer in layers.process for name in layer.values}
    lent: Mapping[str, JsonValue] = {}
    for layer in layers.session:
        lent = merged(model, lent, {name: value for name, value in layer.values.items() if name in required})
    return lent


def _by_path(parts: Sequence[SessionLayers]) -> Mapping[NodePath, tuple[LayerValues, ...]]:
    found: dict[NodePath, tuple[LayerValues, ...]] = {}
    for part in parts:
        for path, layer in part.nodes.items():
            found[path] = (*found.get(path, ()), layer)
    return found
