"""Keyed digests that tell whether a secret is the same one, and nothing else about it."""

from oneml.habitats.values.json_value import JsonValue, canonical_json


def secret_digest(key: bytes, context: bytes, name: str, value: JsonValue) -> str:
    """Return the digest of a secret, in hexadecimal.

    Args:
        key: Derived for the purpose.
        context: What the digest is bound to, so that equal secrets elsewhere do not show; empty for none.
        name: Dotted name of the setting.
        value: The secret itself, as JSON.
    """
    from hmac import digest  # noqa: PLC0415  # most workers have no key

    return digest(key, canonical_json([context.hex(), name, value]), "sha256").hex()
