"""Variables and files that would feed a setting otherwise here than on the driver. The recipe wins; they are told."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.effective import EffectiveSettings, S
from oneml.habitats.settings.environment import environment_layer
from oneml.habitats.settings.layers import Layer, LayerValues, sets
from oneml.habitats.settings.references import SecretSource, is_reference
from oneml.habitats.settings.shapes import Leaf, SettingName, dotted, leaves, merged, nested, value_at
from oneml.habitats.settings.validation import default_values, dumped, validated
from oneml.habitats.values.json_value import JsonValue, canonical_json


class Difference(NamedTuple):
    """A variable, or a line of a file, that is without effect here.

    Attributes:
        name: The variable, or the file and the line.
        setting: Dotted name of the setting that it would feed.
        snapshot: What the recipe says, as text; of a secret the reference.
        here: What it says here; None where a variable is not set.
    """

    name: str
    setting: str
    snapshot: str
    here: str | None

    def __str__(self) -> str:
        here = "is not set here" if self.here is None else f"gives {self.here!r} here"
        return f"{self.name} {here}, without effect: the recipe has {self.setting} = {self.snapshot}"


def environment_differences(
    effective: EffectiveSettings[S], environ: Mapping[str, str], *, files: Sequence[LayerValues] = ()
) -> Sequence[Difference]:
    """Return what differs here from what the session was created with.

    Args:
        effective: The settings, from the recipe.
        environ: The variables of this machine.
        files: The layers of the files here, ``.env`` among them, lowest first.

    Returns:
        Variables that are set otherwise here, set here alone, or missing here, and what files here say otherwise, where
        that would change the setting; sorted by name. Files that are missing here are not told: they belong to the
        machine of the driver. Of secrets only references are compared and shown.
    """
    process = effective.layers.process
    recorded = _environment_of(process)
    here = environment_layer(effective.model, environ).layer
    if here.values == recorded.values and _said(files) <= _said(process):
        return ()
    told = {layer.layer for layer in files}
    above = tuple(layer for layer in process if layer.layer is Layer.REVISION)
    elsewhere = tuple(layer for layer in process if layer.layer not in {Layer.ENVIRONMENT, Layer.REVISION, *told})
    stack = (*sorted((*elsewhere, *files), key=lambda layer: _ORDER.index(layer.layer)), here, *above)
    secrets = SecretSource.of_environment(environ)
    found: dict[str, Difference] = {}
    for layer in (recorded, here, *files):
        for leaf in leaves(effective.model, layer.values):
            name = dotted(leaf.name)
            source = next((one for one in (here, *reversed(files)) if sets(one.values, leaf.name)), None)
            there = value_at(effective.process_values, leaf.name)
            now = _value_here(effective, leaf.name, stack, secrets)
            if there != now:
                shown = None if source is None else _shown(leaf, source, now)
                found[name] = Difference((source or recorded).source_of(leaf.name), name, _text(there), shown)
    return sorted(found.values())


_ORDER = (Layer.USER_FILE, Layer.PROJECT_FILE, Layer.DOTENV)


def _said(layers: Sequence[LayerValues]) -> frozenset[tuple[str, bytes]]:
    """Return what layers of files say, in a form that can be compared."""
    return frozenset(
        (layer.layer.value, canonical_json(layer.values)) for layer in layers if layer.layer in _ORDER and layer.values
    )


def _shown(leaf: Leaf, source: LayerValues, now: JsonValue) -> str:
    """Return a value as text; what was written in the place of a reference to a secret is not shown."""
    if not leaf.setting.secret:
        return _text(now)
    written = value_at(source.values, leaf.name)
    return _text(written) if is_reference(written) else "what is no reference"


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
