"""The layers that variables make: the environment, and ``.env`` in the working directory."""

import logging
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from pydantic_settings import DotEnvSettingsSource
from pydantic_settings import SettingsError as SourceError

from oneml.habitats.errors import SettingsError, UnknownVariableError
from oneml.habitats.settings.json_form import as_json
from oneml.habitats.settings.layers import Layer, LayerValues
from oneml.habitats.settings.models import RESERVED_NAMES, PipelineSettings
from oneml.habitats.settings.shapes import SettingName, combined, dotted, find_setting, leaves, names_in, nested
from oneml.habitats.settings.text_values import needs_json
from oneml.habitats.settings.variables import (
    DELIMITER,
    RESERVED_PREFIX,
    VariablesSource,
    prefix_of,
    setting_of_variable,
    variable_of,
    variables_below,
)
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.setting_problem import SettingProblem

DOTENV_NAME = ".env"


class ReadLayer(NamedTuple):
    """A layer, and what was wrong with reading it; what was wrong is not in the layer."""

    layer: LayerValues
    errors: tuple[SettingsError, ...] = ()


class _Group(NamedTuple):
    """The variables under one prefix, and the settings that they may feed."""

    prefix: str
    names: frozenset[str]


@dataclass(slots=True)
class _Reading:
    """A layer while it is being read."""

    model: type[PipelineSettings]
    layer: Layer
    place: Callable[[str], str]
    values: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    sources: dict[str, str] = field(default_factory=dict[str, str])
    errors: list[SettingsError] = field(default_factory=list[SettingsError])

    def take(self, group: _Group, variable: str, text: str) -> None:
        """Add what ``variable`` sets, or what is wrong with it."""
        name = setting_of_variable(self.model, variable[len(group.prefix) :])
        if name is not None and name[0] not in group.names:
            name = None
        try:
            tree = self._tree(group, name, variable, text)
        except (SourceError, ValueError) as error:
            shown = dotted(name) if name is not None else variable
            # What pydantic-settings raises carries the text of the variable, so only its rule is told.
            wanted = find_setting(self.model, name).annotation if name is not None else object
            rule = needs_json(wanted) if isinstance(error, SourceError) else str(error)
            self._refuse(SettingProblem(shown, f"{shown}: {rule}", self.place(variable)))
            return
        if not tree:
            self.errors.append(self._unknown(group, variable))
            return
        self._add(tree, self.place(variable))

    def _tree(self, group: _Group, name: SettingName | None, variable: str, text: str) -> Mapping[str, JsonValue]:
        as_json(text)
        setting = find_setting(self.model, name) if name is not None else None
        if name is not None and setting is not None:
            if setting.secret:
                return nested(name, f"env:{variable}" if self.layer is Layer.ENVIRONMENT else text)
            if setting.optional and text == "null":
                return nested(name, None)
        source = VariablesSource(self.model, prefix=group.prefix, names=group.names, variables={variable.lower(): text})
        found = {key: as_json(value) for key, value in source().items()}
        if name is not None and not found:
            message = "null is no value of it"
            raise ValueError(message)
        return found

    def _add(self, tree: Mapping[str, JsonValue], place: str) -> None:
        self.values = combined(self.model, self.values, tree)
        joined = {
            dotted(leaf.name): f"{before}, {place}"
            for leaf in leaves(self.model, tree)
            if leaf.setting.mapping and (before := self.sources.get(dotted(leaf.name))) is not None
        }
        self.sources |= {dotted(name): place for name in names_in(tree)} | joined

    def _unknown(self, group: _Group, variable: str) -> SettingsError:
        suffix = variable[len(group.prefix) :]
        elsewhere = setting_of_variable(self.model, suffix)
        known = frozenset(variables_below(self.model, group.prefix, group.names))
        hint = ""
        if elsewhere is not None:
            prefix = RESERVED_PREFIX if elsewhere[0] in RESERVED_NAMES else prefix_of(self.model)
            hint = f'"{dotted(elsewhere)}" is read from {variable_of(prefix, elsewhere)}.'
        remedy = (
            f"Unset it, or, where variables that begin with {group.prefix} belong to something else too, "
            f"declare another env_prefix in {self.model.__name__}."
        )
        return UnknownVariableError(
            variable=variable,
            model=self.model.__name__,
            known=known,
            hint=hint,
            remedy="" if hint or group.prefix == RESERVED_PREFIX else remedy,
            source=self.place(variable),
        )

    def _refuse(self, problem: SettingProblem) -> None:
        self.errors.append(SettingsError(problems=(problem,)))


