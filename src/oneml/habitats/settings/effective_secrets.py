"""Which secrets are in force, told by keyed digests: on the driver for the recipe, on a worker against the recipe."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.secret_digests import digests_of, rotated
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.include_paths import provider_key
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath

S = TypeVar("S", bound=PipelineSettings)


def secret_digests(
    settings: EffectiveSettings[S],
    key: bytes,
    context: bytes,
    path: NodePath | None = None,
    author: Mapping[str, JsonValue] | None = None,
) -> Mapping[str, str]:
    """Return a keyed digest of each secret, by which a worker tells whether its own is the same.

    Args:
        settings: Have the secrets.
        key: The signing key.
        context: What the digests are bound to: of another context they say nothing.
        path: The node, for those secrets that it has otherwise than the session; None for session and process, those
            of included habitats among them.
        author: What its author gave for it.

    Returns:
        Digests in hexadecimal, by dotted name; behind ``process:`` where the process has another secret than the
        session, and behind the include path for an included habitat.

    Raises:
        OnemlError: As `EffectiveSettings.node`.
    """
    own = digests_of(settings.secrets_in_force(path, author), key, context)
    if path is not None or not settings.included:
        return own
    of_parts = {
        provider_key(part, name): digest
        for part in settings.included
        for name, digest in secret_digests(settings.at(part), key, context).items()
    }
    return {**own, **of_parts}


def rotated_secrets(
    settings: EffectiveSettings[S],
    recorded: Mapping[str, str],
    key: bytes,
    context: bytes,
    path: NodePath | None = None,
    author: Mapping[str, JsonValue] | None = None,
) -> Sequence[Drift]:
    """Return the secrets that are not those that ``recorded`` tells of; never themselves.

    Args:
        settings: Have the secrets of this process.
        recorded: What `secret_digests` gave when the session was created, of one habitat.
        key: As it was given there, and so the rest.
        context: As it was given there.
        path: As it was given there.
        author: As it was given there.

    Raises:
        OnemlError: As `EffectiveSettings.node`.
    """
    return rotated(settings.secrets_in_force(path, author), recorded, key, context)
