"""A session that was opened from its recipe: what was held against that, for the session and for each of its nodes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from oneml.habitats.errors import DriftError, UnprovenError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.graph_description import GraphDescription
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.fingerprints import Base, Fingerprints, graphs_digest
from oneml.habitats.sessions.plan_shards import NodeRecord, ProviderRecord
from oneml.habitats.sessions.policy import Policy
from oneml.habitats.sessions.recipe import Recipe, read_explanation
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.effective_secrets import rotated_secrets
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.secrets import mask_secrets
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.include_paths import own_names, provider_key, split_provider_key
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import ROOT, NodePath
from oneml.habitats.values.session_id import SessionId

if TYPE_CHECKING:
    from oneml.habitats.sessions.included_identity import IncludedIdentity
    from oneml.habitats.sessions.verified_parts import VerifiedParts


class Compared(NamedTuple):
    """One thing that was held against the recipe.

    Attributes:
        what: Which: ``python``, ``distributions``, ``code``, ``live code``, ``settings``, ``provider graph``...
        extent: How much of it, for a person.
    """

    what: str
    extent: str


class Findings:
    """What was held against the recipe of a session, for the whole or for one node, and what came of it.

    Args:
        session_id: The session.
        policy: How strictly it is held against what is here.
        node: The node; None for the session as a whole.

    Attributes:
        policy: As given.
        allowed: Differences that the policy lets pass.
        notices: What differs without effect, for a person.
        compared: What was held against the recipe.
    """

    def __init__(self, session_id: SessionId, policy: Policy, node: NodePath | None = None) -> None:
        self._session_id = session_id
        self._node = node
        self.policy = policy
        self.allowed: list[Drift] = []
        self.notices: list[str] = []
        self.compared: list[Compared] = []

    def judge(self, drifts: Sequence[Drift]) -> None:
        """Let differences pass where the policy only warns.

        Raises:
            DriftError: It does not.
        """
        if not drifts:
            return
        if not self.policy.warns:
            raise DriftError(session_id=self._session_id, node=self._node, drifts=[*drifts, *self.allowed])
        self.allowed.extend(drifts)

    def judge_unproven(self, reasons: Sequence[str]) -> None:
        """Let pass what cannot be proven where the policy only warns.

        Raises:
            UnprovenError: It does not.
        """
        if not self.policy.warns:
            raise UnprovenError(session_id=self._session_id, node=self._node, reasons=reasons)
        self.notices.extend(f"unproven: {reason}" for reason in reasons)

    def lines(self) -> Sequence[str]:
        """Return what a person is to know of it."""
        return [*self.notices, *map(str, self.allowed)]


class Verified:
    """A session that was opened here from its recipe.

    Args:
        store: The artifact store.
        recipe: The recipe.
        policy: The policy.
        signing_key: The configured key; None where there is none.

    Attributes:
        session_id: The session.
        findings: What was found out about the session as a whole.
        check_again: Before a node: holds code that changed since, and may be read yet, against the recipe once more.
        components: The opened container.
        settings: The settings of the recipe.
        with_entries: Gives the same with other entries for nodes.
        graph: The provider graph here.
        base: What all nodes have in common here.
        included: The included habitats; None where there are none.
    """

    check_again: Callable[[NodePath], None]
    components: PipelineComponents
    settings: EffectiveSettings[PipelineSettings]
    with_entries: Callable[[JsonObject], EffectiveSettings[PipelineSettings]]
    graph: GraphDescription
    base: Base
    included: "VerifiedParts | None" = None

    def __init__(self, store: ArtifactStore, recipe: Recipe, policy: Policy, signing_key: bytes | None) -> None:
        self._store = store
        self._signing_key = signing_key
        self._recipe = recipe
        self.session_id = recipe.session_id
        self.findings = Findings(self.session_id, policy)

    def findings_of(self, node: NodePath) -> Findings:
        """Return where to note what is found out about a node."""
        return Findings(self.session_id, self.findings.policy, node)

    def fingerprints(self, provider_of: Callable[[str], ProviderRecord]) -> Fingerprints:
        """Return what computes fingerprints here.

        Args:
            provider_of: What the recipe says of a provider; its graph is looked at anew.
        """

        def here(name: str) -> ProviderRecord:
            recorded = provider_of(name)
            graph, own = self._graph_of(name)
            is_known = recorded.graph is not None and not graph.unproven_of(own)
            return recorded._replace(graph=graph.digest_of(own) if is_known else None)

        def reads(name: str) -> frozenset[SettingRead]:
            graph, own = self._graph_of(name)
            return graph.reads(own)

        return Fingerprints(
            self.base,
            reads_of=reads,
            provider_of=here,
            signing_key=self._signing_key,
            included=lambda path: self._part(path).base(self.base),
        )

    def _graph_of(self, provider: str) -> tuple[GraphDescription, str]:
        """Return the graph here that a provider is in, and what it is called there."""
        include, name = split_provider_key(provider)
        return (self.graph if include == ROOT else self._part(include).graph), name

    def _part(self, path: NodePath) -> "IncludedIdentity":
        return cast("VerifiedParts", self.included).identity(path)

    def check_node(
        self, record: NodeRecord, fingerprint: str | None, findings: Findings, *, hidden: frozenset[str]
    ) -> None:
        """Let pass a node that is here what it is in the recipe.

        Args:
            record: What the recipe says of it.
            fingerprint: What was computed here.
            findings: Takes what is found.
            hidden: Texts that must not show.

        Raises:
            DriftError: It is not.
            UnprovenError: Nobody can tell.
        """
        node = record.node
        if record.fingerprint is None:
            findings.judge_unproven(record.provider.unproven)
            return
        graph, own = self._graph_of(node.provider)
        findings.compared.append(Compared("provider graph", f"{len(graph.reached(own))} providers"))
        findings.compared.append(Compared("node", f"{node.provider}, its settings, inputs and outputs"))
        if fingerprint == record.fingerprint:
            return
        drifts = self._graph_drifts([node.provider], hidden)
        findings.judge(drifts or [Drift("node", node.path, "fingerprint", record.fingerprint, fingerprint)])

    def check_secrets(
        self, settings: EffectiveSettings[PipelineSettings], findings: Findings, record: NodeRecord | None = None
    ) -> None:
        """Hold secrets against those that the session was created with, as far as keyed digests tell them.

        Args:
            settings: Have the secrets that are in force here.
            findings: Takes what is found.
            record: The node whose own secrets are looked at; None for those of the session.

        Raises:
            DriftError: One is another, and the policy refuses that.
        """
        if self._signing_key is None:
            return
        context = self.session_id.encode()
        if record is None:
            rotated = rotated_secrets(settings, own_names(self._recipe.secrets), self._signing_key, context)
        else:
            recorded = {name: str(digest) for name, digest in record.secrets.items()}
            path = record.node.path
            rotated = rotated_secrets(settings, recorded, self._signing_key, context, path, record.author)
        self.judge_secrets(rotated, findings)

    @staticmethod
    def judge_secrets(rotated: Sequence[Drift], findings: Findings) -> None:
        """Let secrets pass that are others, where the policy does.

        Raises:
            DriftError: It does not.
        """
        if findings.policy.rotation == "allow":
            findings.allowed.extend(rotated)
        else:
            findings.judge(rotated)

    def check_graph(self) -> None:
        """Let pass a session whose whole provider graph is here what it is in the recipe.

        Raises:
            DriftError: It is not.
            UnprovenError: Nobody can tell.
        """
        recorded = self._recipe.graph
        if recorded is None:
            self.findings.judge_unproven(self._recipe.unproven)
            return
        graphs = {path: self._part(path).graph for path in self._recipe.included}
        digest = graphs_digest(self.graph, graphs)
        if recorded != digest:
            keys = [
                provider_key(path, name)
                for path, graph in ((ROOT, self.graph), *graphs.items())
                for name in sorted(graph.providers)
            ]
            drifts = self._graph_drifts(keys, self.settings.secret_texts())
            generic = Drift("provider", self._recipe.container, "graph", recorded, digest)
            self.findings.judge(drifts or [generic])

    def _graph_drifts(self, providers: Iterable[str], hidden: frozenset[str]) -> list[Drift]:
        from oneml.habitats.habitats.graph_difference import graph_drifts  # noqa: PLC0415  # only to explain

        explanation = read_explanation(self._store, self._recipe, "graph")
        found: dict[Drift, None] = {}
        for provider in providers:
            include, name = split_provider_key(provider)
            part = explanation if include == ROOT else inner_object(inner_object(explanation, "included"), include)
            described = inner_object(part, "providers")
            recorded = {each: inner_object(described, each) for each in described}
            where = {each: str(place) for each, place in inner_object(part, "places").items()}
            graph = self._graph_of(provider)[0]
            for drift in graph_drifts(recorded, graph, name, recorded_places=where) if recorded else ():
                here = None if drift.found is None else mask_secrets(drift.found, hidden)
                found[drift._replace(subject=provider_key(include, drift.subject), found=here)] = None
        # What was masked there is masked here too, and then no difference.
        return [drift for drift in found if drift.expected != drift.found]


def inner_object(document: JsonObject, key: str) -> JsonObject:
    """Return an object inside a document whose hash was held against the header; empty where there is none."""
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}
