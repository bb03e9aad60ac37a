"""Fingerprints of the nodes of a session: recorded by the driver, computed again and compared by a worker.

The fingerprint of a node covers its provider and everything that this reaches, the settings read there, the edges of
the DAG at the node, the code behind all that, and the distributions; see `docs/identity.md`.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.sessions.node_identity import NodeIdentity
from oneml.habitats.sessions.plan_shards import ProviderRecord
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.reads import ReuseValues
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.node_path import ROOT, NodePath
from oneml.habitats.values.plan import PlannedNode
from oneml.habitats.values.plan_json import planned_node_to_json

FINGERPRINT_SCHEMA = "oneml.fingerprint/1"


class Base(NamedTuple):
    """What all nodes of a session have in common.

    Attributes:
        habitat: Name of the habitat.
        container: ``module:QualifiedName`` of the container.
        settings_schema: Digest of the settings model.
        distributions: Versions by name, as they were recorded.
    """

    habitat: str
    container: str
    settings_schema: str
    distributions: Mapping[str, str]

    def digest(self) -> str:
        """Return the digest of it."""
        return digest_of([FINGERPRINT_SCHEMA, *self[:3], self.distributions])


NOTHING_READ = ReuseValues({})

NARROW_MAX = 8192
"""Digests of what nodes read that are kept; nodes to which the same entries apply share one."""


WIDE_MAX = 1024
"""Digests of what providers read outside nodes that are kept; each keeps the settings that it is of."""


class _Fields(NamedTuple):
    """What a provider reads, by the layer of the view."""

    process: frozenset[str]
    session: frozenset[str]
    node: frozenset[str]


class Fingerprints:
    """Computes fingerprints and what outputs are reused by.

    Args:
        base: What all nodes have in common.
        reads_of: The settings that anything reads that a provider reaches.
        provider_of: What a provider is known by here.
        signing_key: The configured key, by which secrets that count are told apart; None where there is none.
        included: What all nodes of an included habitat have in common, by its path.
    """

    def __init__(
        self,
        base: Base,
        *,
        reads_of: Callable[[str], Iterable[SettingRead]],
        provider_of: Callable[[str], ProviderRecord],
        signing_key: bytes | None,
        included: Callable[[NodePath], Base],
    ) -> None:
        self._included = included
        self._base_digests = {ROOT: base.digest()}
        self._reads_of = reads_of
        self._provider_of = provider_of
        self._signing_key = signing_key
        self._fields: dict[str, _Fields] = {}
        self._wide: dict[tuple[int, str], tuple[EffectiveSettings[PipelineSettings], str]] = {}
        self._narrow: dict[tuple[str, int], tuple[JsonObject, bytes]] = {}
        self._environment = digest_of(
            [base.distributions, _python(), sys.platform, os.uname().machine, sys.flags.optimize]
        )

    def of_node(
        self,
        node: PlannedNode,
        settings: EffectiveSettings[PipelineSettings],
        author: Mapping[str, JsonValue],
        core: bytes | None = None,
    ) -> str | None:
        """Return the fingerprint of a node; None where something that it is built from is unproven.

        Args:
            node: The node.
            settings: The settings of the session.
            author: What the author of the node set for it.
            core: The canonical JSON of the node, where it is known already.
        """
        provider = self._provider_of(node.provider)
        if provider.graph is None:
            return None
        if core is None:
            core = canonical_json(planned_node_to_json(node))
        settings = settings.at(node.path)
        read = self._settings_read(node, settings, author)
        known = f"{self._base_digest_of(node.provider)}{provider.graph}{provider.code}{self._wide_read(node.provider, settings)}"
        return hashlib.sha256(b"%b%b%b" % (known.encode(), read, core)).hexdigest()

    def identity_of(
        self, node: PlannedNode, settings: EffectiveSettings[PipelineSettings], author: Mapping[str, JsonValue]
    ) -> NodeIdentity:
        """Return what a node is here, and what its outputs are reused by."""
        provider = self._provider_of(node.provider)
        return NodeIdentity(
            self.of_node(node, settings, author), self._reuse(provider, node, settings, author), provider.unproven
        )

    def _reuse(
        self,
        provider: ProviderRecord,
        node: PlannedNode,
        settings: EffectiveSettings[PipelineSettings],
        author: Mapping[str, JsonValue],
    ) -> str | None:
        if provider.graph is None or provider.foreign:
            return None
        fields = self._fields_of(node.provider)
        settings = settings.at(node.path)
        here = settings.node(node.path, author)
        key = self._signing_key
        counted = (
            settings.process_reuse_values(fields.process, key=key) if fields.process else NOTHING_READ,
            settings.reuse_values(fields.session, key=key) if fields.session else NOTHING_READ,
            settings.reuse_values(fields.node, node.path, author, key=key) if fields.node else NOTHING_READ,
        )
        if any(found.unproven for found in counted):
            return None
        content: JsonValue = [
            self._environment,
            provider.graph,
            provider.own_code,
            [found.values for found in counted],
            list(node.outputs),
            node.whole,
            here.serializers,
        ]
        return digest_of(content)

    def _base_digest_of(self, provider: str) -> str:
        include, _ = split_provider_key(provider)
        found = self._base_digests.get(include)
        if found is None:
            found = self._base_digests[include] = self._included(include).digest()
        return found

    def _fields_of(self, provider: str) -> "_Fields":
        found = self._fields.get(provider)
        if found is None:
            reads = list(self._reads_of(provider))
            by_layer = (frozenset(read.field for read in reads if read.layer == layer) for layer in _Fields._fields)
            found = self._fields[provider] = _Fields(*by_layer)
        return found

    def _wide_read(self, provider: str, settings: EffectiveSettings[PipelineSettings]) -> str:
        """Return the digest of what a provider reads of the process and of the session."""
        known = self._wide.get((id(settings), provider))
        if known is not None:
            return known[1]
        fields = self._fields_of(provider)
        digest = digest_of(
            [
                settings.process_read_values(fields.process) if fields.process else {},
                settings.read_values(fields.session) if fields.session else {},
            ]
        )
        if len(self._wide) >= WIDE_MAX:
            self._wide.clear()
        self._wide[id(settings), provider] = (settings, digest)
        return digest

    def _settings_read(
        self, node: PlannedNode, settings: EffectiveSettings[PipelineSettings], author: Mapping[str, JsonValue]
    ) -> bytes:
        """Return the digest of what a node reads as a node."""
        fields = self._fields_of(node.provider).node
        if not fields:
            return b""
        values = settings.read_values(fields, node.path, author)
        known = self._narrow.get((node.provider, id(values)))
        if known is None:
            if len(self._narrow) >= NARROW_MAX:
                self._narrow.clear()
            known = self._narrow[node.provider, id(values)] = (values, digest_of(values).encode())
        return known[1]


def session_fingerprint(
    base: Base, *, code: str, graph: str | None, index: bytes, nodes: Iterable[str | None]
) -> str | None:
    """Return the fingerprint of a whole session; None where something in it is unproven.

    Args:
        base: What all nodes have in common.
        code: Digest of all the code.
        graph: Digest of the whole provider graph.
        index: What holds the plan together, as canonical JSON.
        nodes: Fingerprints of the nodes, in the order of the plan.
    """
    if graph is None:
        return None
    whole = hashlib.sha256(f"{base.digest()}{code}{graph}".encode())
    whole.update(index)
    for fingerprint in nodes:
        if fingerprint is None:
            return None
        whole.update(fingerprint.encode())
    return whole.hexdigest()


def digest_of(value: JsonValue) -> str:
    """Return the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"
