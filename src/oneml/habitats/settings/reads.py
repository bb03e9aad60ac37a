"""The values behind what providers read: all of them, and those that have an influence on results."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pydantic import BaseModel

from oneml.habitats.settings.secret_digests import secret_digest
from oneml.habitats.settings.shapes import Setting, SettingName, dotted, find_setting, settings_of, value_at
from oneml.habitats.settings.signing_key import derived_key
from oneml.habitats.values.json_value import JsonObject, JsonValue

REUSE_PURPOSE = "reuse"
"""Of the key under which secrets count for results; the same secret counts the same in every session."""


class Reading(NamedTuple):
    """A value that is read.

    Attributes:
        name: Of the setting.
        value: As JSON; of a secret the reference.
        secret: Whether it is one.
        execution: Whether it has no influence on results.
        identity: Whether it counts although it is secret.
    """

    name: SettingName
    value: JsonValue
    secret: bool
    execution: bool
    identity: bool


class ReuseValues(NamedTuple):
    """What counts when results are used again.

    Attributes:
        values: By dotted name; of a secret that counts, its keyed digest.
        unproven: Secrets that count and for which there is no key, sorted: nothing can be said about results that
            depend on them.
    """

    values: JsonObject
    unproven: tuple[str, ...] = ()


def read_values(model: type[BaseModel], tree: Mapping[str, JsonValue], fields: Iterable[str]) -> JsonObject:
    """Return every value that ``fields`` lead to, by dotted name, sorted.

    Args:
        model: The package's model.
        tree: Every value, secrets as references.
        fields: Dotted names of settings, or of models with everything in them; empty for all settings.

    Raises:
        UnknownSettingError: A field is none of the model.
    """
    found = {dotted(reading.name): reading.value for reading in readings(model, tree, fields)}
    return dict(sorted(found.items()))


def reuse_values(
    model: type[BaseModel],
    tree: Mapping[str, JsonValue],
    resolved: Mapping[str, JsonValue],
    fields: Iterable[str],
    key: bytes | None,
) -> ReuseValues:
    """Return the values that have an influence on results: no execution setting, and secrets only where marked.

    Args:
        model: The package's model.
        tree: Every value, secrets as references.
        resolved: The same with the secrets themselves.
        fields: As for `read_values`.
        key: The signing key, from which that of the digests is derived; None where there is none.

    Raises:
        UnknownSettingError: A field is none of the model.
    """
    digest_key = None if key is None else derived_key(key, REUSE_PURPOSE)
    values: dict[str, JsonValue] = {}
    unproven: set[str] = set()
    for reading in readings(model, tree, fields):
        name = dotted(reading.name)
        if reading.execution or (reading.secret and not reading.identity):
            continue
        if not reading.secret or reading.value is None:
            values[name] = reading.value
        elif digest_key is None:
            unproven.add(name)
        else:
            values[name] = secret_digest(digest_key, b"", name, value_at(resolved, reading.name))
    return ReuseValues(dict(sorted(values.items())), tuple(sorted(unproven)))


def readings(model: type[BaseModel], tree: Mapping[str, JsonValue], fields: Iterable[str]) -> Iterator[Reading]:
    """Give every value that ``fields`` lead to; what several of them lead to, several times."""
    for field in fields:
        name = tuple(field.split(".")) if field else ()
        passed = _settings_to(model, field)
        execution, identity = any(s.execution for s in passed), any(s.identity for s in passed)
        value = value_at(tree, name)
        below = passed[-1].model if passed else model
        if below is not None and isinstance(value, Mapping):
            yield from _within(below, value, name, execution=execution, identity=identity)
        else:
            yield Reading(name, value, passed[-1].hides, execution, identity)


def _settings_to(model: type[BaseModel], field: str) -> list[Setting]:
    """Return the settings on the way to a field, the field included; none for the whole model."""
    name = tuple(field.split(".")) if field else ()
    return [find_setting(model, name[: length + 1]) for length in range(len(name))]


def _within(
    model: type[BaseModel], tree: Mapping[str, JsonValue], above: SettingName, *, execution: bool, identity: bool
) -> Iterator[Reading]:
    for name, setting in settings_of(model).items():
        value, path = tree.get(name), (*above, name)
        executes, counts = execution or setting.execution, identity or setting.identity
        if setting.model is not None and isinstance(value, Mapping):
            yield from _within(setting.model, value, path, execution=executes, identity=counts)
        else:
            yield Reading(path, value, setting.secret, executes, counts)
