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


def read_node(store: ArtifactStore, recipe: Recipe, path: NodePath) -> NodeRecord | None:
    """Read what the recipe holds about one node, its revision included; None where the plan has no such node."""
    number = shard_of(path, len(recipe.shards))
    record = next(_records(store, recipe, number, path), None)
    revised = recipe.revised.get(str(number))
    if record is None or revised is None:
        return record
    what = f"revision {recipe.revision} of session {recipe.session_id}"
    document = read_document(store, recipe.session_id, revised_name(recipe.revision, number), revised, what)
    fingerprint = document.get(path, record.fingerprint)
    if fingerprint is not None and not isinstance(fingerprint, str):
        raise InvalidDocumentError(what=what, reason="a fingerprint is no text")
    return record._replace(fingerprint=fingerprint)


def revised_name(revision: int, number: int) -> str:
    """Return the name of the document of a revision that goes with a shard: fingerprints by path."""
    return f"revision-{revision}-{number:04d}"


def read_nodes(store: ArtifactStore, recipe: Recipe) -> Iterator[NodeRecord]:
    """Read what the recipe holds about every node, in no particular order."""
    for number in range(len(recipe.shards)):
        yield from _records(store, recipe, number)


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
        found.update(_object(_shard(store, recipe, number).get("entries"), "entries", number, recipe))
    return found


def _shard(store: ArtifactStore, recipe: Recipe, number: int) -> JsonObject:
    what = _what(number, recipe)
    document = read_document(store, recipe.session_id, shard_name(number), recipe.shards[number], what)
    if document.get("schema") != SHARD_SCHEMA:
        raise InvalidDocumentError(what=what, reason=f"it is no {SHARD_SCHEMA}")
    return document


def _records(store: ArtifactStore, recipe: Recipe, number: int, wanted: NodePath | None = None) -> Iterator[NodeRecord]:
    what = _what(number, recipe)
    document = _shard(store, recipe, number)
    nodes = document.get("nodes")
    if not isinstance(nodes, list):
        raise InvalidDocumentError(what=what, reason="its nodes are no array")
    entries = _object(document.get("entries"), "entries", number, recipe)
    described = _object(document.get("providers"), "providers", number, recipe)
    providers: dict[str, ProviderRecord] = {}
    for value in nodes:
        entry = _object(value, "a node", number, recipe)
        core = _object(entry.get("node"), "a node", number, recipe)
        if wanted is not None and core.get("path") != wanted:
            continue
        node = planned_node_from_json(core, entry.get("shown"), what=what)
        provider = providers.get(node.provider)
        if provider is None:
            provider = providers[node.provider] = _provider(described.get(node.provider), what)
        fingerprint = entry.get("fingerprint")
        if fingerprint is not None and not isinstance(fingerprint, str):
            raise InvalidDocumentError(what=what, reason="a fingerprint is no text")
        author = _object(entry.get("settings"), "settings", number, recipe)
        secrets = _object(entry.get("secrets", {}), "secrets", number, recipe)
        yield NodeRecord(node, author, fingerprint, provider, entries, secrets)


def _provider(value: JsonValue, what: str) -> ProviderRecord:
    match value:
        case [str() | None as graph, str() as code, str() as own_code, list() as unproven, list() as foreign]:
            return ProviderRecord(graph, code, own_code, tuple(map(str, unproven)), tuple(map(str, foreign)))
        case _:
            raise InvalidDocumentError(what=what, reason="a provider is described in no known way")


def _object(value: JsonValue, part: str, number: int, recipe: Recipe) -> JsonObject:
    if isinstance(value, Mapping):
        return value
    raise InvalidDocumentError(what=_what(number, recipe), reason=f"{part} is no object")


def _what(number: int, recipe: Recipe) -> str:
    return f"plan shard {number} of session {recipe.session_id}"
