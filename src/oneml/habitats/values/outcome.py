"""What became of one attempt at a node, and its form in JSON."""

from collections.abc import Mapping
from typing import NamedTuple

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState


class ErrorRecord(NamedTuple):
    """An exception as text, so that it survives what cannot be pickled; secrets are masked.

    Attributes:
        type: Qualified name of its class.
        text: Its text.
        traceback: The formatted traceback.
    """

    type: str
    text: str
    traceback: str

    def summary(self) -> str:
        """Return type and text in one."""
        return f"{self.type}: {self.text}" if self.text else self.type


class PortRecord(NamedTuple):
    """Where the value of an output port is.

    Attributes:
        serializer: Name of the serializer that wrote it.
        version: Of that serializer.
        digest: SHA-256 of its bytes, hexadecimal.
        size: Bytes.
        inline: The bytes themselves where they are few, else None and they lie in the store.
    """

    serializer: str
    version: int
    digest: str
    size: int
    inline: bytes | None


class NodeOutcome(NamedTuple):
    """How an attempt at a node ended.

    Attributes:
        path: The node.
        state: ``succeeded``, ``failed``, ``refused`` or ``cancelled``.
        attempt: Its number, from 1; 0 where none was claimed.
        seconds: How long the body ran; of a reused node, in the session that computed it.
        error: What it raised, else None.
        ports: What it published, by port; empty unless it succeeded, and where outputs stay in memory.
        ended_at: When, RFC 3339, UTC; empty where nobody wrote it down.
        reuse_key: What decided its outputs, see `ReuseKeys`; None where they cannot be reused.
        reused_from: The session whose node computed the outputs, where this one took them over; attempt is 0 then.
    """

    path: NodePath
    state: NodeState
    attempt: int = 1
    seconds: float | None = None
    error: ErrorRecord | None = None
    ports: Mapping[str, PortRecord] = {}
    ended_at: str = ""
    reuse_key: str | None = None
    reused_from: SessionId | None = None
