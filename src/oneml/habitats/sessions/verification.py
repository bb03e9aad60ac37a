"""Opens a session from its recipe, after holding this process against it: equal, or refused.

The code is compared before any of it is imported; settings come from the recipe, never from this environment; a node is
proven by its fingerprint before anything of it is built.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.errors import (
    DriftError,
    HabitatMissingError,
    LiveOverridesError,
    RecipeAlteredError,
    SettingsError,
    UnknownHabitatError,
    UnprovenError,
)
from oneml.habitats.habitats.code_document import identity_from_json
from oneml.habitats.habitats.code_here import identity_here
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry, own_target
from oneml.habitats.habitats.graph_description import GraphDescription, describe_graph
from oneml.habitats.habitats.live_code import live_drifts
from oneml.habitats.habitats.loading import checked_container, imported_object
from oneml.habitats.habitats.overrides import override_from_json
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.habitats.settings_schema import settings_schema
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.fingerprints import Base, Fingerprints, digest_of
from oneml.habitats.sessions.plan_shards import NodeRecord, ProviderRecord
from oneml.habitats.sessions.policy import Policy, policy_of
from oneml.habitats.sessions.recipe import DOCUMENT_MAX_BYTES, Recipe, read_code, read_explanation
from oneml.habitats.settings.differences import environment_differences
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.process import files_here
from oneml.habitats.settings.secrets import mask_secrets
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json, json_object
from oneml.habitats.values.node_path import NodePath

PIN_SCHEMA = "oneml.pin/1"


class Compared(NamedTuple):
    """One thing that was held against the recipe.

    Attributes:
        what: Which: ``python``, ``distributions``, ``code``, ``live code``, ``settings``, ``provider graph``...
        extent: How much of it, for a person.
    """

    what: str
    extent: str


class Verified:
    """A session that was opened here from its recipe, and what was found on the way.

    Args:
        store: The artifact store.
        recipe: The recipe.
        policy: The policy.
        signing_key: The configured key; None where there is none.

    Attributes:
        policy: How strictly it is held against what is here.
        allowed: Differences that the policy lets pass.
        notices: What differs without effect, for a person.
        compared: What was held against the recipe.
        components: The opened container.
        settings: The settings of the recipe.
        graph: The provider graph here.
        base: What all nodes have in common here.
    """

    components: PipelineComponents
    settings: EffectiveSettings[PipelineSettings]
    graph: GraphDescription
    base: Base

    def __init__(self, store: ArtifactStore, recipe: Recipe, policy: Policy, signing_key: bytes | None) -> None:
        self._store = store
        self._signing_key = signing_key
        self._recipe = recipe
        self.policy = policy
        self._entries: dict[str, JsonValue] = {}
        self._environ: Mapping[str, str] = {}
        self.allowed: list[Drift] = []
        self.notices: list[str] = []
        self.compared: list[Compared] = []

    def judge(self, drifts: Sequence[Drift], node: NodePath | None = None) -> None:
        """Let differences pass where the policy only warns.

        Raises:
            DriftError: It does not.
        """
        if not drifts:
            return
        if not self.policy.warns:
            raise DriftError(session_id=self._recipe.session_id, node=node, drifts=[*drifts, *self.allowed])
        self.allowed.extend(drifts)

    def judge_unproven(self, reasons: Sequence[str], node: NodePath | None = None) -> None:
        """Let pass what cannot be proven where the policy only warns.

        Raises:
            UnprovenError: It does not.
        """
        if not self.policy.warns:
            raise UnprovenError(session_id=self._recipe.session_id, node=node, reasons=reasons)
        self.notices.extend(f"unproven: {reason}" for reason in reasons)

    def read_settings(self, model: type[PipelineSettings], environ: Mapping[str, str], entries: JsonObject) -> None:
        """Take the settings of the recipe.

        Args:
            model: The settings model here.
            environ: Variables, for secrets.
            entries: Entries of the session's settings for nodes, as far as they are known.

        Raises:
            RefusalError: They do not fit the model, or a secret cannot be had.
        """
        self._environ = environ
        self._entries.update(entries)
        self.settings = EffectiveSettings[PipelineSettings].from_snapshot(
            model, self._recipe.settings, environ, node_entries=self._entries
        )

    def settings_with(self, entries: JsonObject) -> EffectiveSettings[PipelineSettings]:
        """Return the settings with more entries for nodes.

        Raises:
            RefusalError: They do not fit the model.
        """
        if not entries.keys() <= self._entries.keys():
            self.read_settings(self.settings.model, self._environ, entries)
        return self.settings

    def fingerprints(self, provider_of: Callable[[str], ProviderRecord], signing_key: bytes | None) -> Fingerprints:
        """Return what computes fingerprints here.

        Args:
            provider_of: What the recipe says of a provider; its graph is looked at anew.
            signing_key: The configured key.
        """

        def here(name: str) -> ProviderRecord:
            recorded = provider_of(name)
            is_known = recorded.graph is not None and not self.graph.unproven_of(name)
            return recorded._replace(graph=self.graph.digest_of(name) if is_known else None)

        return Fingerprints(
            self.base,
            reads_of=self.graph.reads,
            provider_of=here,
            signing_key=signing_key,
            included=lambda _: self.base,
        )

    def check_node(self, record: NodeRecord, fingerprint: str | None) -> None:
        """Let pass a node that is here what it is in the recipe.

        Args:
            record: What the recipe says of it.
            fingerprint: What was computed here.

        Raises:
            DriftError: It is not.
            UnprovenError: Nobody can tell.
        """
        node = record.node
        if record.fingerprint is None:
            self.judge_unproven(record.provider.unproven, node.path)
            return
        self.compared.append(Compared("provider graph", f"{len(self.graph.reached(node.provider))} providers"))
        self.compared.append(Compared("node", f"{node.provider}, its settings, inputs and outputs"))
        if fingerprint == record.fingerprint:
            return
        drifts = self._graph_drifts([node.provider])
        if not drifts:
            drifts = [Drift("node", node.path, "fingerprint", record.fingerprint, fingerprint)]
        self.judge(drifts, node.path)

    def check_foreign(self, record: NodeRecord, *, may_pin: bool) -> None:
        """Hold code that the driver does not have against what the first worker found, which this one may be.

        Args:
            record: What the recipe says of the node.
            may_pin: Whether the settings of the node let the first worker settle it.

        Raises:
            DriftError: It is other code, or not here.
            UnprovenError: Nobody can tell, and nobody may settle it.
            StoreError: The store failed.
        """
        from oneml.habitats.habitats.foreign_code import pin_drifts, target_digests  # noqa: PLC0415  # seldom needed

        node, targets = record.node, record.provider.foreign
        if not may_pin:
            reason = 'the driver did not have it; set unproven = "pin" for the node'
            self.judge_unproven([f"{target}: {reason}" for target in targets], node.path)
            return
        here = target_digests(targets)
        absent = [target for target, digest in here.items() if digest is None]
        self.judge([Drift("code", target, "", "code that only workers have", None) for target in absent], node.path)
        key = keys.pin_key(self._recipe.session_id, node.provider)
        what = f"pin of {node.provider} in session {self._recipe.session_id}"
        document = canonical_json({"schema": PIN_SCHEMA, "provider": node.provider, "targets": here})
        if not self._store.create_if_absent(key, document):
            data = self._store.read(key, limit_bytes=DOCUMENT_MAX_BYTES)
            pinned = _object(json_object(data or b"{}", what=what, limit_bytes=DOCUMENT_MAX_BYTES), "targets")
            digests = {target: None if digest is None else str(digest) for target, digest in pinned.items()}
            self.judge(list(pin_drifts(digests, here)), node.path)
        self.compared.append(Compared("code of workers", ", ".join(targets)))

    def check_secrets(self, settings: EffectiveSettings[PipelineSettings], record: NodeRecord | None = None) -> None:
        """Hold secrets against those that the session was created with, as far as keyed digests tell them.

        Args:
            settings: Have the secrets that are in force here.
            record: The node whose own secrets are looked at; None for those of the session.

        Raises:
            DriftError: One is another, and the policy refuses that.
        """
        if self._signing_key is None:
            return
        context = self._recipe.session_id.encode()
        if record is None:
            rotated = settings.rotated_secrets(self._recipe.secrets, self._signing_key, context)
        else:
            recorded = {name: str(digest) for name, digest in record.secrets.items()}
            path = record.node.path
            rotated = settings.rotated_secrets(recorded, self._signing_key, context, path, record.author)
        if self.policy.rotation == "allow":
            self.allowed.extend(rotated)
        else:
            self.judge(rotated, None if record is None else record.node.path)

    def check_graph(self) -> None:
        """Let pass a session whose whole provider graph is here what it is in the recipe.

        Raises:
            DriftError: It is not.
            UnprovenError: Nobody can tell.
        """
        recorded = self._recipe.graph
        if recorded is None:
            self.judge_unproven(self._recipe.unproven)
        elif recorded != self.graph.digest:
            self.judge(
                self._graph_drifts(sorted(self.graph.providers))
                or [Drift("provider", self._recipe.container, "graph", recorded, self.graph.digest)]
            )

    def _graph_drifts(self, providers: Iterable[str]) -> list[Drift]:
        from oneml.habitats.habitats.graph_difference import graph_drifts  # noqa: PLC0415  # only to explain

        explanation = read_explanation(self._store, self._recipe, "graph")
        described, places = _object(explanation, "providers"), _object(explanation, "places")
        found: dict[Drift, None] = {}
        for provider in providers:
            recorded = {name: _object(described, name) for name in described}
            where = {name: str(place) for name, place in places.items()}
            drifts = graph_drifts(recorded, self.graph, provider, recorded_places=where) if recorded else ()
            found.update(dict.fromkeys(map(self._masked, drifts)))
        # What was masked there is masked here too, and then no difference.
        return [drift for drift in found if drift.expected != drift.found]

    def _masked(self, drift: Drift) -> Drift:
        return drift if drift.found is None else drift._replace(found=mask_secrets(drift.found, self._secret_texts()))

    def _secret_texts(self) -> frozenset[str]:
        return self.settings.secret_texts()


def open_verified(
    store: ArtifactStore,
    recipe: Recipe,
    *,
    registry: HabitatRegistry,
    sources: ProcessSources,
    signing_key: bytes | None,
    node_entries: JsonObject,
) -> Verified:
    """Open the container of a session that another process may have created.

    Args:
        store: The artifact store.
        recipe: The recipe.
        registry: The habitats that are installed here.
        sources: Variables, for secrets and for what differs without effect.
        signing_key: The configured key; None where there is none.
        node_entries: Entries of the session's settings for nodes.

    Raises:
        RefusalError: The code, the packages, the name, a secret, the settings model or the graph of providers is not
            what the recipe says.
    """
    live = sorted(name for name, how in recipe.overrides.items() if how is None)
    if live:
        raise LiveOverridesError(session_id=recipe.session_id, providers=live)
    verified = Verified(store, recipe, policy_of(recipe), signing_key)
    entry, known, document, expected, found = _code_checked(verified, store, recipe, registry)
    # What was imported before its file was hashed need not be what that file says.
    imported = sys.modules.keys() & expected.modules.keys()
    container = registry.load(entry.name) if known else checked_container(entry, imported_object(entry))
    if own_target(container) != expected.container:
        target = own_target(container)
        verified.judge(
            [Drift("container", recipe.habitat, "class", expected.container, target, found_source=entry.target)]
        )
    verified.judge(live_drifts(_object(document, "live"), found.places, thorough=imported))
    model = container.settings_model()
    schema = settings_schema(model)
    schema_digest = digest_of(schema)
    if schema_digest != recipe.settings_schema:
        from oneml.habitats.habitats.settings_schema import schema_drifts  # noqa: PLC0415  # only to explain

        recorded = _object(read_explanation(store, recipe, "graph"), "settings_schema")
        generic = Drift("setting", model.__name__, "schema", recipe.settings_schema, schema_digest)
        verified.judge(list(schema_drifts(recorded, schema)) if recorded else [generic])
    verified.read_settings(model, sources.environ, node_entries)
    settings = verified.settings
    verified.check_secrets(settings)
    verified.notices.extend(_without_effect(recipe, settings, sources))
    overrides = [override_from_json(container, name, how) for name, how in recipe.overrides.items() if how is not None]
    components = container.open(session_id=recipe.session_id, settings=settings, overrides=overrides)
    verified.components = components
    try:
        verified.graph = describe_graph(components.opened_blueprint, components.overrides)
    except BaseException:
        components.close()
        raise
    verified.base = Base(recipe.habitat, recipe.container, schema_digest, expected.distributions)
    verified.compared.append(Compared("settings", f"{model.__name__}, values of the recipe"))
    return verified


def _without_effect(
    recipe: Recipe, settings: EffectiveSettings[PipelineSettings], sources: ProcessSources
) -> Iterator[str]:
    """Tell what variables and files here would make of settings that are the recipe's."""
    try:
        files = files_here(settings.model, recipe.habitat, sources)
    except SettingsError as error:
        yield f"without effect, but wrong: {error}"
        files = ()
    for one in environment_differences(settings, sources.environ, files=files):
        here = "is not set here" if one.here is None else f"gives {one.here!r} here"
        yield f"{one.name} {here}, without effect: session {recipe.session_id} runs with {one.setting} = {one.snapshot}"


