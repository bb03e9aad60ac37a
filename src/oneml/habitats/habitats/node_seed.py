"""What a node seeds its random generators with: a number that only the session's seed and the node's path decide."""

import hashlib

from oneml.habitats.errors import UnbuildableError
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.node_path import NodePath

_BYTES = 4


def node_seed(seed: object, path: NodePath, name: str) -> int:
    """Return the seed of a node: 0 <= n < 2**32.

    Args:
        seed: The seed of the settings.
        path: The node.
        name: What the provider is called, for the message.

    Raises:
        UnbuildableError: The seed is no integer.
    """
    if type(seed) is not int:
        reason = (
            f"its seed is a {type(seed).__qualname__}. Give an integer: NodeSeed(settings.node.seed), seed: int = 0."
        )
        raise UnbuildableError(provider=name, reason=reason)
    return int.from_bytes(hashlib.sha256(canonical_json([seed, path])).digest()[:_BYTES], "big")
