"""A tree of settings as the model that it describes, with the secrets that were found for it."""

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from typing_extensions import override

from oneml.habitats.errors import SecretRefusedError, SecretUnavailableError, SettingsModelChangedError
from oneml.habitats.settings.layers import LayerValues, source_of
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.references import ResolvedSecrets, SecretSource
from oneml.habitats.settings.validation import validated
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.setting_problem import SettingProblem

S = TypeVar("S", bound=PipelineSettings)


class Values(NamedTuple, Generic[S]):
    """A model, the same as a tree of JSON values with references for secrets, and those secrets."""

    model: S
    tree: Mapping[str, JsonValue]
    secrets: frozenset[str]

    @override
    def __repr__(self) -> str:
        return f"<values of {type(self.model).__name__}>"


def values_of_tree(
    model: type[S],
    tree: Mapping[str, JsonValue],
    layers: Sequence[LayerValues],
    secrets: SecretSource,
    *,
    on_worker: bool,
) -> Values[S]:
    """Return the model that ``tree`` describes, with its secrets.

    Args:
        model: The package's model.
        tree: What was merged.
        layers: What it was merged from, to tell where a wrong value was given.
        secrets: Where references lead to.
        on_worker: Whether a reference that leads to nothing is a refusal.

    Raises:
        SettingsError: Values do not fit their types.
        SecretUnavailableError: On the driver, a reference leads to nothing.
        SecretRefusedError: On a worker, the same.
    """
    resolved = resolved_or_raise(model, tree, secrets, on_worker=on_worker)
    return Values(validated(model, resolved, lambda name: source_of(layers, name)), tree, resolved.texts)


def resolved_or_raise(
    model: type[PipelineSettings], tree: Mapping[str, JsonValue], secrets: SecretSource, *, on_worker: bool
) -> ResolvedSecrets:
    """Return ``tree`` with its secrets in place.

    Raises:
        SecretUnavailableError: On the driver, a reference leads to nothing.
        SecretRefusedError: On a worker, the same.
    """
    resolved = secrets.resolve(model, tree)
    if resolved.missing and on_worker:
        raise SecretRefusedError(missing=resolved.missing)
    if resolved.missing:
        raise SecretUnavailableError(missing=resolved.missing)
    return resolved


def refused(model: type[PipelineSettings], problems: Sequence[SettingProblem]) -> SettingsModelChangedError:
    """Return the refusal of a worker whose model does not take the recipe's settings."""
    return SettingsModelChangedError(model=model.__name__, reason="; ".join(map(str, problems)))
