"""The recipe of a session: its header, written once, read by whoever runs a node of it.

The header is written last and exclusively: a session exists if and only if its header does. Beside it lie documents
that it lists by their hashes: the shards of the plan (`plan_shards`), the code, and explanations, which are read only
where something differs or is asked about.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from oneml.habitats.errors import (
    InvalidDocumentError,
    RecipeAlteredError,
    RecipeTooLargeError,
    SessionExistsError,
    UnknownSessionError,
)
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.session_store import SessionRow
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.signatures import SIGNATURE, sealed, unsealed
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json, json_object
from oneml.habitats.values.lineage import Parent, Selection, SessionOutput
from oneml.habitats.values.lineage_json import (
    input_sources_from_json,
    lineage_to_json,
    parent_from_json,
    selection_from_json,
)
from oneml.habitats.values.node_path import ROOT, NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.outcome_json import port_records_from_json, port_records_to_json
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import SessionState

if TYPE_CHECKING:
    from oneml.habitats.sessions.included_records import IncludedRecord

RECIPE_SCHEMA = "oneml.recipe/1"
HEADER_MAX_BYTES = 64 << 10
DOCUMENT_MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The header.

    Attributes:
        session_id: The session.
        habitat: Name of its habitat.
        created_at: RFC 3339, UTC.
        target: ``module:attr`` that the name led to.
        container: ``module:QualifiedName`` of the container.
        distribution: Name of the distribution that offers the habitat; None where code registered it.
        version: Of that distribution.
        python: Minor version of the interpreter: ``3.11``.
        first_party: Import packages whose files count.
        fingerprint: Of the whole session; None where something in it is unproven.
        code: Digest of the code.
        graph: Digest of the provider graph; None where something in it is unproven.
        settings_schema: Digest of the settings model.
        included: The included habitats, by path.
        unproven: Why the session cannot be proven the same in another process.
        settings: The resolved settings, see `EffectiveSettings.snapshot`; entries for nodes are in the shards.
        secrets: Keyed digests of the secrets by setting; empty where no key was configured.
        overrides: Replaced providers by dotted name: how to build what stands for them, None for a live object.
        inputs: Where the inputs of the pipeline are, by name.
        node_count: How many nodes the plan has.
        shards: SHA-256 of each shard of the plan.
        documents: SHA-256 of the documents ``code`` and ``index``.
        explanations: SHA-256 of the documents ``outline``, ``graph`` and ``origins``.
        signed: Whether it is signed, by whatever key.
        revision: Number of the revision that the settings are; 0 as they were when the session was created.
        revised: SHA-256 of what the revision says of the nodes of a shard, by number of the shard.
        parent: The session that it comes from: whose commits it took over, or whose node created it.
        selection: What of the pipeline it has; None for the whole of it.
        input_sources: Which outputs of other sessions were given to inputs of the pipeline, by name of the input.
    """

    session_id: SessionId
    habitat: str
    created_at: str
    target: str
    container: str
    distribution: str | None = None
    version: str | None = None
    python: str
    first_party: tuple[str, ...] = ()
    fingerprint: str | None = None
    code: str
    graph: str | None = None
    settings_schema: str
    included: "Mapping[NodePath, IncludedRecord]" = field(default_factory=dict[NodePath, "IncludedRecord"])
    unproven: tuple[str, ...] = ()
    settings: JsonObject
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    overrides: Mapping[str, JsonObject | None] = field(default_factory=dict[str, "JsonObject | None"])
    inputs: Mapping[str, PortRecord] = field(default_factory=dict[str, PortRecord])
    node_count: int
    shards: tuple[str, ...] = ()
    documents: Mapping[str, str] = field(default_factory=dict[str, str])
    explanations: Mapping[str, str] = field(default_factory=dict[str, str])
    signed: bool = False
    revision: int = 0
    revised: Mapping[str, str] = field(default_factory=dict[str, str])
    parent: Parent | None = None
    selection: Selection | None = None
    input_sources: Mapping[str, SessionOutput] = field(default_factory=dict[str, SessionOutput])

    def parts_of(self, habitat: str) -> Sequence[NodePath]:
        """Return where a habitat stands in the session: the root for its own, and include paths."""
        included = [path for path, record in self.included.items() if record.habitat == habitat]
        return [ROOT, *included] if habitat == self.habitat else included


def row_of(recipe: Recipe, state: SessionState) -> SessionRow:
    """Return a session as the index knows it."""
    created = datetime.fromisoformat(recipe.created_at)
    parent = None if recipe.parent is None else recipe.parent.session_id
    return SessionRow(recipe.session_id, recipe.habitat, state, created, created, recipe.node_count, parent)


