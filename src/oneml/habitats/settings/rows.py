"""Effective settings as rows, for people and for JSON: name, value, layer, source."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.settings.effective import EffectiveSettings, S
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.shapes import dotted, leaves
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath


class SettingRow(NamedTuple):
    """One effective setting.

    Attributes:
        name: Dotted.
        value: As JSON; of a secret the reference to it, never itself.
        layer: Which layer gave it.
        source: Where in that layer: a variable, a file and a line, an option; empty for a default.
        secret: Whether it is one.
    """

    name: str
    value: JsonValue
    layer: Layer
    source: str
    secret: bool


def setting_rows(
    effective: EffectiveSettings[S],
    path: NodePath | None = None,
    author: Mapping[str, JsonValue] | None = None,
) -> Sequence[SettingRow]:
    """Return the settings of the session, or of a node, sorted by name.

    Args:
        effective: The settings.
        path: The node; None for the session.
        author: What the author of the node gave for it.

    Raises:
        OnemlError: As `EffectiveSettings.node`.
    """
    origins = effective.origins(path, author)
    rows: list[SettingRow] = []
    for leaf in leaves(effective.model, effective.values(path, author)):
        name = dotted(leaf.name)
        origin = origins[name]
        rows.append(SettingRow(name, leaf.value, origin.layer, origin.source, leaf.setting.secret))
    return sorted(rows)
