"""The plan of a session in shards: a worker reads the one that holds its node, whatever the size of the plan.

A shard holds nodes, each with its fingerprint and what its author set for it; what their providers are known by; and
the entries of the session's settings that apply to some of them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.recipe import Recipe, read_document, shard_name
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.node_path import NodePath, ancestors_of
from oneml.habitats.values.plan import Plan, PlannedNode
from oneml.habitats.values.plan_json import (
    plan_from_json,
    plan_header_to_json,
    planned_node_from_json,
    planned_node_to_json,
    shown_to_json,
)

SHARD_SCHEMA = "oneml.plan-shard/1"
NODES_PER_SHARD = 64
SHARDS_MAX = 512


class ProviderRecord(NamedTuple):
    """What the provider of a node body is known by.

    Attributes:
        graph: Digest of everything that the provider reaches; None where something of it is unproven.
        code: Digest of the first-party modules behind that, and of the one that defines the DAG.
        own_code: The same without the module that defines the DAG.
        unproven: Why another process cannot rebuild it.
        foreign: What it is built from that the driver does not have: ``module:Name``.
    """

    graph: str | None
    code: str
    own_code: str
    unproven: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


class NodeRecord(NamedTuple):
    """What the recipe holds about a node.

    Attributes:
        node: The node.
        author: What its author set for it.
        fingerprint: Of the node; None where something that it is built from is unproven.
        provider: What its provider is known by.
        entries: The entries of the session's settings in this shard, by path.
        secrets: Keyed digests of the secrets that the node has otherwise than the session; none where no key was
            configured.
    """

    node: PlannedNode
    author: Mapping[str, JsonValue]
    fingerprint: str | None
    provider: ProviderRecord
    entries: JsonObject
    secrets: JsonObject


def shard_of(path: NodePath, shard_count: int) -> int:
    """Return the shard that holds a node; the count is a power of two."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") & (shard_count - 1)


