"""A session whose container is open in this process, ready to run nodes."""

from collections.abc import Mapping
from importlib import import_module

from oneml.habitats.data.client import DataClient
from oneml.habitats.errors import UnknownNodeError
from oneml.habitats.graph.signature import BodySignature, body_signature
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.executables import executable_of
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.inputs import InputLoader
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.node_identity import NOT_REUSABLE, NodeIdentity
from oneml.habitats.sessions.node_runner import NodeRunner
from oneml.habitats.sessions.recipe import Recipe, read_plan, read_planned_node
from oneml.habitats.sessions.reuse import ReuseKeys
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan, PlannedNode

_NO_ENTRIES: Mapping[str, JsonValue] = {}


class PlannedNodes:
    """The nodes of a session: from the plan where a driver has it, else one shard at a time from the recipe."""

    def __init__(self, store: ArtifactStore, recipe: Recipe, plan: Plan | None) -> None:
        self._store = store
        self._recipe = recipe
        self._plan = plan
        self._read: dict[NodePath, tuple[PlannedNode, Mapping[str, JsonValue]]] = {}

    def plan(self) -> Plan:
        """Return the whole plan, from which nodes are taken from now on."""
        if self._plan is None:
            self._plan = read_plan(self._store, self._recipe)
        return self._plan

    def node(self, path: NodePath) -> PlannedNode:
        """Return a node.

        Raises:
            UnknownNodeError: The plan has none of that path.
        """
        if self._plan is not None:
            node = self._plan.nodes.get(path)
            if node is None:
                raise UnknownNodeError(node=path, known=list(self._plan.nodes))
            return node
        return self._entry(path)[0]

    def author_settings(self, path: NodePath) -> Mapping[str, JsonValue]:
        """Return the settings that the author gave a node."""
        if self._plan is not None:
            return self._plan.node_settings.get(path, _NO_ENTRIES)
        return self._entry(path)[1]

    def _entry(self, path: NodePath) -> tuple[PlannedNode, Mapping[str, JsonValue]]:
        entry = self._read.get(path)
        if entry is None:
            entry = read_planned_node(self._store, self._recipe, path)
            if entry is None:
                raise UnknownNodeError(node=path, known=[])
            self._read[path] = entry
        return entry


class OpenedSession:
    """An open container and what runs nodes with it.

    Args:
        store: The artifact store.
        recipe: The session's recipe.
        components: The opened container; closed with this.
        settings: The effective settings.
        nodes: Where nodes come from.
        attempts: Claims and commits of the session.
        clock: Time.
    """

    def __init__(
        self,
        *,
        store: ArtifactStore,
        recipe: Recipe,
        components: PipelineComponents,
        settings: EffectiveSettings[PipelineSettings],
        nodes: PlannedNodes,
        attempts: AttemptLog,
        clock: Clock,
    ) -> None:
        self.components = components
        self._uniform = False
        self.settings = settings
        self.memory: dict[NodePath, Mapping[str, object]] = {}
        self.interrupts = Interrupts()
        self._nodes = nodes
        self._signatures: dict[str, BodySignature] = {}
        client = DataClient(store, allow_pickle=settings.session.allow_pickle)
        inputs = InputLoader(
            client=client,
            attempts=attempts,
            external=recipe.inputs,
            memory=self.memory,
            result_type=lambda path: _named_type(nodes.node(path).whole),
        )
        self.reuse_keys = ReuseKeys(
            identity_of=self.node_identity, settings_of=self.settings_of, attempts=attempts, external=recipe.inputs
        )
        self.runner = NodeRunner(
            habitat=recipe.habitat,
            session_id=recipe.session_id,
            nodes=nodes,
            components=components,
            settings_of=self.settings_of,
            signature_of=self.signature_of,
            attempts=attempts,
            inputs=inputs,
            client=client,
            memory=self.memory,
            reuse_key_of=self.reuse_keys.of,
            secrets=settings.secret_texts,
            interrupts=self.interrupts,
            clock=clock,
        )

    def settings_of(self, path: NodePath) -> PipelineSettings:
        """Return the effective settings of a node."""
        if self._uniform:
            return self.settings.session
        return self.settings.node(path, self._nodes.author_settings(path))

    def node_identity(self, path: NodePath) -> NodeIdentity:
        """Return what a node is, apart from its inputs."""
        del path
        return NOT_REUSABLE

    def know_plan(self) -> None:
        """Note that the whole plan is at hand: where no node has settings of its own, none is looked for any more."""
        self._uniform = not self.settings.node_paths() and not self._nodes.plan().node_settings

    def signature_of(self, provider: str) -> BodySignature:
        """Return the signature of the body that a provider gives."""
        signature = self._signatures.get(provider)
        if signature is None:
            executable = executable_of(self.components, provider)
            signature = self._signatures[provider] = body_signature(executable.call, bound=executable.bound)
        return signature

    def close(self) -> None:
        """Close the container, resources and all."""
        self.memory.clear()
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
