"""Effective settings as a table for people, and as members of a JSON document."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from oneml.habitats.cli.printing import print_table
from oneml.habitats.values.json_value import JsonObject, JsonValue

if TYPE_CHECKING:
    from oneml.habitats.settings.rows import SettingRow


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
