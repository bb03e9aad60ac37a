"""Revisions of the settings of a session: documents beside its recipe, which itself never changes.

A node that has not started takes the newest revision; an attempt stays with the one that it began with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from oneml.habitats.errors import InvalidDocumentError, RecipeTooLargeError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.plan_shards import revised_name, shard_of
from oneml.habitats.sessions.recipe import HEADER_MAX_BYTES, Recipe, write_document
from oneml.habitats.sessions.signatures import sealed, unsealed
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json, json_object
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId

REVISION_SCHEMA = "oneml.revision/1"


def newest_revision(store: ArtifactStore, session_id: SessionId) -> int:
    """Return the number of the newest revision; 0 where there is none.

    Raises:
        StoreError: The store failed.
    """
    names = store.children(keys.revisions_prefix(session_id))
    numbers = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def read_revision(store: ArtifactStore, recipe: Recipe, number: int, *, key: bytes | None) -> Recipe:
    """Return a recipe with the settings of one of its revisions.

    Args:
        store: Where from.
        recipe: The recipe, as it was written.
        number: Which revision; 0 for the recipe as it is.
        key: The key that it must be signed by; None where none is configured here.

    Raises:
        InvalidDocumentError: There is no such revision, or it is none.
        RefusalError: It was altered, or is not signed by the key.
        StoreError: The store failed.
    """
    if number == 0:
        return recipe
    what = f"revision {number} of session {recipe.session_id}"
    data = store.read(keys.revision_key(recipe.session_id, number), limit_bytes=HEADER_MAX_BYTES)
    if data is None:
        raise InvalidDocumentError(what=what, reason="it is missing")
    document = unsealed(json_object(data, what=what, limit_bytes=HEADER_MAX_BYTES), key, what=what)
    settings, secrets, revised = (document.get(name) for name in ("settings", "secrets", "fingerprints"))
    told = (document.get("schema"), document.get("session_id"), document.get("number"))
    if told != (REVISION_SCHEMA, recipe.session_id, number):
        raise InvalidDocumentError(what=what, reason=f"it is no {REVISION_SCHEMA} of this session and number")
    if not isinstance(settings, Mapping):
        raise InvalidDocumentError(what=what, reason="its settings are no object")
    return replace(
        recipe, settings=settings, secrets=_texts(secrets, what), revision=number, revised=_texts(revised, what)
    )


def write_revision(
    store: ArtifactStore,
    recipe: Recipe,
    *,
    created_at: str,
    settings: JsonObject,
    secrets: Mapping[str, str],
    fingerprints: Iterable[tuple[NodePath, str | None]],
    key: bytes | None,
) -> Recipe:
    """Write the next revision of a recipe, and return the recipe with its settings.

    Args:
        store: Where to.
        recipe: The recipe at the revision before.
        created_at: RFC 3339, UTC.
        settings: The settings, see `EffectiveSettings.snapshot`.
        secrets: Keyed digests of the secrets.
        fingerprints: Of the nodes that are no longer what the recipe says.
        key: What it is signed by; None for no signature.

    Raises:
        InvalidDocumentError: Another process wrote that revision.
        RecipeTooLargeError: The settings would be larger than a worker reads.
        StoreError: The store failed; there is no such revision then.
    """
    session_id, number = recipe.session_id, recipe.revision + 1
    shards: dict[int, dict[str, JsonValue]] = {}
    for path, fingerprint in fingerprints:
        shards.setdefault(shard_of(path, len(recipe.shards)), {})[path] = fingerprint
    revised = {
        str(shard): write_document(store, session_id, revised_name(number, shard), canonical_json(entries))
        for shard, entries in sorted(shards.items())
    }
    document: JsonObject = {
        "schema": REVISION_SCHEMA,
        "session_id": session_id,
        "number": number,
        "created_at": created_at,
        "settings": settings,
        "secrets": secrets,
        "fingerprints": revised,
    }
    data = canonical_json(sealed(document, key))
    if len(data) > HEADER_MAX_BYTES:
        raise RecipeTooLargeError(size_bytes=len(data), limit_bytes=HEADER_MAX_BYTES, included=len(recipe.included))
    if not store.create_if_absent(keys.revision_key(session_id, number), data):
        raise InvalidDocumentError(
            what=f"revision {number} of session {session_id}", reason="another process has written one meanwhile"
        )
    return replace(recipe, settings=settings, secrets=secrets, revision=number, revised=revised)


def _texts(value: JsonValue, what: str) -> Mapping[str, str]:
    if isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values()):
        return {name: str(text) for name, text in value.items()}
    raise InvalidDocumentError(what=what, reason="what it says of secrets or nodes is no object of texts")