def check_unused(store: ArtifactStore, session_id: SessionId) -> None:
    """Let pass an id that no session has yet.

    Raises:
        SessionExistsError: There is a session of that id.
    """
    if store.read(keys.recipe_key(session_id), limit_bytes=HEADER_MAX_BYTES) is not None:
        raise SessionExistsError(session_id=session_id)


def write_recipe(
    store: ArtifactStore,
    recipe: Recipe,
    *,
    documents: Mapping[str, bytes],
    shards: Sequence[bytes],
    explanations: Mapping[str, bytes],
    key: bytes | None = None,
) -> Recipe:
    """Write a recipe, its header last, and return it with the hashes of its documents.

    Args:
        store: Where to.
        recipe: The header, without hashes.
        documents: Canonical JSON by name.
        shards: Of the plan, canonical JSON.
        explanations: Canonical JSON by name; sessions of the same code share them.
        key: What the header is signed by; None for no signature.

    Raises:
        SessionExistsError: There is a session of that id.
        RecipeTooLargeError: The header would be larger than a worker reads.
        StoreError: The store failed; there is no session then.
    """
    session_id = recipe.session_id
    whole = replace(
        recipe,
        signed=key is not None,
        shards=tuple(write_document(store, session_id, shard_name(n), data) for n, data in enumerate(shards)),
        documents={name: write_document(store, session_id, name, data) for name, data in documents.items()},
        explanations={name: _write_explanation(store, name, data) for name, data in explanations.items()},
    )
    header = canonical_json(sealed(_header_to_json(whole), key))
    if len(header) > HEADER_MAX_BYTES:
        raise RecipeTooLargeError(size_bytes=len(header), limit_bytes=HEADER_MAX_BYTES, included=len(whole.included))
    if not store.create_if_absent(keys.recipe_key(session_id), header):
        raise SessionExistsError(session_id=session_id)
    return whole


def read_recipe(store: ArtifactStore, session_id: SessionId, *, key: bytes | None = None) -> Recipe:
    """Read the header of a session.

    Args:
        store: Where from.
        session_id: Which.
        key: The key that it must be signed by; None where none is configured here.

    Raises:
        UnknownSessionError: There is no such session in this store.
        InvalidDocumentError: What lies there is no recipe, or one of an unknown schema.
        RefusalError: It was altered, or is not signed by the key.
    """
    data = store.read(keys.recipe_key(session_id), limit_bytes=HEADER_MAX_BYTES)
    if data is None:
        recipe_lost = bool(store.children(keys.session_prefix(session_id)))
        raise UnknownSessionError(session_id=session_id, store=store.url, recipe_lost=recipe_lost)
    what = f"recipe of session {session_id}"
    try:
        document = json_object(data, what=what, limit_bytes=HEADER_MAX_BYTES)
    except InvalidDocumentError as error:
        raise RecipeAlteredError(what=what, reason=error.reason) from error
    if document.get("schema") != RECIPE_SCHEMA:
        raise InvalidDocumentError(what=what, reason=f"its schema is {document.get('schema')!r}, not {RECIPE_SCHEMA}")
    recipe = _header_from_json(unsealed(document, key, what=what), what)
    if recipe.session_id != session_id:
        raise InvalidDocumentError(what=what, reason=f"it is that of session {recipe.session_id}")
    return replace(recipe, signed=SIGNATURE in document)


def read_code(store: ArtifactStore, recipe: Recipe) -> JsonObject:
    """Read what the code was, module by module."""
    what = f"code of session {recipe.session_id}"
    return read_document(store, recipe.session_id, "code", recipe.documents["code"], what)


def read_explanation(store: ArtifactStore, recipe: Recipe, name: str) -> JsonObject:
    """Read what explains a part of the recipe: ``outline`` of the code, ``graph``, ``origins`` of the settings.

    Returns:
        The document; an empty one where it was lost.

    Raises:
        RecipeAlteredError: It is not what its hash says.
    """
    digest = recipe.explanations[name]
    data = store.read(keys.explanation_key(name, digest), limit_bytes=DOCUMENT_MAX_BYTES)
    return {} if data is None else _checked(data, digest, f"{name} of session {recipe.session_id}")


def shard_name(number: int) -> str:
    """Return the name of a shard of the plan."""
    return f"plan-{number:04d}"


