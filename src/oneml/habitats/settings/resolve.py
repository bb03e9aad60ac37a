"""Settings resolved where a session is created: every layer read, checked, merged and validated."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.checks import layer_problems, raise_all
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.environment import ReadLayer
from oneml.habitats.settings.layers import Layers, LayerValues
from oneml.habitats.settings.model_values import Values, resolved_or_raise, values_of_tree
from oneml.habitats.settings.models import PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.process import process_layers
from oneml.habitats.settings.references import SecretSource
from oneml.habitats.settings.session import SessionLayers, assignment_layers, code_layers, file_layers
from oneml.habitats.settings.shapes import merged
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources
from oneml.habitats.settings.validation import dumped, validated, with_defaults
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.setting_problem import SettingProblem

S = TypeVar("S", bound=PipelineSettings)

_SURVIVAL = (
    "does not come back as it is when it is written as JSON and read again, so a worker would have another value; "
    "give it a type, a default or a validator that does"
)


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
    layers = _checked(model, list(process_layers(model, habitat, sources)), parts)
    secrets = SecretSource.of_environment(sources.environ)
    process = _values(model, {}, layers.process, secrets)
    return EffectiveSettings(
        model=model,
        layers=layers,
        secrets=secrets,
        process=process,
        session=_values(model, process.tree, layers.session, secrets) if layers.session else process,
        on_worker=False,
    )


def _checked(model: type[PipelineSettings], read: Sequence[ReadLayer], parts: Sequence[SessionLayers]) -> Layers:
    layers = Layers(
        process=tuple(layer for layer, _ in read if layer.values),
        session=tuple(part.session for part in parts if part.session is not None and part.session.values),
        nodes=_by_path(parts),
    )
    errors = [error for _, found in read for error in found] + [error for part in parts for error in part.errors]
    raise_all([*errors, *(error for layer in layers.every() for error in layer_problems(model, layer))])
    return layers


def _values(
    model: type[S], below: Mapping[str, JsonValue], layers: Sequence[LayerValues], secrets: SecretSource
) -> Values[S]:
    tree = below
    for layer in layers:
        tree = merged(model, tree, layer.values)
    tree = with_defaults(model, tree)
    instance = values_of_tree(model, tree, layers, secrets, on_worker=False).model
    try:
        complete = dumped(model, instance, tree)
    except ValueError as error:
        raise SettingsError(problems=(SettingProblem(model.__name__, f"{model.__name__} {error}"),)) from None
    return Values(instance, complete, _check_survival(model, instance, complete, secrets))


def _check_survival(
    model: type[S], instance: S, complete: Mapping[str, JsonValue], secrets: SecretSource
) -> frozenset[str]:
    """Refuse values that a worker, reading them from a recipe, would have otherwise; return the secrets."""
    again = resolved_or_raise(model, complete, secrets, on_worker=False)
    try:
        copy = validated(model, again, lambda _: "")
    except SettingsError as error:
        problems = [SettingProblem(p.setting, f"{p.setting}: {_SURVIVAL} ({p.message})") for p in error.problems]
        raise SettingsError(problems=problems) from None
    lost = [name for name in model.model_fields if getattr(instance, name) != getattr(copy, name)]
    if lost:
        raise SettingsError(problems=[SettingProblem(name, f"{name}: {_SURVIVAL}") for name in lost])
    return again.texts


def _by_path(parts: Sequence[SessionLayers]) -> Mapping[NodePath, tuple[LayerValues, ...]]:
    found: dict[NodePath, tuple[LayerValues, ...]] = {}
    for part in parts:
        for path, layer in part.nodes.items():
            found[path] = (*found.get(path, ()), layer)
    return found
