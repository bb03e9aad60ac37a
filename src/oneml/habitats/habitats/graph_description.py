"""The graph of providers as JSON, and the digest of what each of them reaches: equal in every process, or unproven."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from oneml.habitats.errors import UnknownProviderError
from oneml.habitats.habitats.canonical_values import Canonicaliser
from oneml.habitats.habitats.graph_order import components_of
from oneml.habitats.habitats.import_paths import NotCanonicalError
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.habitats.provider_descriptions import ProviderDescriber, ProviderDescription, changeable_values
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import ProviderKind
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.place import Place

if TYPE_CHECKING:
    from oneml.habitats.habitats.blueprint import Blueprint

DESCRIPTIONS_MAX = 16
"""Descriptions that are kept for each blueprint: they differ in what objects stand for providers."""


class GraphDescription:
    """What every provider of a graph is, and what it reaches.

    A provider is told by its dotted name; by the one that comes first where it has several, as in messages; one
    without a name by the argument that it is: ``trainer[optimiser]``.

    Args:
        container: The class.
        graph: Its providers.
        overrides: What stands for providers in a session.

    Attributes:
        providers: The description of each provider, by its name, sorted.
        unproven: Why another process cannot rebuild a provider, and the way out, by its name.
        digest: SHA-256 over the whole graph.
        all_modules: The modules that anything in the graph names.
    """

    def __init__(self, container: type, graph: ProviderGraph, overrides: Sequence[Override]) -> None:
        self._container = container
        self._graph = graph
        self._names = _unique_names(graph)
        self._indexes = {name: index for index, name in enumerate(self._names)} | dict(graph.names)
        self._described = _described(graph, self._names, overrides)
        self._targets = [_targets(graph, index) for index in range(len(graph.nodes))]
        self._reach: dict[int, Collection[int]] = {}
        names = sorted(self._names)
        order = [self._indexes[name] for name in names]
        own = [
            hashlib.sha256(canonical_json([name, described.content])).digest()
            for name, described in zip(self._names, self._described, strict=True)
        ]
        self._digests = _reached_digests(self._names, own, self._targets)
        self.digest = _hash(own[index] for index in order).hex()
        self.providers: Mapping[str, JsonObject] = {
            name: self._described[self._indexes[name]].content for name in names
        }
        self.unproven: Mapping[str, str] = {
            name: " ".join(reasons) for name in names if (reasons := self._described[self._indexes[name]].unproven)
        }
        self.all_modules = frozenset[str]().union(*[described.modules for described in self._described])

    def digest_of(self, name: str) -> str:
        """Return the SHA-256 over a provider and everything that it reaches.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        return self._digests[self._index_of(name)].hex()

    def reached(self, name: str) -> frozenset[str]:
        """Return the names of what a provider reaches, itself among them.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        return frozenset(self._names[index] for index in self._reached(name))

    def reads(self, name: str) -> frozenset[SettingRead]:
        """Return the settings that anything reads that a provider reaches.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        found = (self._graph.nodes[index].provides for index in self._reached(name))
        return frozenset(read for read in found if isinstance(read, SettingRead))

    def modules(self, name: str) -> frozenset[str]:
        """Return the modules that anything names that a provider reaches.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        return frozenset[str]().union(*[self._described[index].modules for index in self._reached(name)])

    def references(self, name: str) -> frozenset[str]:
        """Return what is imported only where it is built, ``module:Name``, of all that a provider reaches.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        nodes = (self._graph.nodes[index] for index in self._reached(name))
        return frozenset(str(node.provides) for node in nodes if node.kind is ProviderKind.REFERENCE)

    def unproven_of(self, name: str) -> tuple[str, ...]:
        """Return why another process cannot rebuild what a provider reaches; what is nearest to it first.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        return tuple(reason for index in self._reached(name) for reason in self._described[index].unproven)

    def place_of(self, name: str) -> Place | None:
        """Return where a provider is assigned; None where its source cannot be had."""
        from oneml.habitats.habitats.source_places import SourcePlaces  # noqa: PLC0415  # only what differs is placed

        return SourcePlaces(self._container).of(name)

    def _index_of(self, name: str) -> int:
        index = self._indexes.get(name)
        if index is None:
            raise UnknownProviderError(container=self._container.__name__, name=name, known=self._graph.names)
        return index

    def _reached(self, name: str) -> Collection[int]:
        start = self._index_of(name)
        found = self._reach.get(start)
        if found is None:
            reached = {start: None}
            waiting = [start]
            for index in waiting:
                for target in self._targets[index]:
                    if target not in reached:
                        reached[target] = None
                        waiting.append(target)
            found = self._reach[start] = tuple(reached)
        return found


def describe_graph(blueprint: "Blueprint", overrides: Sequence[Override] = ()) -> GraphDescription:
    """Return the description of a container's providers; worked out once for each set of what stands for them.

    Args:
        blueprint: How the container is built in the session.
        overrides: What stands for providers in that, each with the dotted name of its provider.
    """
    key = _key(blueprint.graph, overrides)
    found = blueprint.descriptions.get(key)
    if found is None:
        found = GraphDescription(blueprint.container, blueprint.graph, overrides)
        blueprint.descriptions[key] = found
        while len(blueprint.descriptions) > DESCRIPTIONS_MAX:
            blueprint.descriptions.pop(next(iter(blueprint.descriptions)))
    return found


def _key(graph: ProviderGraph, overrides: Sequence[Override]) -> bytes:
    """Return what tells descriptions of one graph apart: objects that stand for providers, values that may change."""
    given = [[override.name, override.value_type, override.describe()] for override in overrides]
    held: list[JsonValue] = []
    for value in (value for node in graph.nodes for value in changeable_values(node)):
        try:
            held.append(Canonicaliser(set()).read(value))
        except NotCanonicalError as error:
            held.append({"unproven": error.what})
    return hashlib.sha256(canonical_json([cast("JsonValue", given), held])).digest() if given or held else b""


def _unique_names(graph: ProviderGraph) -> list[str]:
    """Return the name of each provider; where several without a name are the same argument, they are numbered."""
    taken: dict[str, int] = {}
    names: list[str] = []
    for node in graph.nodes:
        count = taken[node.name] = taken.get(node.name, 0) + 1
        names.append(node.name if count == 1 else f"{node.name}#{count}")
    return names


def _described(
    graph: ProviderGraph, names: Sequence[str], overrides: Sequence[Override]
) -> Sequence[ProviderDescription]:
    aliases: list[list[str]] = [[] for _ in names]
    for name in sorted(graph.names):
        aliases[graph.names[name]].append(name)
    describer = ProviderDescriber(names, aliases, overrides)
    return [describer.describe(node) for node in graph.nodes]


def _targets(graph: ProviderGraph, index: int) -> Sequence[int]:
    node = graph.nodes[index]
    # Whoever is given the container may ask it for anything.
    if node.kind is ProviderKind.SELF:
        return tuple(dict.fromkeys(graph.names.values()))
    return tuple(dict.fromkeys(edge.target for edge in node.edges))


def _reached_digests(names: Sequence[str], own: Sequence[bytes], targets: Sequence[Sequence[int]]) -> Sequence[bytes]:
    """Return, by index, a digest over a provider and what it reaches.

    Those of what it refers to are hashed into its own, so that nothing is hashed twice; providers that reach each
    other are hashed together first.
    """
    digests = [b""] * len(names)
    for members in components_of(targets):
        if len(members) == 1:
            [index] = members
            others = [target for target in targets[index] if target != index]
            digests[index] = _hash([own[index], *[digests[other] for other in sorted(others, key=names.__getitem__)]])
            continue
        inside = frozenset(members)
        beyond = {target for index in members for target in targets[index]} - inside
        themselves = _hash(own[index] for index in sorted(members, key=names.__getitem__))
        together = _hash([themselves, *[digests[index] for index in sorted(beyond, key=names.__getitem__)]])
        for index in members:
            digests[index] = _hash([together, own[index]])
    return digests


def _hash(digests: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(digests)).digest()
