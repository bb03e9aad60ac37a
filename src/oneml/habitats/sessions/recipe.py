"""The recipe of a session: a header and plan shards, written once, read by whoever runs a node of it.

The header is written last and exclusively: a session exists if and only if its header does. A worker reads the header
and the one shard that holds its node, whatever the size of the plan.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from oneml.habitats.errors import (
    InvalidDocumentError,
    RecipeAlteredError,
    RecipeTooLargeError,
    SessionExistsError,
    UnknownSessionError,
)
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions import keys
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json, json_object
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.outcome_json import port_records_from_json, port_records_to_json
from oneml.habitats.values.plan import Plan, PlannedNode
from oneml.habitats.values.plan_json import (
    plan_from_json,
    plan_header_to_json,
    planned_node_from_json,
    planned_node_to_json,
)
from oneml.habitats.values.session_id import SessionId

RECIPE_SCHEMA = "oneml.recipe/1"
SHARD_SCHEMA = "oneml.plan-shard/1"
HEADER_MAX_BYTES = 64 << 10
DOCUMENT_MAX_BYTES = 256 << 20
NODES_PER_SHARD = 64
SHARDS_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The header.

    Attributes:
        session_id: The session.
        habitat: Name of its habitat.
        created_at: RFC 3339, UTC.
        code: Digest of the code and what of it is needed at once; the whole is a document of its own.
        settings: The resolved settings, see `EffectiveSettings.snapshot`.
        overrides: Replaced providers by dotted name: how to build what stands for them, None for a live object.
        inputs: Where the inputs of the pipeline are, by name.
        node_count: How many nodes the plan has.
        shards: SHA-256 of each shard of the plan.
        documents: SHA-256 of the documents ``code`` and ``index``.
    """

    session_id: SessionId
    habitat: str
    created_at: str
    code: JsonObject
    settings: JsonObject
    overrides: Mapping[str, JsonObject | None]
    inputs: Mapping[str, PortRecord]
    node_count: int
    shards: tuple[str, ...] = ()
    documents: Mapping[str, str] = field(default_factory=dict[str, str])


