"""Attempts at nodes and their commits, as documents in the artifact store.

A body may run more than once; its outputs are committed once: the first commit wins and is never replaced.
"""

import os
import socket
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from oneml.habitats.errors import CorruptArtifactError, InvalidDocumentError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions import keys
from oneml.habitats.values.json_value import JsonObject, canonical_json, json_object
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome, PortRecord
from oneml.habitats.values.outcome_json import (
    outcome_from_json,
    outcome_to_json,
    port_records_from_json,
    port_records_to_json,
    reuse_from_json,
    reuse_to_json,
)
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

COMMIT_SCHEMA = "oneml.commit/1"
_DOCUMENT_MAX_BYTES = 64 << 20

_NONE_CARRIED: "Mapping[NodePath, Commit]" = {}


class Commit(NamedTuple):
    """What a node published, for good.

    Attributes:
        attempt: The attempt that won; 0 where the outputs are those of another session.
        seconds: How long its body ran; of a reused node, in the session that computed it.
        ended_at: When it ended, RFC 3339, UTC.
        ports: Where each output is.
        reuse_key: See `ReuseKeys`; None where the outputs cannot be reused.
        reused_from: The session that computed the outputs, where it was another.
    """

    attempt: int
    seconds: float
    ended_at: str
    ports: Mapping[str, PortRecord]
    reuse_key: str | None = None
    reused_from: SessionId | None = None


class AttemptLog:
    """The attempts of one session."""

    def __init__(self, store: ArtifactStore, session_id: SessionId) -> None:
        self._store = store
        self._session_id = session_id
        self._known: dict[NodePath, Commit] = {}
        self._carried = threading.local()
        self._claims: dict[int, bytes] = {}

    def claim(self, path: NodePath, *, revision: int = 0) -> int:
        """Take the next attempt at a node and return its number, from 1.

        Args:
            path: The node.
            revision: Of the settings that the attempt runs with.
        """
        document = self._claim_document(revision)
        attempt = 1
        while not self._store.create_if_absent(
            keys.claim_key(self._session_id, path, attempt), document, durable=False
        ):
            attempt = max(attempt, self.last_attempt(path)) + 1
        return attempt

    def _claim_document(self, revision: int) -> bytes:
        document = self._claims.get(revision)
        if document is None:
            told: JsonObject = {"pid": os.getpid(), "host": socket.gethostname(), "revision": revision}
            document = self._claims[revision] = canonical_json(told)
        return document

    def last_attempt(self, path: NodePath) -> int:
        """Return the highest number that was ever claimed, 0 where none was."""
        attempt = 0  # numbers have no gap, and few nodes are tried often: to list what all nodes left is dearer
        while self._claim_of(path, attempt + 1) is not None:
            attempt += 1
        return attempt

    def _claim_of(self, path: NodePath, attempt: int) -> bytes | None:
        return self._store.read(keys.claim_key(self._session_id, path, attempt), limit_bytes=_DOCUMENT_MAX_BYTES)

    def note_revision(self, path: NodePath, attempt: int, revision: int) -> None:
        """Write down with which revision of the settings an attempt ran that nobody claimed; 0 needs no note."""
        if revision:
            key = keys.claim_key(self._session_id, path, attempt)
            self._store.create_if_absent(key, self._claim_document(revision), durable=False)

    def revision_of(self, path: NodePath, attempt: int) -> int:
        """Return the revision of the settings that an attempt ran with.

        Raises:
            InvalidDocumentError: The claim is not one of ours.
        """
        data = self._claim_of(path, attempt)
        if data is None:
            return 0
        what = f"claim of attempt {attempt} at {path}"
        revision = json_object(data, what=what, limit_bytes=_DOCUMENT_MAX_BYTES).get("revision")
        if not isinstance(revision, int) or isinstance(revision, bool):
            raise InvalidDocumentError(what=what, reason='"revision" is no number')
        return revision

    def attempted(self) -> frozenset[str]:
        """Return the keys (see `node_key`) of the nodes that were ever attempted."""
        names = self._store.children(keys.nodes_prefix(self._session_id))
        return frozenset(name.partition(".")[0] for name in names)

    def commit(self, path: NodePath, commit: Commit) -> Commit:
        """Publish for good, and return the commit that stands: another's where that was first."""
        created = self._store.create_if_absent(*self._document(path, commit))
        return self._standing(path, commit, created=created)

    def commit_all(self, commits: Sequence[tuple[NodePath, Commit]]) -> Sequence[Commit]:
        """Publish several nodes for good, at the same time; as `commit` otherwise, in the same order."""
        created = self._store.create_each_if_absent([self._document(path, commit) for path, commit in commits])
        return [
            self._standing(path, commit, created=was_created)
            for (path, commit), was_created in zip(commits, created, strict=True)
        ]

    def _document(self, path: NodePath, commit: Commit) -> tuple[str, bytes]:
        document = canonical_json(
            {
                "schema": COMMIT_SCHEMA,
                "node": path,
                "attempt": commit.attempt,
                "seconds": commit.seconds,
                "ended_at": commit.ended_at,
                "ports": port_records_to_json(commit.ports),
                **reuse_to_json(commit.reuse_key, commit.reused_from),
            }
        )
        return keys.commit_key(self._session_id, path), document

    def _standing(self, path: NodePath, commit: Commit, *, created: bool) -> Commit:
        if created:
            self._known[path] = commit
            return commit
        standing = self.committed(path)
        if standing is None:
            raise InvalidDocumentError(what=f"commit of {path}", reason="it was there and is gone")
        return standing

    @contextmanager
    def knowing(self, commits: Mapping[NodePath, Commit]) -> Generator[None]:
        """Know commits in this thread, for the time of the block, that are perhaps not in the store yet."""
        before = self._carried_here()
        self._carried.commits = {**before, **commits}
        try:
            yield
        finally:
            self._carried.commits = before

    def _carried_here(self) -> Mapping[NodePath, Commit]:
        commits: Mapping[NodePath, Commit] = getattr(self._carried, "commits", _NONE_CARRIED)
        return commits

    def committed(self, path: NodePath) -> Commit | None:
        """Return what a node published; None where it has not yet.

        Raises:
            CorruptArtifactError: The commit is not one of ours.
        """
        commit = self._known.get(path) or self._carried_here().get(path)
        if commit is None:
            commit = read_commit(self._store, self._session_id, path)
            if commit is not None:
                self._known[path] = commit
        return commit

    def record(self, outcome: NodeOutcome) -> None:
        """Write how an attempt ended, unless it is what was committed; what was written first stands."""
        known = self._known.get(outcome.path)
        if known is not None and known.attempt == outcome.attempt:
            return
        key = keys.outcome_key(self._session_id, outcome.path, outcome.attempt)
        self._store.create_if_absent(key, canonical_json(outcome_to_json(outcome)), durable=False)

    def outcome(self, path: NodePath, *, after_attempt: int = 0) -> NodeOutcome | None:
        """Return what is known of a node: its commit, else how its last attempt ended, else None.

        Args:
            path: The node.
            after_attempt: Attempts up to this number are of no interest, unless they were committed.
        """
        commit = self.committed(path)
        if commit is not None:
            return outcome_of(path, commit)
        attempt = self.last_attempt(path)
        if attempt <= after_attempt:
            return None
        key = keys.outcome_key(self._session_id, path, attempt)
        data = self._store.read(key, limit_bytes=_DOCUMENT_MAX_BYTES)
        if data is None:
            return None
        what = f"outcome of attempt {attempt} at {path}"
        return outcome_from_json(json_object(data, what=what, limit_bytes=_DOCUMENT_MAX_BYTES), what=what)


