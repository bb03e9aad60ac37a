"""A session whose container is open in this process, ready to run nodes."""

import logging
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.serializer_registry import SerializerRegistry
from oneml.habitats.graph.signature import BodySignature, body_signature
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.executables import executable_of
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.fingerprints import Fingerprints
from oneml.habitats.sessions.inputs import InputLoader
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.named_serializers import named_serializers
from oneml.habitats.sessions.node_identity import NOT_REUSABLE, NodeIdentity
from oneml.habitats.sessions.node_runner import NodeRunner
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.reuse import ReuseKeys
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.stores.inline_blobs import InlineBlobStore
from oneml.habitats.values.node_path import NodePath

if TYPE_CHECKING:
    from oneml.habitats.sessions.client import PipelineServiceClient
    from oneml.habitats.sessions.entry_settings import EntrySettings
    from oneml.habitats.sessions.verified import Findings, Verified

_log = logging.getLogger(__name__)


class OpenedSession:
    """An open container and what runs nodes with it.

    Args:
        store: The artifact store.
        recipe: The session's recipe.
        components: The opened container; closed with this.
        settings: The effective settings.
        entry_settings: Gives those with entries for a node; None where ``settings`` has them all.
        nodes: Where nodes come from.
        fingerprints: Computes what nodes are here.
        verified: What was held against the recipe, where another process wrote it.
        as_written: Tells whether the code in this process is what its source says; asked once, before outputs are
            offered to other sessions.
        attempts: Claims and commits of the session.
        memory: Outputs that stay in this process, by node; outlives this.
        interrupts: Told while a body runs; outlives this.
        hidden: Texts that must not show, beside secrets.
        clock: Time.
        service: Creates the sessions that bodies ask for.
    """

    def __init__(
        self,
        *,
        store: ArtifactStore,
        recipe: Recipe,
        components: PipelineComponents,
        settings: EffectiveSettings[PipelineSettings],
        entry_settings: "EntrySettings | None",
        nodes: PlannedNodes,
        fingerprints: Fingerprints,
        verified: "Verified | None",
        as_written: Callable[[], bool],
        attempts: AttemptLog,
        memory: dict[NodePath, Mapping[str, object]],
        interrupts: Interrupts,
        hidden: frozenset[str],
        clock: Clock,
        service: "PipelineServiceClient",
    ) -> None:
        self.revision = recipe.revision
        self.components = components
        self._uniform = False
        self.settings = settings
        self._entry_settings = entry_settings
        self.memory = memory
        self.interrupts = interrupts
        self._hidden = hidden
        self.fingerprints = fingerprints
        self.verified = verified
        self.as_written = as_written
        self._proven: set[NodePath] = set()
        self._doubtful: set[NodePath] = set()
        self._nodes = nodes
        self._signatures: dict[str, BodySignature] = {}
        self._store = store
        self._serializers = SerializerRegistry(allowed=partial(named_serializers, recipe, nodes))
        self.reuse_keys = ReuseKeys(
            identity_of=self.node_identity, settings_of=self.settings_of, attempts=attempts, external=recipe.inputs
        )
        self.runner = self._new_runner(recipe, attempts, clock, service)

    def _new_runner(
        self, recipe: Recipe, attempts: AttemptLog, clock: Clock, service: "PipelineServiceClient"
    ) -> NodeRunner:
        allow_pickle = self.settings.session.allow_pickle
        client = DataClient(self._store, serializers=self._serializers, allow_pickle=allow_pickle)
        nodes = self._nodes
        inputs = InputLoader(
            client=client,
            attempts=attempts,
            external=recipe.inputs,
            memory=self.memory,
            result_type=lambda path: _named_type(nodes.node(path).whole),
        )
        return NodeRunner(
            habitat=recipe.habitat,
            session_id=recipe.session_id,
            revision=recipe.revision,
            nodes=nodes,
            components=self.components,
            settings_of=self.settings_of,
            signature_of=self.signature_of,
            attempts=attempts,
            inputs=inputs,
            client=client,
            memory=self.memory,
            reuse_key_of=self.reuse_keys.of,
            secrets=self.secret_texts,
            interrupts=self.interrupts,
            clock=clock,
            service=service,
        )

    def carrying_client(self, inline_max_bytes: int) -> DataClient:
        """Return what publishes outputs that travel with outcomes up to a size."""
        store = InlineBlobStore(self._store, inline_max_bytes)
        return DataClient(
            store,
            serializers=self._serializers,
            allow_pickle=self.settings.session.allow_pickle,
            streams=self._store,
        )

    def settings_of(self, path: NodePath) -> PipelineSettings:
        """Return the effective settings of a node."""
        if self._uniform:
            return self.settings.session
        return self._settings_at(path).node(path, self._nodes.author_settings(path))

    def _settings_at(self, path: NodePath) -> EffectiveSettings[PipelineSettings]:
        """Return settings that have every entry which applies to a node."""
        return self.settings if self._entry_settings is None else self._entry_settings.at(self._nodes.entries_at(path))

    def secret_texts(self) -> frozenset[str]:
        """Return every text that must not show, as far as it is known: secrets, and the signing key."""
        known = self.settings if self._entry_settings is None else self._entry_settings
        return known.secret_texts() | self._hidden

    @cached_property
    def _is_as_written(self) -> bool:
        return self.as_written()

    def node_identity(self, path: NodePath) -> NodeIdentity:
        """Return what a node is, apart from its inputs; nothing where what runs here may not be what it is known by."""
        differs = path in self._doubtful or (self.verified is not None and self.verified.findings.allowed)
        if differs or not self._is_as_written:
            return NOT_REUSABLE
        return self.fingerprints.identity_of(
            self._nodes.node(path), self._settings_at(path), self._nodes.author_settings(path)
        )

    def prove(self, path: NodePath) -> None:
        """Let pass a node that is here what the recipe says, whichever process wrote that.

        Raises:
            DriftError: It is not, and the policy refuses that.
            UnprovenError: Nobody can tell.
        """
        if self.verified is None:
            return
        self.verified.check_again(path)
        if path in self._proven:
            return
        findings = self.findings_of(path, self.verified)
        for line in findings.lines():
            _log.warning("%s: %s", path, line)
        if findings.allowed:
            self._doubtful.add(path)
        self._proven.add(path)

    def findings_of(self, path: NodePath, verified: "Verified") -> "Findings":
        """Return what holding a node against the recipe gives; raises as `prove` does."""
        record = self._nodes.record(path)
        findings = verified.findings_of(path)
        settings = self._settings_at(path)
        here = self.fingerprints.of_node(record.node, settings, record.author)
        verified.check_node(record, here, findings, hidden=self.secret_texts())
        if record.provider.foreign:
            from oneml.habitats.sessions.foreign_pins import check_foreign  # noqa: PLC0415  # seldom needed

            may_pin = self.settings_of(path).unproven == "pin"
            check_foreign(self._store, verified.session_id, record, findings, may_pin=may_pin)
        verified.check_secrets(settings, findings, record)
        return findings

    def know_plan(self) -> None:
        """Note that the whole plan is at hand: where no node has settings of its own, none is looked for any more."""
        plan = self._nodes.plan()
        self._uniform = not (self.settings.node_paths() or plan.node_settings or self.settings.included)

    def signature_of(self, provider: str) -> BodySignature:
        """Return the signature of the body that a provider gives."""
        signature = self._signatures.get(provider)
        if signature is None:
            executable = executable_of(self.components, provider)
            signature = self._signatures[provider] = body_signature(executable.call, bound=executable.bound)
        return signature

    def close(self) -> None:
        """Close the container, resources and all."""
        self.components.close()


def _named_type(name: str | None) -> object:
    """Return the class behind ``module:QualifiedName``; ``dict`` where there is no name."""
    if name is None:
        return dict
    module, _, attributes = name.partition(":")
    found: object = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found
