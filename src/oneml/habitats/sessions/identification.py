"""What a session is known by, computed where it is created: code, provider graph, and the fingerprint of each node."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from oneml.habitats.graph.signature import body_signature
from oneml.habitats.habitats.body_interface import interface_digest
from oneml.habitats.habitats.code_document import identity_to_json
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.code_outline import outline_of
from oneml.habitats.habitats.code_recording import IncludedContainer, code_identity
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.executables import executable_of
from oneml.habitats.habitats.foreign_code import foreign_targets
from oneml.habitats.habitats.graph_description import GraphDescription, describe_graph
from oneml.habitats.habitats.import_paths import NotCanonicalError
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.live_code import live_drifts
from oneml.habitats.habitats.live_shape import live_shape
from oneml.habitats.habitats.settings_schema import settings_schema
from oneml.habitats.habitats.source_places import SourcePlaces
from oneml.habitats.sessions.fingerprints import Base, Fingerprints, digest_of, session_fingerprint
from oneml.habitats.sessions.included_identity import IncludedIdentity, graphs_digest, identity_of_part
from oneml.habitats.sessions.node_identity import NodeIdentity
from oneml.habitats.sessions.plan_shards import ProviderRecord, plan_index
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.secrets import mask_secrets
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.node_path import ROOT, NodePath, ancestors_of
from oneml.habitats.values.plan import Plan

MANIFEST_SCHEMA = "oneml.manifest/1"


class SessionIdentity:
    """What a session is known by, or would be.

    Args:
        entry: The habitat.
        components: Its opened container.
        settings: The effective settings.
        plan: The checked plan.
        signing_key: The configured key; None where there is none.
        included: The included habitats, by path.

    Attributes:
        code: The code, of included habitats too.
        graph: The provider graph of its own container.
        schema: The settings model of that.
        base: What all nodes of that have in common.
        parts: The same of each included habitat, by path.
        fingerprints: Computes those of nodes.
    """

    def __init__(
        self,
        entry: HabitatEntry,
        components: PipelineComponents,
        settings: EffectiveSettings[PipelineSettings],
        plan: Plan,
        signing_key: bytes | None,
        included: Mapping[NodePath, HabitatEntry],
    ) -> None:
        container = type(components)
        self._entry = entry
        self._components = components
        self._plan = plan
        self._settings = settings
        self.graph: GraphDescription = describe_graph(components.opened_blueprint, components.overrides)
        self._definer = container.__module__
        model = container.settings_model()
        self.parts: Mapping[NodePath, IncludedIdentity] = {
            path: identity_of_part(components.opened_part(path), each) for path, each in included.items()
        }
        modules = {model.__module__}.union(*(part.modules for part in self.parts.values()))
        self.code: CodeIdentity = code_identity(
            container,
            habitat=entry,
            roots={*self.graph.all_modules, *modules},
            included=[IncludedContainer(part.container, part.entry) for part in self.parts.values()],
        )
        self.schema: JsonObject = settings_schema(model)
        self.base = Base(entry.name, self.code.container, digest_of(self.schema), self.code.distributions)
        self._providers: dict[str, ProviderRecord] = {}
        self.fingerprints = Fingerprints(
            self.base,
            reads_of=self.reads,
            provider_of=self.provider,
            signing_key=signing_key,
            included=lambda path: self.parts[path].base(self.base),
        )

    def provider(self, name: str) -> ProviderRecord:
        """Return what a provider is known by."""
        found = self._providers.get(name)
        if found is None:
            graph, own = self._graph_of(name)
            modules = graph.modules(own)
            unproven = (*self._reasons_of_patches, *self.not_rebuildable(name))
            found = self._providers[name] = ProviderRecord(
                None if unproven else graph.digest_of(own),
                self.code.digest_of({*modules, *self._definers(name)}),
                self.code.digest_of(modules),
                unproven,
                foreign_targets(graph.references(own)),
            )
        return found

    def reads(self, provider: str) -> frozenset[SettingRead]:
        """Return the settings that anything reads that a provider reaches."""
        graph, own = self._graph_of(provider)
        return graph.reads(own)

    def _graph_of(self, provider: str) -> tuple[GraphDescription, str]:
        """Return the graph that a provider is in, and what it is called there."""
        include, name = split_provider_key(provider)
        return (self.graph if include == ROOT else self.parts[include].graph), name

    def _definers(self, provider: str) -> frozenset[str]:
        """Return the modules that define the DAG around a provider: of its habitat, and of all that include that."""
        include, _ = split_provider_key(provider)
        uppers = (path for path in (*ancestors_of(include), include) if path in self.parts)
        return frozenset({self._definer, *(self.parts[path].container.__module__ for path in uppers)})

    def not_rebuildable(self, name: str) -> Sequence[str]:
        """Return why another process cannot rebuild what a provider gives."""
        graph, own = self._graph_of(name)
        return (*self.code.unproven, *graph.unproven_of(own))

    @cached_property
    def _live_shape(self) -> JsonObject:
        return live_shape(self.code)

    @cached_property
    def patches(self) -> Sequence[Drift]:
        """How the code in this process differs from its source."""
        return live_drifts(self._live_shape, self.code.places, thorough=True)

    def patches_now(self) -> Sequence[Drift]:
        """Return how the code in this process differs from its source by now, looked at anew."""
        return live_drifts(live_shape(self.code), self.code.places, thorough=True)

    @cached_property
    def _reasons_of_patches(self) -> tuple[str, ...]:
        return tuple(
            f"{drift.subject} was changed in the process since it was imported: {drift.found or 'it is absent'}."
            for drift in self.patches
        )

    @property
    def unproven(self) -> Sequence[str]:
        """Why the session cannot be proven the same in another process."""
        own = (*self._reasons_of_patches, *self.code.unproven, *self.graph.unproven.values())
        of_parts = (reason for part in self.parts.values() for reason in part.graph.unproven.values())
        return tuple(dict.fromkeys((*own, *of_parts))) if self.parts else own

    @property
    def graph_digest(self) -> str | None:
        """Digest of the whole provider graph; None where something in it is unproven."""
        graphs = {path: part.graph for path, part in self.parts.items()}
        return None if self.unproven else graphs_digest(self.graph, graphs)

    @cached_property
    def digest(self) -> str | None:
        """The fingerprint of the whole session; None where something in it is unproven."""
        return self.whole([self.node(path).fingerprint for path in self._plan.nodes])

    def whole(self, nodes: Sequence[str | None]) -> str | None:
        """Return the fingerprint of the session, from those of its nodes in the order of the plan."""
        return session_fingerprint(
            self.base, code=self.code.digest, graph=self.graph_digest, index=plan_index(self._plan), nodes=nodes
        )

    def node(self, path: NodePath) -> NodeIdentity:
        """Return what a node is."""
        return self.fingerprints.identity_of(
            self._plan.nodes[path], self._settings, self._plan.node_settings.get(path, {})
        )

    def manifest(self) -> JsonObject:
        """Return what is known of the habitat and of the components behind its nodes, as an image would tell it."""
        names = sorted({node.provider for node in self._plan.nodes.values()})
        return {
            "schema": MANIFEST_SCHEMA,
            "habitat": self._entry.name,
            "distribution": self.code.distribution,
            "version": self.code.version,
            "target": self.code.target,
            "container": self.code.container,
            "python": self.code.python,
            "fingerprint": self.digest,
            "code": self.code.digest,
            "graph": self.graph_digest,
            "settings_schema": self.base.settings_schema,
            "components": {
                name: {
                    "interface": self._interface(name),
                    "code": self.provider(name).own_code,
                    "graph": self.provider(name).graph,
                }
                for name in names
            },
        }

    def _interface(self, provider: str) -> str | None:
        """Return the digest of the ports of a body; None where a type of theirs is none that can be imported."""
        executable = executable_of(self._components, provider)
        try:
            return interface_digest(body_signature(executable.call, bound=executable.bound))
        except NotCanonicalError:
            return None

    def documents(self) -> Mapping[str, bytes]:
        """Return what a worker compares, as canonical JSON by name."""
        return {
            "code": canonical_json({"identity": identity_to_json(self.code), "live": self._live_shape}),
            "index": plan_index(self._plan),
        }

    def explanations(self) -> Mapping[str, bytes]:
        """Return what tells two sessions apart, or this one from what a worker finds, as canonical JSON by name."""

        def mask(text: str) -> str:
            return mask_secrets(text, self._settings.secret_texts())

        def explained(container: type, graph: GraphDescription, schema: JsonObject) -> JsonObject:
            found = SourcePlaces(container)
            places = {name: str(place) for name in graph.providers if (place := found.of(name)) is not None}
            return {"providers": _masked(graph.providers, mask), "places": places, "settings_schema": schema}

        of_parts: JsonObject = {
            path: explained(part.container, part.graph, part.schema) for path, part in self.parts.items()
        }
        own = explained(type(self._components), self.graph, self.schema)
        return {
            "outline": canonical_json(outline_of(self.code, mask)),
            "graph": canonical_json({**own, "included": of_parts} if of_parts else own),
            "origins": canonical_json(self._settings.snapshot_sources()),
        }


def _masked(value: JsonValue, mask: Callable[[str], str]) -> JsonValue:
    """Return a value with secrets taken out of its texts; keys stay."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {name: _masked(item, mask) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, mask) for item in value]
    return value
