"""Changes to the settings of the process while sessions run: a layer of its own, above the environment."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from oneml.habitats.settings.checks import layer_problems, raise_all
from oneml.habitats.settings.completion import complete_values
from oneml.habitats.settings.layers import Layer, Layers, LayerValues
from oneml.habitats.settings.model_values import Values
from oneml.habitats.settings.models import PipelineSettings, json_tree
from oneml.habitats.settings.references import SecretSource
from oneml.habitats.settings.shapes import SettingName, dotted, leaves, merged
from oneml.habitats.values.json_value import JsonObject, JsonValue

S = TypeVar("S", bound=PipelineSettings)


def revised_layers(model: type[PipelineSettings], layers: Layers, values: Mapping[str, object], source: str) -> Layers:
    """Return ``layers`` with a change on top of those of the process; what earlier changes set stays.

    Raises:
        SettingsError: The change names what is no setting, or holds a secret itself.
    """

    def here(_: SettingName) -> str:
        return source

    tree = json_tree(values, source=source)
    places = {dotted(leaf.name): source for leaf in leaves(model, tree)}
    change = LayerValues(layer=Layer.REVISION, values=tree, sources=places, locate=here)
    raise_all(list(layer_problems(model, change)))
    earlier = next((layer for layer in layers.process if layer.layer is Layer.REVISION), None)
    if earlier is not None:
        both = merged(model, earlier.values, change.values)
        kept = {name: place for name, place in earlier.sources.items() if _stays(name, places)}
        change = change._replace(values=both, sources={**kept, **places})
    others = tuple(layer for layer in layers.process if layer.layer is not Layer.REVISION)
    return layers._replace(process=(*others, change) if change.values else others)


def revised_values(
    model: type[S], process: JsonObject, layers: Layers, secrets: SecretSource
) -> tuple[Values[S], Values[S]]:
    """Return the values of process and session under `revised_layers`.

    Args:
        model: The package's model.
        process: Every value of the process before the change; what nothing changes stays, defaults too.
        layers: With the change.
        secrets: Where references lead to.

    Raises:
        SettingsError: Values do not fit their types.
        SecretUnavailableError: A reference leads to nothing.
    """
    change = [layer for layer in layers.process if layer.layer is Layer.REVISION]
    after = complete_values(model, process, change, secrets)
    return after, complete_values(model, after.tree, layers.session, secrets) if layers.session else after


def changed_names(
    model: type[PipelineSettings], before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]
) -> Iterator[str]:
    """Give the dotted name of every value that is not the same on both sides."""
    left, right = ({dotted(leaf.name): leaf.value for leaf in leaves(model, tree)} for tree in (before, after))
    for name in left.keys() | right.keys():
        if name not in left or name not in right or left[name] != right[name]:
            yield name


def _stays(name: str, changed: Mapping[str, str]) -> bool:
    return not any(name == other or name.startswith(f"{other}.") for other in changed)
