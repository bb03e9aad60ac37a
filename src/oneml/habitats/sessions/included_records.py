"""What a recipe says of included habitats, and its form in JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from oneml.habitats.errors import DuplicateHabitatError, InvalidDocumentError, UnknownHabitatError
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.loading import checked_container, imported_object
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents


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


def container_of(registry: HabitatRegistry, habitat: str, record: IncludedRecord | None) -> "type[PipelineComponents]":
    """Return the container class of a habitat as it is installed here.

    Args:
        registry: The habitats that are installed here.
        habitat: Name of the session's habitat.
        record: What the recipe says of an included one; None for the session's own.

    Raises:
        UsageError: It cannot be loaded.
    """
    return registry.load(habitat) if record is None else included_container(registry, record)[0]


def included_container(
    registry: HabitatRegistry, record: IncludedRecord
) -> "tuple[type[PipelineComponents], HabitatEntry]":
    """Return the container class of an included habitat, and the entry that it was found by.

    Raises:
        UsageError: It cannot be loaded.
    """
    try:
        return registry.load(record.habitat), registry.entry(record.habitat)
    except (UnknownHabitatError, DuplicateHabitatError):
        # It has no name here, as where a class is included that no distribution offers, or several have it: its target
        # is enough, because its class and its code are held against the recipe.
        recorded = (record.target, record.distribution)
        offers = registry.offers(record.habitat)
        same = (offer for offer in offers if (offer.target, offer.distribution) == recorded)
        entry = next(same, HabitatEntry(record.habitat, record.target))
        return checked_container(entry, imported_object(entry)), entry


def records_from_json(value: JsonValue, *, what: str) -> Mapping[NodePath, IncludedRecord]:
    """Read what a header says of included habitats.

    Args:
        value: What it says.
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
