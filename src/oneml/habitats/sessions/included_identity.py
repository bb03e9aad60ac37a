"""What an included habitat is known by: its class, its provider graph and its settings model."""

from collections.abc import Mapping
from functools import cached_property

from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry, own_target
from oneml.habitats.habitats.graph_description import GraphDescription, describe_graph
from oneml.habitats.habitats.settings_schema import settings_schema
from oneml.habitats.sessions.fingerprints import Base, digest_of
from oneml.habitats.sessions.included_records import IncludedRecord
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath


class IncludedIdentity:
    """What an included habitat is known by here.

    Args:
        components: Its opened container.
        entry: The entry that it was found by.

    Attributes:
        container: Its class.
        entry: That entry.
        graph: Its provider graph.
    """

    def __init__(self, components: PipelineComponents, entry: HabitatEntry) -> None:
        self.container = type(components)
        self.entry = entry
        self.graph: GraphDescription = describe_graph(components.opened_blueprint, components.overrides)

    @cached_property
    def schema(self) -> JsonObject:
        """How its settings are declared."""
        return settings_schema(self.container.settings_model())

    @cached_property
    def schema_digest(self) -> str:
        """Digest of that."""
        return digest_of(self.schema)

    @property
    def modules(self) -> frozenset[str]:
        """The modules that its providers and settings name."""
        return self.graph.all_modules | {self.container.settings_model().__module__}

    def base(self, outer: Base) -> Base:
        """Return what all nodes of it have in common."""
        return Base(outer.habitat, own_target(self.container), self.schema_digest, outer.distributions)

    def record(self) -> IncludedRecord:
        """Return what a recipe says of it."""
        entry = self.entry
        return IncludedRecord(
            entry.name, entry.target, own_target(self.container), entry.distribution, entry.version, self.schema_digest
        )


def identity_of_part(components: PipelineComponents, entry: HabitatEntry) -> IncludedIdentity:
    """Return what an included habitat is known by here."""
    return IncludedIdentity(components, entry)


def graphs_digest(own: GraphDescription, included: Mapping[NodePath, GraphDescription]) -> str:
    """Return the digest of the provider graphs of a session."""
    if not included:
        return own.digest
    return digest_of([own.digest, {path: graph.digest for path, graph in included.items()}])
