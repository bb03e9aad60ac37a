"""Canonical values as short texts on one line, for people who read what differs."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json

_TEXT_MAX_CHARACTERS = 120
_DIGEST_CHARACTERS = 12


def value_text(value: JsonValue) -> str:
    """Return a canonical value as a text: types and import paths bare, other values as JSON."""
    text = _text(value)
    return text if len(text) <= _TEXT_MAX_CHARACTERS else f"{text[: _TEXT_MAX_CHARACTERS - 1]}…"


def _text(value: JsonValue) -> str:
    if not isinstance(value, Mapping):
        return canonical_json(value).decode()
    for key, written in _WRITTEN.items():
        if key in value:
            return written(value)
    if len(value) > 1:
        return canonical_json(value).decode()
    kind, inner = next(iter(value.items()))
    if kind in _ITEMS and not isinstance(inner, str | Mapping) and isinstance(inner, Sequence):
        return _items(kind, inner)
    return f"{kind} {_text(inner)}"


def _provider(value: JsonObject) -> str:
    return f'provider "{value["provider"]}"' + (" itself, unbuilt" if value.get("lazy") else "")


def _digest(value: JsonObject) -> str:
    return f"{value.get('of', 'value')} with sha256 {str(value['sha256'])[:_DIGEST_CHARACTERS]}…"


def _object(value: JsonObject) -> str:
    fields = ", ".join(f"{name}={_text(item)}" for name, item in cast("JsonObject", value["fields"]).items())
    return f"{value['object']}({fields})"


def _items(kind: str, items: Sequence[JsonValue]) -> str:
    if kind == "dict":
        pairs = [f"{_text(pair[0])}: {_text(pair[1])}" for pair in cast("Sequence[Sequence[JsonValue]]", items)]
        return f"{{{', '.join(pairs)}}}"
    left, right = _ITEMS[kind]
    return f"{left}{', '.join(map(_text, items))}{right}"


_WRITTEN: Mapping[str, Callable[[JsonObject], str]] = {
    "provider": _provider,
    "import": lambda value: str(value["import"]),
    "type": lambda value: str(value["type"]),
    "unproven": lambda value: f"{value['unproven']} (unproven)",
    "sha256": _digest,
    "object": _object,
}
"""How objects are written that have a key of ours."""
_ITEMS = {
    "list": ("[", "]"),
    "tuple": ("(", ")"),
    "set": ("{", "}"),
    "frozenset": ("frozenset(", ")"),
    "dict": ("", ""),
}