def outcome_of(path: NodePath, commit: Commit) -> NodeOutcome:
    """Return the outcome of a node that published ``commit``."""
    attempt, seconds, ended_at, ports, reuse_key, reused_from = commit
    return NodeOutcome(path, NodeState.SUCCEEDED, attempt, seconds, None, ports, ended_at, reuse_key, reused_from)


def commit_of(outcome: NodeOutcome) -> Commit:
    """Return what a node published, as its outcome tells it."""
    _, _, attempt, seconds, _, ports, ended_at, reuse_key, reused_from = outcome
    return Commit(attempt, seconds or 0.0, ended_at, ports, reuse_key, reused_from)


def commit_count(store: ArtifactStore, session_id: SessionId) -> int:
    """Return how many nodes of a session have published; one look at the names of its documents.

    Raises:
        StoreError: The store failed.
    """
    return sum(map(keys.is_commit, store.children(keys.nodes_prefix(session_id))))


def read_commit(store: ArtifactStore, session_id: SessionId, path: NodePath) -> Commit | None:
    """Read what a node of a session published; None where it has not, or there is no such session.

    Raises:
        CorruptArtifactError: The commit is not one of ours.
        StoreError: The store failed.
    """
    key = keys.commit_key(session_id, path)
    data = store.read(key, limit_bytes=_DOCUMENT_MAX_BYTES)
    if data is None:
        return None
    try:
        return _commit_from_json(data, path)
    except InvalidDocumentError as error:
        raise CorruptArtifactError(
            place=f"{store.url.rstrip('/')}/{key}",
            reason=f"the {error.what} in session {session_id} is damaged ({error.reason})",
            remedy=f"Delete it, and run what is missing: oneml sessions run {session_id}",
        ) from error


def _commit_from_json(data: bytes, path: NodePath) -> Commit:
    what = f"commit of {path}"
    document = json_object(data, what=what, limit_bytes=_DOCUMENT_MAX_BYTES)
    attempt, seconds, ended_at = document.get("attempt"), document.get("seconds"), document.get("ended_at")
    if document.get("schema") != COMMIT_SCHEMA or document.get("node") != path:
        raise InvalidDocumentError(what=what, reason=f"it is no {COMMIT_SCHEMA} of this node")
    if not isinstance(attempt, int) or not isinstance(seconds, int | float) or not isinstance(ended_at, str):
        raise InvalidDocumentError(what=what, reason="attempt, seconds or ended_at is not of its type")
    ports = port_records_from_json(document.get("ports"), what=what)
    return Commit(attempt, float(seconds), ended_at, ports, *reuse_from_json(document, what=what))
