"""Which variables feed which settings, read by pydantic-settings' own source."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource
from typing_extensions import override

from oneml.habitats.settings.shapes import SettingName, settings_of

RESERVED_PREFIX = "ONEML_SETTINGS__"
"""Of the variables that the reserved fields are read from, whatever the package."""

DELIMITER = "__"

SIGNING_KEY_VARIABLE = "ONEML_SIGNING_KEY"
"""Control variable: the key that recipes are signed with."""

CONTROL_VARIABLES = frozenset(
    {
        "ONEML_HABITATS_PIPELINE",
        "ONEML_PIPELINE_SESSION_ID",
        "ONEML_STORE_URL",
        "ONEML_CONFIG_DIR",
        "ONEML_FAULT",
        "ONEML_SECRETS_DIR",
        SIGNING_KEY_VARIABLE,
    }
)
"""Variables of ours that are never settings."""


def strange_variables(environ: Iterable[str]) -> Sequence[str]:
    """Return the names that look like variables of ours, and are none, sorted."""
    ours = sorted(name for name in environ if name.upper().startswith("ONEML_"))
    return [name for name in ours if name not in CONTROL_VARIABLES and not name.upper().startswith(RESERVED_PREFIX)]


def prefix_of(model: type[BaseSettings]) -> str:
    """Return the prefix of a package's own variables: the declared one, else its upper-cased import name and ``_``."""
    declared = model.model_config.get("env_prefix")
    if declared:
        return declared
    package = model.__module__.partition(".")[0]
    return re.sub(r"[^A-Z0-9]", "_", package.upper()).strip("_") + "_"


def prefix_conflict(prefix: str) -> str | None:
    """Return the variable of ours that would be taken for a package's own setting, or None."""
    folded = prefix.upper()
    if folded.startswith(RESERVED_PREFIX):
        return RESERVED_PREFIX
    ours = sorted(name for name in {*CONTROL_VARIABLES, RESERVED_PREFIX} if name.startswith(folded))
    return ours[0] if ours else None


def variable_of(prefix: str, name: SettingName) -> str:
    """Return the variable that the setting ``name`` is read from."""
    return prefix.upper() + DELIMITER.join(name).upper()


def variables_below(model: type[BaseModel], prefix: str, names: Collection[str]) -> Iterator[str]:
    """Give every variable that feeds one of the settings ``names``, or a setting inside one."""
    for name, setting in settings_of(model).items():
        if name in names:
            variable = variable_of(prefix, (name,))
            yield variable
            if setting.model is not None:
                yield from variables_below(setting.model, variable + DELIMITER, settings_of(setting.model).keys())


def setting_of_variable(model: type[BaseModel], suffix: str) -> SettingName | None:
    """Return the setting that a variable names after its prefix, or None where it names none, or only a part of one."""
    below: type[BaseModel] | None = model
    found: list[str] = []
    for segment in suffix.split(DELIMITER):
        known = {name.casefold(): setting for name, setting in settings_of(below).items()} if below is not None else {}
        setting = known.get(segment.casefold())
        if setting is None:
            return None
        found.append(setting.name)
        below = setting.model
    return tuple(found)


class VariablesSource(EnvSettingsSource):
    """Reads some of the fields of a model under one prefix, from the environment or from variables that are given.

    Args:
        model: The model.
        prefix: Of the variables.
        names: The fields that are read.
        variables: Where from, with lower-case names; None for the environment of the process.
    """

    def __init__(
        self,
        model: type[BaseSettings],
        *,
        prefix: str,
        names: Collection[str],
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._names = frozenset(names)
        self._variables = variables
        super().__init__(model, case_sensitive=False, env_prefix=prefix, env_nested_delimiter=DELIMITER)

    @override
    def _load_env_vars(self) -> Mapping[str, str | None]:
        return super()._load_env_vars() if self._variables is None else self._variables

    @override
    def __call__(self) -> dict[str, object]:
        return {name: value for name, value in super().__call__().items() if name in self._names}
