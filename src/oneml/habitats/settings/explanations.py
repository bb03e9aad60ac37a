"""Why each setting is what it is: the layer in force, where that was written, and everything that it hid."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from oneml.habitats.settings.default_places import default_place
from oneml.habitats.settings.effective import EffectiveSettings, S
from oneml.habitats.settings.layers import Layer, Layers, LayerValues, Origin, sets
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.recorded_sources import recorded_defaults, with_sources
from oneml.habitats.settings.shapes import Leaf, SettingName, dotted, find_setting, leaves, merged, value_at
from oneml.habitats.settings.snapshot import read_snapshot
from oneml.habitats.settings.validation import default_values, with_defaults
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath

_NO_ENTRIES: Mapping[str, JsonValue] = {}


class Contribution(NamedTuple):
    """What one layer says about one setting.

    Attributes:
        origin: The layer, and where in it.
        value: What it says, of a secret the reference.
    """

    origin: Origin
    value: JsonValue


class Explanation(NamedTuple):
    """Why a setting is what it is.

    Attributes:
        name: Dotted.
        value: In force, as JSON; of a secret the reference.
        secret: Whether it is one.
        origin: Who gave it, and where.
        hidden: What that hides, highest layer first, the default last.
    """

    name: str
    value: JsonValue
    secret: bool
    origin: Origin
    hidden: tuple[Contribution, ...] = ()


def setting_explanations(
    effective: EffectiveSettings[S],
    path: NodePath | None = None,
    author: Mapping[str, JsonValue] | None = None,
    names: Collection[str] | None = None,
    *,
    author_source: str = "",
) -> Sequence[Explanation]:
    """Explain settings of a session or of a node, sorted by name.

    Args:
        effective: The settings.
        path: The node; None for the session.
        author: What the author of the node gave for it.
        names: Dotted names of settings, or of models with everything in them; None for all.
        author_source: Where the author gave it: the place of the node.

    Raises:
        OnemlError: As `EffectiveSettings.node`.
        UnknownSettingError: A name is none of the model.
    """
    model = effective.model
    layers = _layers_at(effective.layers, path, author or {}, author_source)
    return _explained(model, layers, effective.values(path, author), names, lambda name: default_place(model, name))


def recorded_explanations(
    model: type[PipelineSettings],
    snapshot: JsonValue,
    sources: JsonValue,
    node_entries: Mapping[str, JsonValue] = _NO_ENTRIES,
    *,
    path: NodePath | None = None,
    author: Mapping[str, JsonValue] | None = None,
    names: Collection[str] | None = None,
    author_source: str = "",
) -> Sequence[Explanation]:
    """Explain the settings of a session that was created earlier, from what was recorded; resolves no secret.

    Args:
        model: The package's model, as it is installed here.
        snapshot: What `EffectiveSettings.snapshot` gave.
        sources: What `EffectiveSettings.snapshot_sources` gave.
        node_entries: What `EffectiveSettings.node_entry_documents` gave, all of it or what applies to the node.
        path: As for `setting_explanations`, and so the rest.
        author: What the author of the node gave for it.
        names: Dotted names of settings; None for all.
        author_source: Where the author gave it.

    Raises:
        InvalidDocumentError: Something that was recorded is not of its form.
        SettingsModelChangedError: The model has other settings by now.
        UnknownSettingError: A name is none of the model.
    """
    read = read_snapshot(model, snapshot, node_entries)
    places = recorded_defaults(sources)
    layers = _layers_at(with_sources(read.layers, sources), path, author or {}, author_source)
    tree = read.session
    for layer in layers:
        if layer.for_nodes:
            tree = merged(model, tree, layer.values)
    return _explained(model, layers, with_defaults(model, tree), names, lambda name: places.get(dotted(name), ""))


def _layers_at(
    layers: Layers, path: NodePath | None, author: Mapping[str, JsonValue], author_source: str
) -> Sequence[LayerValues]:

    def here(_: SettingName) -> str:
        return author_source or Layer.NODE_DEFAULT.value

    if path is None:
        return [*layers.process, *layers.session]
    # The entry at an include path is one of the session of that habitat and of its nodes: it is told once.
    found = [*layers.process, *(layer for layer in layers.session if layer.node is None)]
    if author:
        found.append(LayerValues(layer=Layer.NODE_DEFAULT, values=author, locate=here, node=path))
    return [*found, *layers.entries_at(path)]


def _explained(
    model: type[PipelineSettings],
    layers: Sequence[LayerValues],
    tree: Mapping[str, JsonValue],
    names: Collection[str] | None,
    place: Callable[[SettingName], str],
) -> Sequence[Explanation]:
    given: dict[SettingName, list[Contribution]] = {}
    whole: set[SettingName] = set()
    for layer in layers:
        for leaf in leaves(model, layer.values):
            given.setdefault(leaf.name, []).append(Contribution(layer.origin_of(leaf.name), leaf.value))
            if leaf.setting.model is not None:
                whole.add(leaf.name)
    found: list[Explanation] = []
    for leaf in _chosen(model, tree, names):
        name = leaf.name
        # A model that was unset as a whole concerns everything in it, so there each layer is asked.
        plain = leaf.setting.model is None and not any(name[:length] in whole for length in range(1, len(name)))
        told = given.get(name, [])[::-1] if plain else _asked(layers, name)
        default = Origin(Layer.DEFAULT, place(name))
        if told:
            hidden = [*told[1:], *(Contribution(default, value) for value in _defaults(model, name))]
            found.append(Explanation(dotted(name), leaf.value, leaf.setting.secret, told[0].origin, tuple(hidden)))
        else:
            found.append(Explanation(dotted(name), leaf.value, leaf.setting.secret, default))
    return sorted(found, key=_name_of)


def _asked(layers: Sequence[LayerValues], name: SettingName) -> list[Contribution]:
    return [
        Contribution(layer.origin_of(name), value_at(layer.values, name))
        for layer in reversed(layers)
        if sets(layer.values, name)
    ]


def _chosen(
    model: type[PipelineSettings], tree: Mapping[str, JsonValue], names: Collection[str] | None
) -> Iterable[Leaf]:
    every = leaves(model, tree)
    if names is None:
        return every
    wanted = [tuple(name.split(".")) for name in names]
    for name in wanted:
        find_setting(model, name)
    # A name inside a model that is not there is answered by that model.
    return [leaf for leaf in every if any(_meet(leaf.name, name) for name in wanted)]


def _meet(one: SettingName, other: SettingName) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _name_of(explanation: Explanation) -> str:
    return explanation.name


# What code gives does not change while a process runs.
_defaults = lru_cache(maxsize=4096)(default_values)
