"""Keyed digests that tell whether a secret is the same one, and nothing else about it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel
from typing_extensions import override

from oneml.habitats.settings.references import SecretSource, secret_leaves
from oneml.habitats.settings.shapes import dotted, value_at
from oneml.habitats.settings.signing_key import derived_key
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonValue, canonical_json

PURPOSE = "secrets"

PROCESS_PREFIX = "process:"
"""Before the name of a secret that the process has otherwise than the session."""

ROTATION_REMEDY = (
    "Give this worker the secret that the session was created with, "
    "or create the session with verification.rotation=allow"
)


class SecretInForce(NamedTuple):
    """A secret; never leaves memory.

    Attributes:
        setting: Dotted name of the setting.
        reference: To the secret.
        value: Itself, as JSON.
    """

    setting: str
    reference: str
    value: JsonValue

    @override
    def __repr__(self) -> str:
        return f"<secret {self.setting}, {self.reference}>"


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


def secrets_of(
    model: type[BaseModel], source: SecretSource, tree: Mapping[str, JsonValue]
) -> Mapping[str, SecretInForce]:
    """Return every secret that ``tree`` refers to, by dotted name; what leads to nothing is left out."""
    resolved = source.resolve(model, tree)
    missing = {item.setting for item in resolved.missing}
    return {
        name: SecretInForce(name, str(leaf.value), value_at(resolved.tree, leaf.name))
        for leaf in secret_leaves(model, tree)
        if (name := dotted(leaf.name)) not in missing
    }


def told_apart(
    own: Mapping[str, SecretInForce], wider: Mapping[str, SecretInForce], *, of_node: bool
) -> Mapping[str, SecretInForce]:
    """Return the secrets that must be told of beside those of a wider scope.

    Args:
        own: Those of a node, or of a session.
        wider: Those of the session, or of the process.
        of_node: Which of both: of a node only what it has otherwise counts, of a session what the process has beside.
    """
    if of_node:
        return {name: secret for name, secret in own.items() if wider.get(name) != secret}
    others = {f"{PROCESS_PREFIX}{name}": secret for name, secret in wider.items() if own.get(name) != secret}
    return {**own, **others}


def digests_of(secrets: Mapping[str, SecretInForce], key: bytes, context: bytes) -> Mapping[str, str]:
    """Return the digest of each of ``secrets``; ``key`` is the signing key."""
    if not secrets:
        return {}
    derived = derived_key(key, PURPOSE)
    return {
        name: secret_digest(derived, context, secret.setting, secret.value) for name, secret in sorted(secrets.items())
    }


def rotated(
    secrets: Mapping[str, SecretInForce], recorded: Mapping[str, str], key: bytes, context: bytes
) -> Sequence[Drift]:
    """Return those of ``secrets`` that are not those that ``recorded`` tells of."""
    return list(_rotated(secrets, recorded, digests_of(secrets, key, context)))


def _rotated(
    secrets: Mapping[str, SecretInForce], recorded: Mapping[str, str], found: Mapping[str, str]
) -> Iterator[Drift]:
    for name in sorted({*recorded, *found}):
        if recorded.get(name) == found.get(name):
            continue
        secret = secrets.get(name)
        yield Drift(
            kind="secret",
            subject=name.removeprefix(PROCESS_PREFIX),
            field="" if secret is None else secret.reference,
            expected="the secret that the session was created with" if name in recorded else None,
            found=None if secret is None else "another one" if name in recorded else "a secret",
            remedy=ROTATION_REMEDY,
        )
