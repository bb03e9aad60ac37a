"""Layers put together into complete values, where a session is created or its settings are revised."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TypeVar

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.layers import LayerValues
from oneml.habitats.settings.model_values import Values, resolved_or_raise, values_of_tree
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.references import SecretSource
from oneml.habitats.settings.shapes import merged
from oneml.habitats.settings.validation import dumped, validated, with_defaults
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.setting_problem import SettingProblem

S = TypeVar("S", bound=PipelineSettings)

_SURVIVAL = (
    "does not come back as it is when it is written as JSON and read again, so a worker would have another value; "
    "give it a type, a default or a validator that does"
)


def complete_values(
    model: type[S], below: Mapping[str, JsonValue], layers: Sequence[LayerValues], secrets: SecretSource
) -> Values[S]:
    """Return what ``layers`` over ``below`` come to: every value, as a worker will read it again.

    Args:
        model: The package's model.
        below: What the layers stand on; empty for the defaults.
        layers: Lowest first.
        secrets: Where references lead to.

    Raises:
        SettingsError: Values do not fit their types, or would be others on a worker.
        SecretUnavailableError: A reference leads to nothing.
    """
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


def _is_same(value: object, copy: object) -> bool:
    """Tell whether a value has come back: NaN has, though it equals nothing."""
    is_nan = isinstance(value, float) and isinstance(copy, float) and isnan(value) and isnan(copy)
    return is_nan or value == copy


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
    lost = [name for name in model.model_fields if not _is_same(getattr(instance, name), getattr(copy, name))]
    if lost:
        raise SettingsError(problems=[SettingProblem(name, f"{name}: {_SURVIVAL}") for name in lost])
    return again.texts
