"""What a recipe says of included habitats, and its form in JSON."""

from collections.abc import Mapping
from typing import NamedTuple

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath


class IncludedRecord(NamedTuple):
    """What a recipe says of an included habitat.

    Attributes:
        habitat: Its name; that of the class where it has none.
        target: ``module:attr`` that the name led to.
        container: ``module:QualifiedName`` of its class.
        distribution: The distribution that offers it; None where none does.
        version: Of that.
        settings_schema: Digest of its settings model.
    """

    habitat: str
    target: str
    container: str
    distribution: str | None
    version: str | None
    settings_schema: str


def records_to_json(records: Mapping[NodePath, IncludedRecord]) -> JsonObject:
    """Return as JSON what a recipe says of included habitats."""
    return {path: list(record) for path, record in records.items()}


def records_from_json(value: JsonValue, *, what: str) -> Mapping[NodePath, IncludedRecord]:
    """Read what `records_to_json` gave.

    Args:
        value: What it gave.
        what: What that is a part of, for the message.

    Raises:
        InvalidDocumentError: It is none such.
    """
    found: dict[NodePath, IncludedRecord] = {}
    for path, record in value.items() if isinstance(value, Mapping) else ():
        match record:
            case [
                str() as habitat,
                str() as target,
                str() as container,
                str() | None as distribution,
                str() | None as version,
                str() as schema,
            ]:
                found[NodePath(path)] = IncludedRecord(habitat, target, container, distribution, version, schema)
            case _:
                raise InvalidDocumentError(what=what, reason=f"{path} is included in no known way")
    return found