def write_document(store: ArtifactStore, session_id: SessionId, name: str, data: bytes) -> str:
    """Write a document of a session under its hash, which is returned."""
    digest = hashlib.sha256(data).hexdigest()
    store.create_if_absent(keys.document_key(session_id, name, digest), data)
    return digest


def read_document(store: ArtifactStore, session_id: SessionId, name: str, digest: str, what: str) -> JsonObject:
    """Read a document of a session.

    Raises:
        RecipeAlteredError: It is missing, or not what its hash says.
    """
    return _checked(
        store.read(keys.document_key(session_id, name, digest), limit_bytes=DOCUMENT_MAX_BYTES), digest, what
    )


def _write_explanation(store: ArtifactStore, name: str, data: bytes) -> str:
    """Write what explains; were it lost in a crash, a refusal would tell less, and be a refusal all the same."""
    digest = hashlib.sha256(data).hexdigest()
    store.create_if_absent(keys.explanation_key(name, digest), data, durable=False)
    return digest


def _checked(data: bytes | None, digest: str, what: str) -> JsonObject:
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
        "target": recipe.target,
        "container": recipe.container,
        "distribution": recipe.distribution,
        "version": recipe.version,
        "python": recipe.python,
        "first_party": list(recipe.first_party),
        "fingerprint": recipe.fingerprint,
        "code": recipe.code,
        "graph": recipe.graph,
        "settings_schema": recipe.settings_schema,
        **({"included": {path: list(record) for path, record in recipe.included.items()}} if recipe.included else {}),
        "unproven": list(recipe.unproven),
        "settings": recipe.settings,
        "secrets": recipe.secrets,
        "overrides": recipe.overrides,
        "inputs": port_records_to_json(recipe.inputs),
        "node_count": recipe.node_count,
        "shards": list(recipe.shards),
        "documents": recipe.documents,
        "explanations": recipe.explanations,
        **lineage_to_json(recipe.parent, recipe.selection, recipe.input_sources),
    }


def _header_from_json(document: JsonObject, what: str) -> Recipe:
    try:
        return Recipe(
            session_id=SessionId(_text(document["session_id"])),
            habitat=_text(document["habitat"]),
            created_at=_text(document["created_at"]),
            target=_text(document["target"]),
            container=_text(document["container"]),
            distribution=_optional(document["distribution"]),
            version=_optional(document["version"]),
            python=_text(document["python"]),
            first_party=_texts(document["first_party"]),
            fingerprint=_optional(document["fingerprint"]),
            code=_text(document["code"]),
            graph=_optional(document["graph"]),
            settings_schema=_text(document["settings_schema"]),
            included=_included(document.get("included"), what),
            unproven=_texts(document["unproven"]),
            settings=_object(document["settings"]),
            secrets=_by_name(document["secrets"]),
            overrides={
                name: None if how is None else _object(how) for name, how in _object(document["overrides"]).items()
            },
            inputs=port_records_from_json(document["inputs"], what=what),
            node_count=_count(document["node_count"]),
            shards=_texts(document["shards"]),
            documents=_by_name(document["documents"]),
            explanations=_by_name(document["explanations"]),
            parent=parent_from_json(document.get("parent"), what=what),
            selection=selection_from_json(document.get("selection"), what=what),
            input_sources=input_sources_from_json(document.get("input_sources"), what=what),
        )
    except KeyError as error:
        raise InvalidDocumentError(what=what, reason=f"{error} is missing") from error
    except TypeError as error:
        raise InvalidDocumentError(what=what, reason=str(error)) from error


def _included(value: JsonValue, what: str) -> "Mapping[NodePath, IncludedRecord]":
    if value is None:
        return {}
    from oneml.habitats.sessions.included_records import records_from_json  # noqa: PLC0415  # few sessions include any

    return records_from_json(value, what=what)


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    message = f"{value!r:.80} is no text"
    raise TypeError(message)


def _optional(value: JsonValue) -> str | None:
    return None if value is None else _text(value)


def _texts(value: JsonValue) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple([_text(item) for item in value])
    message = f"{value!r:.80} is no array"
    raise TypeError(message)


def _by_name(value: JsonValue) -> Mapping[str, str]:
    return {name: _text(text) for name, text in _object(value).items()}


def _count(value: JsonValue) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    message = f"{value!r:.80} is no count"
    raise TypeError(message)


def _object(value: JsonValue) -> JsonObject:
    if isinstance(value, Mapping):
        return value
    message = f"{value!r:.80} is no object"
    raise TypeError(message)
