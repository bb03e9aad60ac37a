"""Settings resolved where a session is created: every layer read, checked, merged and validated."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

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
    given = GivenSettings.of(session, command_line)
    effective = resolve_session(model, habitat=habitat, given=given, sources=sources)
    nodes, errors = given.entries(model)
    raise_all([error for _, error in errors])
    return effective.with_entries(nodes)


def resolve_session(
    model: type[S],
    *,
    habitat: str,
    given: "GivenSettings",
    sources: ProcessSources,
    above: Sequence[LayerValues] | None = None,
) -> EffectiveSettings[S]:
    """Resolve the settings of a session without entries for nodes, which may turn out to be about other models.

    Args:
        model: The package's model.
        habitat: Name of the habitat.
        given: What is given for the session.
        sources: Where the layers of the process are read from.
        above: The layers of the session where the habitat is an included one; ``given`` is not looked at then.

    Raises:
        SettingsError: Something is wrong with the process or the session; then what is wrong with entries is told too.
        SecretUnavailableError: A reference to a secret leads to nothing here.
    """
    read = list(process_layers(model, habitat, sources))
    parts = given.parts(model) if above is None else ()
    session = tuple(part.session for part in parts if part.session is not None and part.session.values)
    layers = Layers(
        process=tuple(layer for layer, _ in read if layer.values),
        session=session if above is None else tuple(above),
        nodes={},
    )
    errors = [error for _, found in read for error in found] + [error for part in parts for error in part.errors]
    errors += [error for layer in layers.every() for error in layer_problems(model, layer)]
    if errors and above is None:
        errors += [error for _, error in given.entries(model)[1]]
    secrets = SecretSource.of_environment(sources.environ)._replace(lenient=sources.without_secrets)
    process, of_session = _values(model, layers, secrets, errors)
    return EffectiveSettings(
        model=model, layers=layers, secrets=secrets, process=process, session=of_session, on_worker=False
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


class GivenSettings(NamedTuple):
    """What is given for a session, before anybody knows which model each part of it is about.

    Attributes:
        file: From ``--settings``.
        code: From code.
        assignments: Of ``--set``.
    """

    file: SessionLayers
    code: SessionLayers
    assignments: Sequence[str]

    @classmethod
    def of(
        cls,
        session: PipelineSessionSettings | Mapping[str, object] | None,
        command_line: CommandLineSettings | None,
    ) -> "GivenSettings":
        """Read what does not depend on a model.

        Raises:
            SettingsError: The file cannot be read, or a value has no form in JSON.
            InvalidNodePathError: A key of ``nodes``, given in code, is no path.
        """
        line = command_line or CommandLineSettings()
        return cls(file_layers(line.file), code_layers(session), line.assignments)

    def parts(self, model: type[PipelineSettings]) -> Sequence[SessionLayers]:
        """Return what is given, lowest first, as ``model`` reads it."""
        return (self.file, self.code, assignment_layers(model, self.assignments))

    def entries(
        self, model: type[PipelineSettings], concerns: Callable[[NodePath], bool] = lambda _: True
    ) -> tuple[Mapping[NodePath, tuple[LayerValues, ...]], Sequence[tuple[NodePath, SettingsError]]]:
        """Return the entries for some nodes, and what is wrong with them, as ``model`` reads them.

        Args:
            model: The model.
            concerns: Tells whether a path is about it.
        """
        found: dict[NodePath, tuple[LayerValues, ...]] = {}
        errors: list[tuple[NodePath, SettingsError]] = []
        for part in self.parts(model):
            errors += [(path, error) for path, error in part.node_errors if concerns(path)]
            for path, layer in part.nodes.items():
                if concerns(path):
                    found[path] = (*found.get(path, ()), layer)
        errors += [
            (path, error) for path, layers in found.items() for each in layers for error in layer_problems(model, each)
        ]
        return found, errors


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
