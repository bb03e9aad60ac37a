"""Effective settings as a table for people, and as members of a JSON document."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from oneml.habitats.cli.printing import print_table
from oneml.habitats.values.json_value import JsonObject, JsonValue

if TYPE_CHECKING:
    from oneml.habitats.settings.explanations import Explanation
    from oneml.habitats.settings.field_text import FieldText
    from oneml.habitats.settings.layers import Origin
    from oneml.habitats.settings.rows import SettingRow

DEFAULT = "default"
VALUE_MAX_CHARACTERS = 60


def print_settings(rows: "Sequence[SettingRow]") -> None:
    """Print settings with the layer that gave each of them, and where in it."""
    lines = [(row.name, json_text(row.value), source_text(row.source) or row.layer.value) for row in rows]
    print_table(("SETTING", "VALUE", "FROM"), lines)


def json_text(value: JsonValue) -> str:
    """Return a value on one line."""
    return json.dumps(value, ensure_ascii=False)


def source_text(source: str) -> str:
    """Return where a value was written; a file below the working directory by its path from there."""
    return source.removeprefix(f"{Path.cwd()}/")


def setting_fields(rows: "Sequence[SettingRow]") -> Sequence[JsonObject]:
    """Return settings as members of a document."""
    return [
        {"name": row.name, "value": row.value, "layer": row.layer.value, "source": row.source, "secret": row.secret}
        for row in rows
    ]


def explanation_lines(explanations: "Iterable[Explanation]") -> Sequence[str]:
    """Return why settings are what they are: a line for each, and below it one for each thing that it hid."""
    rows: list[tuple[str, str]] = []
    for one in explanations:
        rows.append((f"{one.name} = {_shortened(one.value)}", origin_text(one.origin)))
        rows.extend((f"    hides {_shortened(other.value)}", origin_text(other.origin)) for other in one.hidden)
    width = max((len(left) for left, _ in rows), default=0)
    return [f"{left:<{width}}  {right}" for left, right in rows]


def field_lines(explanation: "Explanation", field: "FieldText") -> Sequence[str]:
    """Return a setting in full, with what its author says about it."""
    lines = [f"{explanation.name}: {field.type}"]
    if field.description:
        lines.append(f"  {field.description}")
    told = [(explanation.origin, explanation.value), *((one.origin, one.value) for one in explanation.hidden)]
    given = [value for origin, value in told if origin.layer == DEFAULT]
    lines.append(f"  default: {json_text(given[-1]) if given else 'none, it must be given'}")
    lines.append(f"  value: {json_text(explanation.value)}{' (a reference to a secret)' if explanation.secret else ''}")
    lines.append(f"    from {origin_text(explanation.origin)}")
    for one in explanation.hidden:
        lines.append(f"  hides: {json_text(one.value)}")
        lines.append(f"    from {origin_text(one.origin)}")
    return lines


def origin_text(origin: "Origin") -> str:
    """Return which layer gave a value, and where in it, without saying it twice."""
    layer, source = origin.layer.value, source_text(origin.source)
    if source.startswith(layer):
        return source
    return f"{layer}: {source}" if source else layer


def _shortened(value: JsonValue) -> str:
    text = json_text(value)
    return text if len(text) <= VALUE_MAX_CHARACTERS else f"{text[: VALUE_MAX_CHARACTERS - 3]}..."


def explanation_fields(explanation: "Explanation", field: "FieldText") -> JsonObject:
    """Return an explanation as members of a document."""
    return {
        "name": explanation.name,
        "type": field.type,
        "description": field.description,
        "secret": explanation.secret,
        "value": explanation.value,
        **_origin_fields(explanation.origin),
        "hidden": [{"value": one.value, **_origin_fields(one.origin)} for one in explanation.hidden],
    }


def _origin_fields(origin: "Origin") -> JsonObject:
    return {"layer": origin.layer.value, "source": origin.source, "node": origin.node}