def shard_of(path: NodePath, shard_count: int) -> int:
    """Return the shard that holds a node; the count is a power of two."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") & (shard_count - 1)


def shard_count_of(node_count: int) -> int:
    """Return how many shards a plan of that size has."""
    wanted = max(1, node_count // NODES_PER_SHARD)
    return min(SHARDS_MAX, 1 << (wanted - 1).bit_length())


def check_unused(store: ArtifactStore, session_id: SessionId) -> None:
    """Let pass an id that no session has yet.

    Raises:
        SessionExistsError: There is a session of that id.
    """
    if store.read(keys.recipe_key(session_id), limit_bytes=HEADER_MAX_BYTES) is not None:
        raise SessionExistsError(session_id=session_id)


def write_recipe(store: ArtifactStore, recipe: Recipe, *, plan: Plan, code: JsonObject) -> Recipe:
    """Write a recipe, its header last, and return it with the hashes of its documents.

    Raises:
        SessionExistsError: There is a session of that id.
        StoreError: The store failed; there is no session then.
    """
    session_id = recipe.session_id
    shards = tuple(
        _write(store, session_id, _shard_name(number), document)
        for number, document in enumerate(_shard_documents(plan))
    )
    documents = {
        "code": _write(store, session_id, "code", code),
        "index": _write(store, session_id, "index", plan_header_to_json(plan)),
    }
    whole = replace(recipe, shards=shards, documents=documents)
    header = canonical_json(_header_to_json(whole))
    if len(header) > HEADER_MAX_BYTES:
        raise RecipeTooLargeError(size_bytes=len(header), limit_bytes=HEADER_MAX_BYTES)
    if not store.create_if_absent(keys.recipe_key(session_id), header):
        raise SessionExistsError(session_id=session_id)
    return whole


def read_recipe(store: ArtifactStore, session_id: SessionId) -> Recipe:
    """Read the header of a session.

    Raises:
        UnknownSessionError: There is no such session in this store.
        InvalidDocumentError: What lies there is no recipe, or one of an unknown schema.
    """
    data = store.read(keys.recipe_key(session_id), limit_bytes=HEADER_MAX_BYTES)
    if data is None:
        raise UnknownSessionError(session_id=session_id, store=store.url)
    what = f"recipe of session {session_id}"
    recipe = _header_from_json(json_object(data, what=what, limit_bytes=HEADER_MAX_BYTES), what)
    if recipe.session_id != session_id:
        raise InvalidDocumentError(what=what, reason=f"it is that of session {recipe.session_id}")
    return recipe


def read_planned_node(
    store: ArtifactStore, recipe: Recipe, path: NodePath
) -> tuple[PlannedNode, Mapping[str, JsonValue]] | None:
    """Read one node and the settings that its author gave it; None where the plan has no such node."""
    number = shard_of(path, len(recipe.shards))
    for node, author in _read_shard(store, recipe, number):
        if node.path == path:
            return node, author
    return None


def read_plan(store: ArtifactStore, recipe: Recipe) -> Plan:
    """Read the whole plan, its nodes in the order in which they were planned."""
    what = f"plan of session {recipe.session_id}"
    index = _read(store, recipe, "index", recipe.documents["index"], what)
    found: dict[NodePath, PlannedNode] = {}
    settings: dict[NodePath, Mapping[str, JsonValue]] = {}
    for number in range(len(recipe.shards)):
        for node, author in _read_shard(store, recipe, number):
            found[node.path] = node
            if author:
                settings[node.path] = author
    return plan_from_json(index, nodes=found, node_settings=settings, what=what)


def read_code(store: ArtifactStore, recipe: Recipe) -> JsonObject:
    """Read what the code was, file by file."""
    what = f"code of session {recipe.session_id}"
    return _read(store, recipe, "code", recipe.documents["code"], what)


def _shard_documents(plan: Plan) -> Iterator[JsonObject]:
    count = shard_count_of(len(plan.nodes))
    shards: list[list[JsonValue]] = [[] for _ in range(count)]
    for path, node in plan.nodes.items():
        entry: dict[str, JsonValue] = {"node": planned_node_to_json(node)}
        author = plan.node_settings.get(path)
        if author:
            entry["settings"] = author
        shards[shard_of(path, count)].append(entry)
    for entries in shards:
        yield {"schema": SHARD_SCHEMA, "nodes": entries}


def _read_shard(
    store: ArtifactStore, recipe: Recipe, number: int
) -> Iterator[tuple[PlannedNode, Mapping[str, JsonValue]]]:
    what = f"plan shard {number} of session {recipe.session_id}"
    document = _read(store, recipe, _shard_name(number), recipe.shards[number], what)
    entries = document.get("nodes")
    if document.get("schema") != SHARD_SCHEMA or not isinstance(entries, list):
        raise InvalidDocumentError(what=what, reason=f"it is no {SHARD_SCHEMA}")
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise InvalidDocumentError(what=what, reason="an entry is no object")
        author = entry.get("settings", {})
        if not isinstance(author, Mapping):
            raise InvalidDocumentError(what=what, reason="settings are no object")
        yield planned_node_from_json(entry.get("node"), what=what), author


def _shard_name(number: int) -> str:
    return f"plan-{number:04d}"


def _write(store: ArtifactStore, session_id: SessionId, name: str, document: JsonObject) -> str:
    data = canonical_json(document)
    digest = hashlib.sha256(data).hexdigest()
    store.create_if_absent(keys.document_key(session_id, name, digest), data)
    return digest


def _read(store: ArtifactStore, recipe: Recipe, name: str, digest: str, what: str) -> JsonObject:
    data = store.read(keys.document_key(recipe.session_id, name, digest), limit_bytes=DOCUMENT_MAX_BYTES)
    if data is None:
        raise RecipeAlteredError(what=what, reason="it is missing")
    if hashlib.sha256(data).hexdigest() != digest:
        raise RecipeAlteredError(what=what, reason="it is not what the header lists")
    return json_object(data, what=what, limit_bytes=DOCUMENT_MAX_BYTES)


def _header_to_json(recipe: Recipe) -> JsonObject:
    return {
        "schema": RECIPE_SCHEMA,
        "session_id": recipe.session_id,
        "habitat": recipe.habitat,
        "created_at": recipe.created_at,
        "code": recipe.code,
        "settings": recipe.settings,
        "overrides": recipe.overrides,
        "inputs": port_records_to_json(recipe.inputs),
        "node_count": recipe.node_count,
        "shards": list(recipe.shards),
        "documents": recipe.documents,
    }


def _header_from_json(document: JsonObject, what: str) -> Recipe:
    if document.get("schema") != RECIPE_SCHEMA:
        raise InvalidDocumentError(what=what, reason=f"its schema is {document.get('schema')!r}, not {RECIPE_SCHEMA}")
    try:
        return Recipe(
            session_id=SessionId(_text(document["session_id"])),
            habitat=_text(document["habitat"]),
            created_at=_text(document["created_at"]),
            code=_object(document["code"]),
            settings=_object(document["settings"]),
            overrides={
                name: None if how is None else _object(how) for name, how in _object(document["overrides"]).items()
            },
            inputs=port_records_from_json(document["inputs"], what=what),
            node_count=_count(document["node_count"]),
            shards=tuple(_text(digest) for digest in _array(document["shards"])),
            documents={name: _text(digest) for name, digest in _object(document["documents"]).items()},
        )
    except KeyError as error:
        raise InvalidDocumentError(what=what, reason=f"{error} is missing") from error
    except TypeError as error:
        raise InvalidDocumentError(what=what, reason=str(error)) from error


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    message = f"{value!r} is no text"
    raise TypeError(message)


def _count(value: JsonValue) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    message = f"{value!r} is no count"
    raise TypeError(message)


def _object(value: JsonValue) -> JsonObject:
    if isinstance(value, Mapping):
        return value
    message = f"{value!r} is no object"
    raise TypeError(message)


def _array(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    message = f"{value!r} is no array"
    raise TypeError(message)