class _CodeChecked(NamedTuple):
    entry: HabitatEntry
    known: bool
    document: JsonObject
    expected: CodeIdentity
    found: CodeIdentity


def _code_checked(verified: Verified, store: ArtifactStore, recipe: Recipe, registry: HabitatRegistry) -> _CodeChecked:
    """Hold the code that is installed here against the recipe; none of it is imported."""
    document = read_code(store, recipe)
    expected = identity_from_json(document.get("identity"))
    if (expected.digest, expected.habitat) != (recipe.code, recipe.habitat):
        raise RecipeAlteredError(what=f"code of session {recipe.session_id}", reason="it is not what the header says")
    if expected.unproven:
        verified.judge_unproven(expected.unproven)
    entry, known = _entry(registry, expected)
    found = identity_here(expected, habitat=entry)
    before, now = ((one.digest, one.python, one.distributions, one.first_party) for one in (expected, found))
    if before != now:
        from oneml.habitats.habitats.code_difference import code_drifts  # noqa: PLC0415  # only to explain

        outline = read_explanation(store, recipe, "outline")
        compared = code_drifts(
            expected, found, outline=outline, packages=verified.policy.packages, python=verified.policy.python
        )
        verified.allowed.extend(compared.allowed)
        verified.judge(compared.refused)
    verified.compared += [
        Compared("python", found.python),
        Compared("distributions", f"{len(expected.distributions)} by version"),
        Compared("code", f"{len(expected.modules)} modules, {len(expected.data)} data files by content"),
    ]
    return _CodeChecked(entry, known, document, expected, found)


def _entry(registry: HabitatRegistry, expected: CodeIdentity) -> tuple[HabitatEntry, bool]:
    """Return the habitat of that name here, and whether the registry knows it.

    One that the driver registered in code is found by its target.
    """
    try:
        return registry.entry(expected.habitat), True
    except UnknownHabitatError as error:
        if expected.distribution is not None:
            raise HabitatMissingError(
                habitat=expected.habitat, distribution=expected.distribution, version=expected.version or ""
            ) from error
        return HabitatEntry(expected.habitat, expected.target), False


def _object(document: JsonObject, key: str) -> JsonObject:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}  # its hash was held against the header
