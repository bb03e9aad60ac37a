"""Takes over what another session computed, instead of running a node again."""

import logging
from collections.abc import Callable

from oneml.habitats.data.parts import is_whole
from oneml.habitats.errors import CorruptArtifactError, StoreError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.session_store import SessionStore
from oneml.habitats.sessions.attempts import AttemptLog, Commit, outcome_of, read_commit
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.plan import PlannedNode
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.times import rfc3339

NO_ATTEMPT = 0
"""The attempt of a commit that no attempt of its session made."""

_log = logging.getLogger(__name__)


class Adoption:
    """Adopts commits of other sessions in one artifact store.

    Args:
        store: The artifact store.
        index: Knows which session computed what.
        attempts: Commits of the session that adopts.
        node: Gives a node of its plan.
        key_of: Gives the key under which the outputs of a node are found.
        clock: Time.
    """

    def __init__(
        self,
        *,
        store: ArtifactStore,
        index: SessionStore,
        attempts: AttemptLog,
        node: Callable[[NodePath], PlannedNode],
        key_of: Callable[[PlannedNode], str | None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._index = index
        self._attempts = attempts
        self._node = node
        self._key_of = key_of
        self._clock = clock

    def adopt(self, path: NodePath) -> NodeOutcome | None:
        """Commit for a node that is due what another session published, and return the outcome.

        Returns:
            None where nobody computed the same, or what they published is not there any more: the node is to run.

        Raises:
            StoreError: The commit cannot be written.
        """
        node = self._node(path)
        try:
            key = self._key_of(node)
            if key is None:
                return None
            found = self._found(node, key)
        except StoreError as error:
            _log.warning("What could be reused for %s cannot be looked up, so it runs: %s", path, error)
            return None
        if found is None:
            return None
        source, commit = found
        own = commit._replace(
            attempt=NO_ATTEMPT, ended_at=rfc3339(self._clock.now()), reused_from=commit.reused_from or source
        )
        return outcome_of(path, self._attempts.commit(path, own))

    def _found(self, node: PlannedNode, key: str) -> tuple[SessionId, Commit] | None:
        for session_id in self._index.computed(key):
            try:
                commit = read_commit(self._store, session_id, node.path)
            except CorruptArtifactError as error:
                _log.warning("Session %s is no source for %s: %s", session_id, node.path, error)
                continue
            if commit is not None and commit.reuse_key == key and self._is_whole(commit, node):
                return session_id, commit
        return None

    def _is_whole(self, commit: Commit, node: PlannedNode) -> bool:
        """Tell whether all of the outputs are there; their content is held against its hash by whoever reads it."""
        return sorted(commit.ports) == sorted(node.outputs) and all(
            is_whole(self._store, record) for record in commit.ports.values()
        )
