"""What a node is, apart from its inputs: proven by one digest, reused by another."""

from typing import NamedTuple


class NodeIdentity(NamedTuple):
    """What a node is in this process.

    Attributes:
        fingerprint: Digest of everything that the node can reach; None where that is unproven.
        reuse: Digest of everything that decides its outputs but its inputs: code and providers of its part of the
            graph, the settings that these read (execution fields and secrets left out), output ports, serializers, the
            distributions, Python minor and platform. None where its outputs cannot be reused: unproven, not what the
            recipe says, not reusable by its settings, or kept in memory.
        unproven: Why it is unproven.
    """

    fingerprint: str | None
    reuse: str | None
    unproven: tuple[str, ...] = ()


NOT_REUSABLE = NodeIdentity(None, None)
"""Of nodes about which nothing is known."""
