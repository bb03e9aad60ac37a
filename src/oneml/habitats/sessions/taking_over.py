"""What a session of a part of a pipeline takes over from its parent: commits of nodes that are the same here.

A node is the same if its outputs would be reused (see `reuse`): what it is, and the content of all that feeds it. Where
that is not known, since a node is not reusable or stands below one that keeps its outputs in memory, its fingerprint
must be the one that was recorded, what comes from outside the pipeline the same, and nothing else allowed to run there.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from oneml.habitats.data.parts import is_whole
from oneml.habitats.errors import (
    CorruptArtifactError,
    InvalidDocumentError,
    NoParentError,
    ParentRefusedError,
    RefusalError,
)
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.adoption import NO_ATTEMPT
from oneml.habitats.sessions.attempts import AttemptLog, Commit
from oneml.habitats.sessions.comparison import RecordedSession, compare_sessions
from oneml.habitats.sessions.plan_shards import Shard, shard_of
from oneml.habitats.sessions.policy import policy_of
from oneml.habitats.sessions.preparation import Prepared
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.reuse import ReuseKeys
from oneml.habitats.sessions.revisions import newest_revision, read_revision
from oneml.habitats.sessions.selection import Narrowed, first_of
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.lineage import Parent, SessionOutput
from oneml.habitats.values.node_path import ROOT, NodePath, ancestors_of
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import ExternalSource, PlannedNode
from oneml.habitats.values.session_id import SessionId

_log = logging.getLogger(__name__)

CANDIDATES_MAX = 50
"""So many sessions are looked at, newest first, where no parent is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A session that may be the parent.

    Attributes:
        recipe: Its recipe.
        recorded: Gives all that was recorded of it.
    """

    recipe: Recipe
    recorded: Callable[[], RecordedSession]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """What a session takes over.

    Attributes:
        parent: From which session.
        commits: The outputs of its nodes.
        inputs: The inputs of the pipeline that it had.
        sources: Those of them that were outputs of other sessions.
    """

    parent: Parent
    commits: Mapping[NodePath, Commit]
    inputs: Mapping[str, PortRecord]
    sources: Mapping[str, SessionOutput]


class TakingOver:
    """Finds the parent of one session.

    Args:
        store: The artifact store.
        prepared: What the session is made of.
        part: The part of the pipeline that it has.
        given: The inputs of the pipeline that were given; the parent's stand in for others.
        signing_key: The key by which recipes are checked.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prepared: Prepared,
        part: Narrowed,
        *,
        given: Mapping[str, PortRecord],
        signing_key: bytes | None,
    ) -> None:
        self._store = store
        self._prepared = prepared
        self._part = part
        self._given = given
        self._signing_key = signing_key

    def from_parent(self, candidate: Candidate) -> TakenOver:
        """Take over from the session that was named.

        Raises:
            NoParentError: It has not computed what is needed.
            ParentRefusedError: What it has computed is something else.
        """
        session_id = candidate.recipe.session_id
        missing = self._missing(AttemptLog(self._store, session_id))
        if missing:
            reason = f"has none of {', '.join(missing)}"
            raise self._no_parent(session_id, reason)
        found = self._judged(candidate)
        if isinstance(found, ParentRefusedError):
            raise found
        return found

    def from_newest(self, candidates: Iterator[Candidate]) -> TakenOver:
        """Take over from the first session that has computed what is needed, as it would be computed here.

        Raises:
            NoParentError: None has computed it.
            ParentRefusedError: What was computed is something else; tells of the first of those sessions.
        """
        refusal: ParentRefusedError | None = None
        for _, candidate in zip(range(CANDIDATES_MAX), candidates, strict=False):
            try:
                if self._missing(AttemptLog(self._store, candidate.recipe.session_id)):
                    continue
                found = self._judged(candidate, explain=refusal is None)
            except (CorruptArtifactError, InvalidDocumentError, RefusalError) as error:
                _log.warning("Session %s is passed over: %s", candidate.recipe.session_id, error)
                continue
            if isinstance(found, TakenOver):
                return found
            refusal = refusal or found
        raise refusal or self._no_parent()

    def _no_parent(self, session_id: SessionId | None = None, reason: str = "") -> NoParentError:
        needed = self._part.feeding
        starts = first_of(self._prepared.whole, needed)
        return NoParentError(habitat=self._habitat, needed=needed, starts=starts, parent=session_id, reason=reason)

    @property
    def _habitat(self) -> str:
        return self._prepared.entry.name

    def _missing(self, attempts: AttemptLog) -> Sequence[NodePath]:
        return [path for path in self._part.feeding if attempts.committed(path) is None]

    def _judged(self, candidate: Candidate, *, explain: bool = True) -> "TakenOver | ParentRefusedError":
        recipe = candidate.recipe
        attempts = AttemptLog(self._store, recipe.session_id)
        inherited = {name: record for name, record in recipe.inputs.items() if name in self._prepared.plan.inputs}
        inputs = {**inherited, **self._given}
        check = _Check(self._store, self._prepared, recipe, attempts, inputs, self._signing_key)
        wanted = frozenset(self._part.taken_over)
        reasons = {path: check.why_not(path, is_wanted=path in wanted) for path in self._part.proven}
        refused = {str(path): reason for path, reason in reasons.items() if reason}
        if refused:
            drifts = self._drifts(candidate.recorded(), inputs, refused) if explain else ()
            starts = first_of(self._prepared.whole, [path for path, reason in reasons.items() if reason])
            return ParentRefusedError(parent=recipe.session_id, nodes=refused, starts=starts, drifts=drifts)
        commits = ((path, attempts.committed(path)) for path in self._part.taken_over)
        return TakenOver(
            parent=Parent(recipe.session_id),
            commits={path: _own(commit, recipe.session_id) for path, commit in commits if commit is not None},
            inputs=inherited,
            sources={name: one for name, one in recipe.input_sources.items() if name in inherited},
        )

    def _drifts(
        self, parent: RecordedSession, inputs: Mapping[str, PortRecord], refused: Mapping[str, str]
    ) -> Sequence[Drift]:
        """Return where the parent differs from what is here, as far as that can reach the nodes that are refused."""
        identity, plan = self._prepared.identity(), self._prepared.whole
        settings = self._prepared.settings
        documents = {**identity.documents(), **identity.explanations()}

        def explanation(name: str) -> JsonObject:
            return _json(documents[name])

        here = parent._replace(
            recipe=replace(parent.recipe, settings=settings.snapshot(), inputs=inputs, explanations={"graph": ""}),
            plan=plan,
            entries={str(path): entries for path, entries in settings.node_entry_documents().items()},
            code=lambda: explanation("code"),
            explanation=explanation,
        )
        found = compare_sessions(parent, here)
        providers = {plan.nodes[NodePath(path)].provider for path in refused}
        read = {setting.field for provider in providers for setting in identity.reads(provider)}
        read.add("serializers")
        concerned = {*refused, *(upper for path in refused for upper in ancestors_of(NodePath(path)))}
        settings_there = [one for one in found.settings if not one.field.startswith(ROOT) or one.field in concerned]
        settings_read = [
            one for one in settings_there if any(f"{one.subject}.".startswith(f"{name}.") for name in read)
        ]
        return [
            *(drift for drift in found.plan if drift.subject in refused or drift.kind == "input"),
            *(settings_read or settings_there),
            *found.graph,
            *found.code,
            *found.packages,
        ]


