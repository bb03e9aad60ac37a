"""Settings of included habitats: which layers stand above their own, and their form in a recipe.

An included habitat resolves its own settings. Above its process stand, lowest first, what the author of the outer
pipeline gives for it, the reserved fields of the session, and the entry at its path, which counts for it as a session
and for each of its nodes. Entries above its path say how its nodes run, by reserved fields.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from oneml.habitats.settings.layers import Layer, LayerValues
from oneml.habitats.settings.models import RESERVED_NAMES
from oneml.habitats.values.include_paths import INCLUDED, part_of, provider_key
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.made_by_path import MadeByPath
from oneml.habitats.values.node_path import ROOT, NodePath

if TYPE_CHECKING:
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSettings


class IncludedSettings:
    """The settings of included habitats by path, each made when it is first asked for.

    Args:
        paths: The include paths.
        make: Makes the settings of one.
    """

    def __init__(
        self, paths: Collection[NodePath], make: "Callable[[NodePath], EffectiveSettings[PipelineSettings]]"
    ) -> None:
        self._settings = MadeByPath(paths, make)

    @classmethod
    def of(cls, made: "Mapping[NodePath, EffectiveSettings[PipelineSettings]]") -> "IncludedSettings":
        """Return those that are made already."""
        self = cls(made, made.__getitem__)
        for path, settings in made.items():
            self._settings.put(path, settings)
        return self

    @property
    def paths(self) -> Collection[NodePath]:
        """The include paths."""
        return self._settings.paths

    def at(self, path: NodePath) -> "EffectiveSettings[PipelineSettings]":
        """Return the settings of the habitat that is included at ``path``."""
        return self._settings.at(path)

    def secret_texts(self) -> frozenset[str]:
        """Return every secret that was resolved so far."""
        return frozenset[str]().union(*(one.secret_texts() for one in self._settings.made().values()))

    def node_paths(self) -> frozenset[NodePath]:
        """Return every path that there is an entry for, as far as settings were asked for."""
        return frozenset[NodePath]().union(*(one.node_paths() for one in self._settings.made().values()))

    def snapshots(self, outer: JsonObject) -> JsonObject:
        """Return the part of a snapshot that is about them; ``outer`` is that of the session's own settings."""
        return {INCLUDED: {path: shortened(self.at(path).snapshot(), outer) for path in self.paths}}

    def sources(self) -> JsonObject:
        """Return where everything in `snapshots` was written."""
        return {INCLUDED: {path: self.at(path).snapshot_sources() for path in self.paths}}

    def entry_documents(self) -> Mapping[NodePath, list[JsonObject]]:
        """Return the entries for their nodes, as JSON."""
        return {
            path: entry
            for include in self.paths
            for path, entry in self.at(include).node_entry_documents().items()
            if part_of(self.paths, path) == include
        }

    def revised(self, values: Mapping[str, object], source: str, parts: Collection[NodePath]) -> "IncludedSettings":
        """Return them after a change; see `EffectiveSettings.revised`."""
        reserved = {name: value for name, value in values.items() if name in RESERVED_NAMES and ROOT in parts}
        made = {path: self.at(path) for path in self.paths}
        for path, settings in made.items():
            change = values if path in parts else reserved
            if change:
                made[path] = settings.revised(change, source=source)
        return IncludedSettings.of(made)

    def changed_fields(self, other: "Callable[[NodePath], EffectiveSettings[PipelineSettings]]") -> frozenset[str]:
        """Return the names of values that are others in the settings that ``other`` gives."""
        return frozenset(
            provider_key(path, name) for path in self.paths for name in self.at(path).changed_fields(other(path))
        )


def reserved_part(layer: LayerValues) -> LayerValues:
    """Return what a layer says of how nodes run, which every model has."""
    return layer._replace(values={name: value for name, value in layer.values.items() if name in RESERVED_NAMES})


def layers_above(
    author: LayerValues | None, outer: Sequence[LayerValues], own: Sequence[LayerValues]
) -> tuple[LayerValues, ...]:
    """Return the layers of the session of an included habitat, lowest first.

    Args:
        author: What the author of the outer pipeline gave.
        outer: The layers of the session of the outer habitat.
        own: The entry at the include path.
    """
    handed = [reserved_part(layer) for layer in outer]
    authors = [layer for layer in handed if layer.layer is Layer.INCLUDE]
    others = [layer for layer in handed if layer.layer is not Layer.INCLUDE]
    given = [*authors, *([author] if author is not None else ()), *others, *own]
    return tuple(layer for layer in given if layer.values)


def entries_of_part(
    entries: Mapping[NodePath, tuple[LayerValues, ...]], included: Collection[NodePath], part: NodePath
) -> Mapping[NodePath, tuple[LayerValues, ...]]:
    """Return the entries for nodes that concern one habitat: its own, and reserved fields from above its path.

    Args:
        entries: All entries, by path.
        included: The include paths.
        part: The include path of the habitat, or the root.
    """
    found: dict[NodePath, tuple[LayerValues, ...]] = {}
    for path, layers in entries.items():
        if part_of(included, path) == part:
            found[path] = layers
        elif part.startswith(f"{path}/"):
            kept = tuple(short for layer in layers if (short := reserved_part(layer)).values)
            if kept:
                found[path] = kept
    return found


def documents_of_part(entries: JsonObject, included: Collection[NodePath], part: NodePath) -> JsonObject:
    """Return the same of entries as a recipe holds them."""
    found: dict[str, JsonValue] = {}
    for text, layers in entries.items():
        path = NodePath(text)
        if part_of(included, path) == part:
            found[text] = layers
        elif part.startswith(f"{path}/"):
            found[text] = [_reserved_document(layer) for layer in cast("Sequence[JsonObject]", layers)]
    return found


def _reserved_document(layer: JsonObject) -> JsonObject:
    values = cast("JsonObject", layer.get("values", {}))
    return {**layer, "values": {name: value for name, value in values.items() if name in RESERVED_NAMES}}


def shortened(snapshot: JsonObject, outer: JsonObject) -> JsonObject:
    """Return the snapshot of an included habitat without reserved fields that are those of the outer one."""
    process, known = cast("JsonObject", snapshot["process"]), cast("JsonObject", outer["process"])
    return {
        **snapshot,
        "process": {
            name: value
            for name, value in process.items()
            if name not in RESERVED_NAMES or name not in known or known[name] != value
        },
    }


def part_snapshot(snapshot: JsonObject, path: NodePath) -> JsonObject:
    """Return the snapshot of an included habitat, whole again; empty where the recipe holds none."""
    parts = snapshot.get(INCLUDED)
    part = parts.get(path) if isinstance(parts, Mapping) else None
    known = snapshot.get("process")
    if not isinstance(part, Mapping) or not isinstance(known, Mapping):
        return {}
    process = part.get("process")
    own: JsonObject = process if isinstance(process, Mapping) else {}
    shared = {name: value for name, value in known.items() if name in RESERVED_NAMES}
    return {**part, "process": {**shared, **own}}
