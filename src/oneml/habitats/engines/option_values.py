"""Options of engines as settings give them: known by name, and of the type of their defaults."""

import math
from collections.abc import Mapping, Sequence
from typing import cast

from oneml.habitats.errors import SettingsError
from oneml.habitats.ports.engine import INLINE_RESULT_MAX_BYTES
from oneml.habitats.values.setting_problem import SettingProblem
from oneml.habitats.values.suggestions import known_names

INLINE = "inline_max_bytes"
"""The option of engines whose replies carry small outputs: 0 lets workers commit everything themselves."""


def checked_options(engine: str, given: Mapping[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """Return options that settings give, once they fit.

    Args:
        engine: The engine, for messages.
        given: By name.
        defaults: Of every option: a text, a list of texts, a table, true or false, a number; None for a text that may
            be absent. Numbers are above 0, whole where the default is.

    Raises:
        SettingsError: Some are unknown, or have values that they cannot have; lists all.
    """
    problems: list[SettingProblem] = []
    for name, value in given.items():
        setting = f"engines.{engine}.{name}"
        if name not in defaults:
            known = known_names(name, sorted(defaults)) if defaults else "It has none."
            problems.append(SettingProblem(setting, f"{setting}: the engine has no such option. {known}"))
            continue
        wanted = _wanted(name, value, defaults[name])
        if wanted:
            problems.append(SettingProblem(setting, f"{setting} has to be {wanted}, not {value!r}."))
    if problems:
        raise SettingsError(problems=problems)
    return {
        name: float(value) if isinstance(value, int) and isinstance(defaults[name], float) else value
        for name, value in given.items()
    }


def _wanted(name: str, value: object, default: object) -> str:
    """Return what a value would have to be, empty where it is that."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and value < math.inf
    if name == INLINE:
        fits = number and isinstance(value, int) and 0 <= value <= INLINE_RESULT_MAX_BYTES
        return "" if fits else f"a whole number from 0 to {INLINE_RESULT_MAX_BYTES}"
    fits, what = False, ""
    if isinstance(default, bool):
        fits, what = isinstance(value, bool), "true or false"
    elif isinstance(default, int | float):
        whole = isinstance(default, int)
        fits = number and cast("float", value) > 0 and (isinstance(value, int) or not whole)
        what = "a whole number above 0" if whole else "a number above 0"
    elif default is None or isinstance(default, str):
        fits = value is default or (isinstance(value, str) and (value != "" or default == ""))
        what = "a text"
    elif isinstance(default, Mapping):
        fits, what = isinstance(value, Mapping), "a table"
    else:
        items = cast("Sequence[object]", value) if isinstance(value, list | tuple) else (None,)
        fits, what = all(isinstance(item, str) for item in items), "a list of texts"
    return "" if fits else what