def shard_count_of(node_count: int) -> int:
    """Return how many shards a plan of that size has."""
    wanted = max(1, node_count // NODES_PER_SHARD)
    return min(SHARDS_MAX, 1 << (wanted - 1).bit_length())


def plan_shards(
    plan: Plan,
    *,
    fingerprint_of: Callable[[PlannedNode, bytes], str | None],
    provider_of: Callable[[str], ProviderRecord],
    secrets_of: Callable[[PlannedNode], JsonObject],
    entries: JsonObject,
) -> Sequence[bytes]:
    """Return the shards of a plan as canonical JSON.

    Args:
        plan: The plan.
        fingerprint_of: Gives the fingerprint of a node, from it and its canonical JSON.
        provider_of: Gives what a provider is known by.
        secrets_of: Gives keyed digests of the secrets that a node has otherwise than the session.
        entries: Entries of the session's settings for nodes, by path.
    """
    count = shard_count_of(len(plan.nodes))
    nodes: list[list[bytes]] = [[] for _ in range(count)]
    providers: list[set[str]] = [set() for _ in range(count)]
    applying: list[set[NodePath]] = [set() for _ in range(count)]
    for path, node in plan.nodes.items():
        number = shard_of(path, count)
        core = canonical_json(planned_node_to_json(node))
        rest = (
            canonical_json(fingerprint_of(node, core)),
            core,
            canonical_json(plan.node_settings.get(path, {})),
            canonical_json(shown_to_json(node)),
        )
        secrets = secrets_of(node)
        told = b'"secrets":%b,' % canonical_json(secrets) if secrets else b""
        nodes[number].append(b'{"fingerprint":%b,"node":%b,%b"settings":%b,"shown":%b}' % (*rest[:2], told, *rest[2:]))
        providers[number].add(node.provider)
        if entries:
            applying[number].update(upper for upper in (*ancestors_of(path), path) if upper in entries)
    return [
        b'{"entries":%b,"nodes":[%b],"providers":%b,"schema":%b}'
        % (
            canonical_json({path: entries[path] for path in applying[number]}),
            b",".join(nodes[number]),
            canonical_json({name: list(provider_of(name)) for name in providers[number]}),
            canonical_json(SHARD_SCHEMA),
        )
        for number in range(count)
    ]


def plan_index(plan: Plan) -> bytes:
    """Return what holds the shards together as canonical JSON: the document ``index``."""
    return canonical_json(plan_header_to_json(plan))


def revised_name(revision: int, number: int) -> str:
    """Return the name of the document of a revision that goes with a shard: fingerprints by path."""
    return f"revision-{revision}-{number:04d}"


class Shard:
    """A shard of a plan, read and held against its hash at once; its nodes are decoded as they are asked for.

    Args:
        store: Where from.
        recipe: The recipe that lists it.
        number: Which shard.

    Raises:
        InvalidDocumentError: It is none.
        RecipeAlteredError: It is missing, or not what its hash says.
        StoreError: The store failed.
    """

    def __init__(self, store: ArtifactStore, recipe: Recipe, number: int) -> None:
        self._what = f"plan shard {number} of session {recipe.session_id}"
        document = read_document(store, recipe.session_id, shard_name(number), recipe.shards[number], self._what)
        if document.get("schema") != SHARD_SCHEMA:
            raise InvalidDocumentError(what=self._what, reason=f"it is no {SHARD_SCHEMA}")
        nodes = document.get("nodes")
        if not isinstance(nodes, list):
            raise InvalidDocumentError(what=self._what, reason="its nodes are no array")
        self.entries = self._object(document.get("entries"), "entries")
        self._described = self._object(document.get("providers"), "providers")
        self._providers: dict[str, ProviderRecord] = {}
        self._nodes: dict[JsonValue, JsonObject] = {}
        for value in nodes:
            entry = self._object(value, "a node")
            self._nodes[str(self._object(entry.get("node"), "a node").get("path"))] = entry
        self._revised = self._read_revised(store, recipe, number)

    def __len__(self) -> int:
        """Return how many nodes it holds."""
        return len(self._nodes)

    def record(self, path: NodePath) -> NodeRecord | None:
        """Return what the recipe holds about a node, its revision included; None where the plan has none of that path.

        Raises:
            InvalidDocumentError: It is no description of a node.
        """
        entry = self._nodes.get(path)
        return None if entry is None else self._record(entry)

    def records(self) -> Iterator[NodeRecord]:
        """Return what the recipe holds about each node, in no particular order."""
        return map(self._record, self._nodes.values())

    def _record(self, entry: JsonObject) -> NodeRecord:
        node = planned_node_from_json(self._object(entry.get("node"), "a node"), entry.get("shown"), what=self._what)
        provider = self._providers.get(node.provider)
        if provider is None:
            provider = self._providers[node.provider] = _provider(self._described.get(node.provider), self._what)
        fingerprint = self._revised.get(node.path, entry.get("fingerprint"))
        if fingerprint is not None and not isinstance(fingerprint, str):
            raise InvalidDocumentError(what=self._what, reason="a fingerprint is no text")
        author = self._object(entry.get("settings"), "settings")
        secrets = self._object(entry.get("secrets", {}), "secrets")
        return NodeRecord(node, author, fingerprint, provider, self.entries, secrets)

    def _read_revised(self, store: ArtifactStore, recipe: Recipe, number: int) -> JsonObject:
        """Return the fingerprints that a revision of the settings changed, by path."""
        digest = recipe.revised.get(str(number))
        if digest is None:
            return {}
        what = f"revision {recipe.revision} of session {recipe.session_id}"
        return read_document(store, recipe.session_id, revised_name(recipe.revision, number), digest, what)

    def _object(self, value: JsonValue, part: str) -> JsonObject:
        if isinstance(value, Mapping):
            return value
        raise InvalidDocumentError(what=self._what, reason=f"{part} is no object")


def read_nodes(store: ArtifactStore, recipe: Recipe) -> Iterator[NodeRecord]:
    """Read what the recipe holds about every node, in no particular order."""
    for number in range(len(recipe.shards)):
        yield from Shard(store, recipe, number).records()


def read_plan(store: ArtifactStore, recipe: Recipe) -> tuple[Plan, dict[str, ProviderRecord]]:
    """Read the whole plan, its nodes in the order in which they were planned, and what its providers are known by."""
    what = f"plan of session {recipe.session_id}"
    index = read_document(store, recipe.session_id, "index", recipe.documents["index"], what)
    found: dict[NodePath, PlannedNode] = {}
    settings: dict[NodePath, Mapping[str, JsonValue]] = {}
    providers: dict[str, ProviderRecord] = {}
    for record in read_nodes(store, recipe):
        found[record.node.path] = record.node
        providers[record.node.provider] = record.provider
        if record.author:
            settings[record.node.path] = record.author
    return plan_from_json(index, nodes=found, node_settings=settings, what=what), providers


def read_entries(store: ArtifactStore, recipe: Recipe) -> JsonObject:
    """Read the entries of the session's settings for nodes, by path."""
    found: dict[str, JsonValue] = {}
    for number in range(len(recipe.shards)):
        found.update(Shard(store, recipe, number).entries)
    return found


def _provider(value: JsonValue, what: str) -> ProviderRecord:
    match value:
        case [str() | None as graph, str() as code, str() as own_code, list() as unproven, list() as foreign]:
            return ProviderRecord(graph, code, own_code, tuple(map(str, unproven)), tuple(map(str, foreign)))
        case _:
            raise InvalidDocumentError(what=what, reason="a provider is described in no known way")