class _Check:
    """Holds the nodes of one candidate against what is here."""

    def __init__(
        self,
        store: ArtifactStore,
        prepared: Prepared,
        recipe: Recipe,
        attempts: AttemptLog,
        inputs: Mapping[str, PortRecord],
        signing_key: bytes | None,
    ) -> None:
        self._store = store
        self._prepared = prepared
        self._recipe = recipe
        self._attempts = attempts
        self._inputs = inputs
        self._signing_key = signing_key
        self._fingerprints = prepared.identity().fingerprints
        self._keys = ReuseKeys(
            identity_of=lambda path: self._fingerprints.identity_of(
                prepared.whole.nodes[path], prepared.settings, self._author(path)
            ),
            settings_of=lambda path: prepared.settings.node(path, self._author(path)),
            attempts=attempts,
            external=inputs,
        )

    def why_not(self, path: NodePath, *, is_wanted: bool) -> str:
        """Return why the outputs of a node cannot be taken over; empty where they can.

        Args:
            path: The node.
            is_wanted: Whether its outputs are, or it only decides those of others.
        """
        node, commit = self._prepared.whole.nodes[path], self._attempts.committed(path)
        if commit is None and is_wanted:
            return "has no outputs there"
        if commit is not None:
            if is_wanted and not all(self._is_there(record) for record in commit.ports.values()):
                return "has lost an output: an artifact is missing in the store"
            key = self._keys.of(node)
            if key is not None and commit.reuse_key is not None:
                return "" if key == commit.reuse_key else "is not what was run there"
            if key is not None and not policy_of(self._recipe).warns:
                return (
                    "cannot be proven the same: its outputs are not reusable "
                    "(it ran sessions, was patched, or was built from what cannot be proven)"
                )
        if policy_of(self._recipe).warns:
            return 'cannot be proven the same: other code was allowed there (verification.mode = "warn")'
        reasons = (self._why_other(node, revision) for revision in self._revisions(node, commit))
        return next(filter(None, reasons), "")

    def _revisions(self, node: PlannedNode, commit: Commit | None) -> Sequence[int]:
        """Return those under which a node may have run; nobody wrote down which where outputs stayed in memory."""
        if commit is None:
            return range(newest_revision(self._store, self._recipe.session_id) + 1)
        if commit.attempt == NO_ATTEMPT:
            return [0]
        return [self._attempts.revision_of(node.path, commit.attempt)]

    def _why_other(self, node: PlannedNode, revision: int) -> str:
        """Hold the fingerprint of a node against the one that was recorded."""
        recipe = read_revision(self._store, self._recipe, revision, key=self._signing_key)
        shard = Shard(self._store, recipe, shard_of(node.path, len(recipe.shards)))
        record = shard.record(node.path)
        if record is None:
            return "is not there at all"
        # The parent may itself be a part of the pipeline, without some of what came before.
        alike = node._replace(after=record.node.after)
        here = self._fingerprints.of_node(alike, self._prepared.settings, self._author(node.path))
        if here is None:
            identity = self._prepared.identity()
            absent = [f"{target} is not installed here." for target in identity.provider(node.provider).foreign]
            return f"cannot be proven the same: {' '.join([*identity.not_rebuildable(node.provider), *absent])}"
        if record.fingerprint is None:
            return "cannot be proven the same: it had no fingerprint there, since it was built from what only that had"
        same_inputs = all(
            _content(self._inputs.get(source.name)) == _content(self._recipe.inputs.get(source.name))
            for source in node.inputs.values()
            if isinstance(source, ExternalSource)
        )
        return "" if here == record.fingerprint and same_inputs else "is not what was run there"

    def _author(self, path: NodePath) -> JsonObject:
        return self._prepared.whole.node_settings.get(path, {})

    def _is_there(self, record: PortRecord) -> bool:
        return is_whole(self._store, record)


def _own(commit: Commit, parent: SessionId) -> Commit:
    return commit._replace(attempt=NO_ATTEMPT, reused_from=commit.reused_from or parent)


def _content(record: PortRecord | None) -> tuple[object, ...]:
    return () if record is None else record[:4]


def _json(data: bytes) -> JsonObject:
    return cast("JsonObject", json.loads(data))
