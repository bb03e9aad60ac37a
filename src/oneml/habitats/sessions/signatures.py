"""Checksums and signatures of the documents of a session: what was altered by mistake, and what on purpose.

Every document carries the SHA-256 of its own canonical bytes. Where a key is configured it is signed too, by
HMAC-SHA256 (RFC 2104) over the same bytes, and what is not signed by that key is refused.
"""

import hashlib
import hmac

from oneml.habitats.errors import RecipeAlteredError, SignatureRefusedError
from oneml.habitats.settings.signing_key import derived_key
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json

CHECKSUM = "checksum"
SIGNATURE = "signature"
ALGORITHM = "hmac-sha256"

_PURPOSE = "signature of recipes"


def sealed(document: JsonObject, key: bytes | None) -> JsonObject:
    """Return a document with its checksum, and with its signature where there is a key."""
    data = canonical_json(document)
    whole: dict[str, JsonValue] = {**document, CHECKSUM: hashlib.sha256(data).hexdigest()}
    if key is not None:
        whole[SIGNATURE] = {"algorithm": ALGORITHM, "key": key_name(key), "value": _signature(data, key)}
    return whole


def unsealed(document: JsonObject, key: bytes | None, *, what: str) -> JsonObject:
    """Return what `sealed` was given.

    Args:
        document: What was read.
        key: The key that is configured here; None where none is, and signatures are not looked at.
        what: What the document is, for the message.

    Raises:
        RecipeAlteredError: It is not what was written.
        SignatureRefusedError: It is not signed by the key.
    """
    bare = {name: value for name, value in document.items() if name not in {CHECKSUM, SIGNATURE}}
    data = canonical_json(bare)
    if key is not None:
        _check_signature(document.get(SIGNATURE), data, key, what)
    if document.get(CHECKSUM) != hashlib.sha256(data).hexdigest():
        raise RecipeAlteredError(what=what, reason="it is not what its checksum says")
    return bare


def key_name(key: bytes) -> str:
    """Return a name by which two processes tell whether they have the same key, and which tells nothing about it."""
    return derived_key(key, "name").hex()[:16]


def _check_signature(signature: JsonValue, data: bytes, key: bytes, what: str) -> None:
    if signature is None:
        raise SignatureRefusedError(what=what, reason="it is not signed")
    if not isinstance(signature, dict) or signature.get("algorithm") != ALGORITHM:
        raise SignatureRefusedError(what=what, reason=f"its signature is none of {ALGORITHM}")
    if signature.get("key") != key_name(key):
        raise SignatureRefusedError(what=what, reason=f"it is signed by the key {str(signature.get('key'))[:16]!r}")
    if not hmac.compare_digest(str(signature.get("value")).encode(), _signature(data, key).encode()):
        raise SignatureRefusedError(what=what, reason="its signature is not that of its content")


def _signature(data: bytes, key: bytes) -> str:
    return hmac.digest(derived_key(key, _PURPOSE), data, "sha256").hex()
