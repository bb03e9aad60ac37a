"""Under which key the outputs of a node can be reused: what it is, and the content of what feeds it.

Equal keys mean that the body would compute the same again. Contents are known by their digests, so no value is loaded,
and a node whose upstream ran again is itself reused if that gave the same.
"""

import hashlib
from collections.abc import Callable, Mapping
from json import JSONEncoder

from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.node_identity import NodeIdentity
from oneml.habitats.settings.models import MEMORY_STORE, PipelineSettings
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import ExternalSource, InputSource, LiteralSource, PlannedNode, PortSource, WholeSource

REUSE_SCHEMA = "oneml.reuse/1"

# What `canonical_json` writes, without making an encoder for each node.
_encode = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class _UnknownInputError(Exception):
    """The content of an input is not known by a digest: it stays in memory, or is not there yet."""


def reuse_key(reuse: str, node: PlannedNode, contents: Mapping[str, JsonValue]) -> str:
    """Return the key of a node.

    What the node merely comes after is no part of it: a body that reads what others leave outside their outputs is to
    say so (``reusable = False``).

    Args:
        reuse: See `NodeIdentity.reuse`.
        node: The node; its path counts, since seeds depend on it.
        contents: What is fed to each input: sources as they nest, with the digests of their contents.

    Returns:
        A SHA-256.
    """
    document = [REUSE_SCHEMA, reuse, node.path, contents]
    return hashlib.sha256(_encode(document).encode()).hexdigest()


class ReuseKeys:
    """The keys of one session's nodes.

    Args:
        identity_of: What a node is.
        settings_of: The effective settings of a node.
        attempts: Knows what was committed.
        external: Where the inputs of the pipeline are, by name.
    """

    def __init__(
        self,
        *,
        identity_of: Callable[[NodePath], NodeIdentity],
        settings_of: Callable[[NodePath], PipelineSettings],
        attempts: AttemptLog,
        external: Mapping[str, PortRecord],
    ) -> None:
        self._identity_of = identity_of
        self._settings_of = settings_of
        self._attempts = attempts
        self._external = external

    def of(self, node: PlannedNode) -> str | None:
        """Return the key of a node before which everything has run; None where its outputs cannot be reused.

        Raises:
            StoreError: A commit upstream cannot be read.
        """
        settings = self._settings_of(node.path)
        if not settings.reusable or settings.store == MEMORY_STORE:
            return None
        reuse = self._identity_of(node.path).reuse
        if reuse is None:
            return None
        try:
            contents = {name: self._content(source) for name, source in node.inputs.items()}
        except _UnknownInputError:
            return None
        return reuse_key(reuse, node, contents)

    def _content(self, source: InputSource) -> JsonValue:
        if isinstance(source, PortSource):
            return {"port": self._port(source)}
        if isinstance(source, LiteralSource):
            return {"literal": source.json}
        if isinstance(source, ExternalSource):
            record = self._external.get(source.name)
            return {"port": _known(record)} if record is not None else None
        if isinstance(source, WholeSource):
            return {"whole": self._whole(source)}
        return {"gather": [self._content(item) for item in source.items]}

    def _port(self, source: PortSource) -> JsonValue:
        record = self._ports(source.node).get(source.port)
        if record is None:
            raise _UnknownInputError
        return _known(record)

    def _whole(self, source: WholeSource) -> JsonValue:
        return {port: _known(record) for port, record in self._ports(source.node).items()}

    def _ports(self, path: NodePath) -> Mapping[str, PortRecord]:
        commit = self._attempts.committed(path)
        if commit is None:
            raise _UnknownInputError
        return commit.ports


def _known(record: PortRecord) -> JsonValue:
    return [record.serializer, record.version, record.digest]