def environment_layer(model: type[PipelineSettings], environ: Mapping[str, str]) -> ReadLayer:
    """Read what the environment sets; a secret becomes a reference to its variable."""
    return _variables_layer(model, environ, Layer.ENVIRONMENT, str)


def dotenv_layer(model: type[PipelineSettings], folder: Path) -> ReadLayer:
    """Read what ``.env`` in ``folder`` sets; empty where there is none."""
    path = folder / DOTENV_NAME
    try:
        if not path.is_file():
            return ReadLayer(LayerValues(layer=Layer.DOTENV, values={}))
        with _unheard():
            source = DotEnvSettingsSource(PipelineSettings, env_file=path, case_sensitive=True)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problem = SettingProblem(DOTENV_NAME, f"{path} cannot be read: {reason}")
        return ReadLayer(LayerValues(layer=Layer.DOTENV, values={}), (SettingsError(problems=(problem,)),))
    lines = text.splitlines()
    variables = {name: value for name, value in source.env_vars.items() if value is not None}

    def place(variable: str) -> str:
        pattern = re.compile(rf"\s*(export\s+)?{re.escape(variable)}\s*=")
        numbers = [number for number, line in enumerate(lines, 1) if pattern.match(line)]
        return f"{path}:{numbers[-1]}" if numbers else str(path)

    layer, errors = _variables_layer(model, variables, Layer.DOTENV, place)
    return ReadLayer(layer, (*_unreadable_lines(model, path, text), *errors))


@contextmanager
def _unheard() -> Generator[None]:
    """Silence what python-dotenv says of lines that it cannot read: `_unreadable_lines` tells of those of ours."""

    def none(_: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger("dotenv.main")
    logger.addFilter(none)
    try:
        yield
    finally:
        logger.removeFilter(none)


def _unreadable_lines(model: type[PipelineSettings], path: Path, text: str) -> Iterator[SettingsError]:
    """Give an error for each line of ``.env`` that begins with a variable of ours and cannot be read."""
    from dotenv.parser import parse_stream  # noqa: PLC0415  # only where there is such a file

    prefixes = tuple(group.prefix.upper() for group in _groups(model))
    for binding in parse_stream(StringIO(text)):
        begun = re.match(r"\s*(?:export\s+)?(\w+)", binding.original.string)
        if binding.error and begun is not None and begun[1].upper().startswith(prefixes):
            line = binding.original.line + binding.original.string.count("\n", 0, begun.start(1))
            message = f"{begun[1]}: cannot be read: write {begun[1]}=VALUE"
            yield SettingsError(problems=(SettingProblem(begun[1], message, f"{path}:{line}"),))


def _variables_layer(
    model: type[PipelineSettings], variables: Mapping[str, str], layer: Layer, place: Callable[[str], str]
) -> ReadLayer:
    reading = _Reading(model, layer, place)
    for group in _groups(model):
        chosen = [name for name in variables if name[: len(group.prefix)].upper() == group.prefix.upper()]
        for twins in _twins(chosen):
            message = f"{' and '.join(twins)} are one variable to settings: unset all but one"
            reading.errors.append(SettingsError(problems=(SettingProblem(twins[0], message),)))
        # A variable that gives a whole model comes before those that give a part of it.
        for variable in sorted(chosen, key=lambda name: (name.count(DELIMITER), name)):
            reading.take(group, variable, variables[variable])
    values = LayerValues(layer=layer, values=reading.values, sources=reading.sources)
    return ReadLayer(values, tuple(reading.errors))


def _groups(model: type[PipelineSettings]) -> Iterator[_Group]:
    yield _Group(RESERVED_PREFIX, RESERVED_NAMES)
    own = frozenset(model.model_fields) - RESERVED_NAMES
    if own:
        yield _Group(prefix_of(model), own)


def _twins(names: list[str]) -> list[list[str]]:
    """Return the groups of names that differ in upper and lower case alone."""
    by_folded: dict[str, list[str]] = {}
    for name in sorted(names):
        by_folded.setdefault(name.upper(), []).append(name)
    return [group for group in by_folded.values() if len(group) > 1]
