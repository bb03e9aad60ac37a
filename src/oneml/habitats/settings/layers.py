"""Layers of settings: what each of them sets, and where that was written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel

from oneml.habitats.settings.shapes import SettingName, dotted, leaves
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath, ancestors_of


class Layer(StrEnum):
    """The kinds of layers, lowest first."""

    DEFAULT = "default"
    USER_FILE = "user file"
    PROJECT_FILE = "oneml.toml"
    DOTENV = ".env"
    ENVIRONMENT = "environment"
    REVISION = "change"
    """What was changed for the process while sessions ran."""
    INCLUDE = "include"
    """What the author of a pipeline gave for a habitat that it includes."""
    SETTINGS_FILE = "--settings"
    CODE = "code"
    SET = "--set"
    NODE_DEFAULT = "node default"
    """What the author gave for the node; above the whole session, below its entries for the node."""


class Origin(NamedTuple):
    """Where an effective value was given.

    Attributes:
        layer: Which layer.
        source: Where in it: a variable, a file and a line, an option; empty for a default.
        node: The path whose entry gave it, where it was given for nodes.
    """

    layer: Layer
    source: str
    node: NodePath | None = None

    def __str__(self) -> str:
        return self.source or self.layer


DEFAULT_ORIGIN = Origin(Layer.DEFAULT, "")


def origin_text(origins: Mapping[str, Origin], name: str) -> str:
    """Return where a setting was given, else the first part of it, else what it is a part of; empty where nowhere."""
    inside = (one for one in origins if one.startswith(f"{name}."))
    parts = name.split(".")
    above = (".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((str(origins[one]) for one in (name, *inside, *above) if one in origins), "")


class LayerValues(NamedTuple):
    """What one layer sets.

    Attributes:
        layer: Which layer.
        values: What it sets, as a tree; secrets are references.
        sources: Where each value was written, by dotted name, as far as that is known already.
        locate: Finds out where a value was written that is not in ``sources``.
        node: The path that the entry is for; None where it is for the whole session.
    """

    layer: Layer
    values: Mapping[str, JsonValue]
    sources: Mapping[str, str] = {}
    locate: Callable[[SettingName], str] | None = None
    node: NodePath | None = None

    @property
    def for_nodes(self) -> bool:
        """Whether the layer is about nodes, not about the session."""
        return self.node is not None or self.layer is Layer.NODE_DEFAULT

    def source_of(self, name: SettingName) -> str:
        """Return where the value at ``name``, or what contains it, was written."""
        for length in range(len(name), 0, -1):
            source = self.sources.get(dotted(name[:length]))
            if source is not None:
                return source
        return self.locate(name) if self.locate is not None else self.layer.value

    def origin_of(self, name: SettingName) -> Origin:
        """Return the origin of the value at ``name``."""
        return Origin(self.layer, self.source_of(name), self.node)


class Layers(NamedTuple):
    """The layers of a session, lowest first in each place.

    Attributes:
        process: Of the process.
        session: Of the session.
        nodes: Entries for nodes, by the path that they are for.
    """

    process: tuple[LayerValues, ...]
    session: tuple[LayerValues, ...]
    nodes: Mapping[NodePath, tuple[LayerValues, ...]]

    def every(self) -> Iterator[LayerValues]:
        """Give each of them."""
        yield from self.process
        yield from self.session
        for entries in self.nodes.values():
            yield from entries

    def paths_at(self, path: NodePath) -> tuple[NodePath, ...]:
        """Return the paths whose entries apply to the node at ``path``, the shortest first."""
        return tuple(upper for upper in (*ancestors_of(path), path) if upper in self.nodes) if self.nodes else ()

    def entries_at(self, path: NodePath) -> Iterator[LayerValues]:
        """Give the entries that apply to the node at ``path``, lowest first."""
        for upper in self.paths_at(path):
            yield from self.nodes[upper]


def origins_of(model: type[BaseModel], layers: Iterable[LayerValues]) -> Mapping[str, Origin]:
    """Return the origin of everything that ``layers`` set, by dotted name; the last of them wins."""
    found: dict[str, Origin] = {}
    for layer in layers:
        for leaf in leaves(model, layer.values):
            name = dotted(leaf.name)
            if leaf.setting.model is not None:
                for below in [key for key in found if key.startswith(f"{name}.")]:
                    del found[below]
            found[name] = layer.origin_of(leaf.name)
    return found


def source_of(layers: Sequence[LayerValues], name: SettingName) -> str:
    """Return where the value at ``name`` was given, by the highest layer that gives it; empty for a default."""
    return next((layer.source_of(name) for layer in reversed(layers) if sets(layer.values, name)), "")


def sets(values: Mapping[str, JsonValue], name: SettingName) -> bool:
    """Tell whether ``values`` say anything about the setting ``name``."""
    value: JsonValue = values
    for segment in name:
        if not isinstance(value, Mapping):
            return True
        if segment not in value:
            return False
        value = value[segment]
    return True
