"""Variables that would feed a setting otherwise on this machine than on the driver. The recipe wins; they are told."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.effective import EffectiveSettings, S
from oneml.habitats.settings.environment import environment_layer
from oneml.habitats.settings.layers import Layer, LayerValues, sets
from oneml.habitats.settings.references import SecretSource
from oneml.habitats.settings.shapes import SettingName, dotted, leaves, merged, nested, value_at
from oneml.habitats.settings.validation import default_values, dumped, validated
from oneml.habitats.values.json_value import JsonValue, canonical_json


class Difference(NamedTuple):
    """A variable that is without effect here.

    Attributes:
        name: The variable.
        setting: Dotted name of the setting that it would feed.
        snapshot: What the recipe says, as text; of a secret the reference.
        here: What the variable says here; None where it is not set.
    """

    name: str
    setting: str
    snapshot: str
    here: str | None

    def __str__(self) -> str:
        here = "is not set here" if self.here is None else f"is {self.here!r} here"
        return f"{self.name} {here}, without effect: the recipe has {self.setting} = {self.snapshot}"


def environment_differences(effective: EffectiveSettings[S], environ: Mapping[str, str]) -> Sequence[Difference]:
    """Return the variables by which ``environ`` differs from what the session was created with.

    Args:
        effective: The settings, from the recipe.
        environ: The variables of this machine.

    Returns:
        Variables that are set otherwise here, set here alone, or missing here, where that would change the setting;
        sorted by name. Of secrets only references are compared.
    """
    recorded = _environment_of(effective.layers.process)
    here = environment_layer(effective.model, environ).layer
    if here.values == recorded.values:
        return ()
    process = effective.layers.process
    above = tuple(layer for layer in process if layer.layer is Layer.REVISION)
    lower = tuple(layer for layer in process if layer.layer not in {Layer.ENVIRONMENT, Layer.REVISION})
    secrets = SecretSource.of_environment(environ)
    found: dict[str, Difference] = {}
    for layer in (recorded, here):
        for leaf in leaves(effective.model, layer.values):
            name, set_here = dotted(leaf.name), sets(here.values, leaf.name)
            there = value_at(effective.process_values, leaf.name)
            now = _value_here(effective, leaf.name, (*lower, here, *above), secrets)
            if there != now:
                variable = (here if set_here else recorded).source_of(leaf.name)
                found[name] = Difference(variable, name, _text(there), _text(now) if set_here else None)
    return sorted(found.values())


def _environment_of(layers: Sequence[LayerValues]) -> LayerValues:
    empty = LayerValues(layer=Layer.ENVIRONMENT, values={})
    return next((layer for layer in layers if layer.layer is Layer.ENVIRONMENT), empty)


def _value_here(
    effective: EffectiveSettings[S], name: SettingName, layers: Sequence[LayerValues], secrets: SecretSource
) -> JsonValue:
    """Return what the setting would be by ``layers``; as it is written where it does not fit its type."""
    model = effective.model
    given = [value_at(layer.values, name) for layer in layers if sets(layer.values, name)]
    written = [None, *default_values(model, name), *given][-1]
    tree = merged(model, effective.process_values, nested(name, written))
    try:
        return value_at(dumped(model, validated(model, secrets.resolve(model, tree), lambda _: ""), tree), name)
    except (SettingsError, ValueError):
        return written


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()
