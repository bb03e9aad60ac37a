"""Which sessions there are: listing them, finding one by the start of its id, and removing one."""

from collections.abc import Callable, Sequence

from oneml.habitats.errors import AmbiguousSessionError, UnknownSessionError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.session_store import SessionRow, SessionStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.attempts import commit_count
from oneml.habitats.sessions.recipe import HEADER_MAX_BYTES
from oneml.habitats.values.session_id import SessionId, parse_session_id
from oneml.habitats.values.states import SessionState

PREFIX_MIN_CHARACTERS = 8
"""At least so much of an id must be given."""


class SessionCatalogue:
    """The sessions of one artifact store.

    Args:
        store: It.
        index: Gives the session store, which is not opened before it is needed.
    """

    def __init__(self, store: ArtifactStore, index: Callable[[], SessionStore]) -> None:
        self._store = store
        self._index = index

    def rows(self) -> Sequence[SessionRow]:
        """Return every session, newest first; those that the index has lost are found again.

        Raises:
            StoreError: The store failed.
        """
        self._reconcile()
        return [row._replace(state=self._told(row)) for row in self._index().sessions()]

    def resolve(self, text: str) -> SessionId:
        """Return the id that ``text`` is, or the only one that it starts; also where only the recipe is gone.

        Raises:
            InvalidSessionIdError: It is no id.
            UnknownSessionError: There is no such session.
            AmbiguousSessionError: Several ids start so.
            StoreError: The store failed.
        """
        given = parse_session_id(text)
        if self._store.read(keys.recipe_key(given), limit_bytes=HEADER_MAX_BYTES) is not None:
            return given
        if self._store.children(keys.session_prefix(given)):
            return given
        self._reconcile()
        fitting = [row.session_id for row in self._index().sessions() if row.session_id.startswith(text)]
        if not fitting or len(text) < PREFIX_MIN_CHARACTERS:
            raise UnknownSessionError(
                session_id=given,
                store=self._store.url,
                fitting=fitting,
                prefix_min_characters=PREFIX_MIN_CHARACTERS,
            )
        if len(fitting) > 1:
            raise AmbiguousSessionError(prefix=text, fitting=fitting)
        return fitting[0]

    def remove(self, text: str) -> SessionId:
        """Remove a session, its recipe first, and return its id; artifacts that others may share stay.

        Raises:
            UnknownSessionError: There is none.
            SessionBusyError: A process drives it.
            StoreError: The store failed.
        """
        found = self.resolve(text)
        index = self._index()
        with index.drive(found):
            self._store.delete_tree(keys.recipe_key(found))
            self._store.delete_tree(keys.session_prefix(found))
            index.remove(found)
        return found

    def _reconcile(self) -> None:
        from oneml.habitats.sessions.index import reconcile  # noqa: PLC0415  # a worker never asks

        reconcile(self._store, self._index())

    def _told(self, row: SessionRow) -> SessionState:
        """Return where a session stands: no driver has told the index of what workers alone have run."""
        if row.state not in {SessionState.CREATED, SessionState.RUNNING} or self._index().is_driven(row.session_id):
            return row.state
        if row.node_count and commit_count(self._store, row.session_id) == row.node_count:
            return SessionState.SUCCEEDED
        return SessionState.INTERRUPTED if row.state is SessionState.RUNNING else row.state
