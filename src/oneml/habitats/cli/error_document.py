"""An error as the one JSON document of a command, for scripts that would else have to parse prose."""

import math
from collections.abc import Collection, Mapping, Set
from dataclasses import fields, is_dataclass
from typing import cast

import click

from oneml.habitats.cli.failures import EXIT_BACKEND, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED, EXIT_USAGE
from oneml.habitats.cli.printing import document_is_printed, print_document
from oneml.habitats.errors import OnemlError
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.utf8_text import utf8_text

DEPTH_MAX = 16

_KINDS = {
    EXIT_FAILED: "RunError",
    EXIT_USAGE: "UsageError",
    EXIT_REFUSED: "RefusalError",
    EXIT_BACKEND: "BackendError",
    EXIT_INTERRUPTED: "Interrupted",
}


def print_error_document(error: click.ClickException) -> None:
    """Print a document ``oneml.error/1``, unless the command has printed its own already."""
    if not document_is_printed():
        print_document("error", **error_fields(error))


def error_fields(error: click.ClickException | OnemlError) -> JsonObject:
    """Return an error as members of a document.

    Args:
        error: One of this package, or what became of it on its way through click.

    Returns:
        ``type``, the name of its class; ``message``; ``exit_code``; ``fields``, its public attributes.
    """
    ours = error if isinstance(error, OnemlError) else error.__cause__
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    if isinstance(ours, OnemlError):
        attributes = {name: value for name, value in vars(ours).items() if not name.startswith("_")}
        return {
            "type": type(ours).__name__,
            "message": utf8_text(message),
            "exit_code": ours.exit_code,
            "fields": {name: _json(cast("object", value), 0) for name, value in attributes.items()},
        }
    kind = "UsageError" if isinstance(error, click.UsageError) else _KINDS.get(error.exit_code, "RunError")
    return {"type": kind, "message": utf8_text(message), "exit_code": error.exit_code, "fields": {}}


def _json(value: object, depth: int) -> JsonValue:
    """Return a value as JSON; what has no form of its own becomes its text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str | bytes | bytearray) or depth > DEPTH_MAX:
        return utf8_text(str(value))
    members = _members(value)
    if members is not None:
        return {utf8_text(str(name)): _json(member, depth + 1) for name, member in members.items()}
    if isinstance(value, Collection):
        items = [_json(item, depth + 1) for item in cast("Collection[object]", value)]
        return sorted(items, key=str) if isinstance(value, Set) else items
    return utf8_text(str(value))


def _members(value: object) -> Mapping[object, object] | None:
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: cast("object", getattr(value, field.name)) for field in fields(value)}
    names = cast("tuple[str, ...] | None", getattr(value, "_fields", None))
    if names is None or not isinstance(value, tuple):
        return None
    return dict(zip(names, cast("tuple[object, ...]", value), strict=True))
