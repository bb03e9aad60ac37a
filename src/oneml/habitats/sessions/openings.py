"""The open containers of a session: one for each revision of its settings that is still at work."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.sessions.opening import SessionOpener
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.proof import Proof
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.revisions import newest_revision
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome

if TYPE_CHECKING:
    from oneml.habitats.sessions.verified import Verified
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSettings


class Openings:
    """Hands out the newest container; an older one is closed when its last node ends.

    Args:
        store: The artifact store.
        recipe: The recipe, as it was written.
        nodes: The nodes of the plan.
        opener: Opens containers in this process.
        first: What is open already, where something is.
    """

    def __init__(
        self,
        *,
        store: ArtifactStore,
        recipe: Recipe,
        nodes: PlannedNodes,
        opener: SessionOpener,
        first: OpenedSession | None,
    ) -> None:
        self._store = store
        self._recipe = recipe
        self._nodes = nodes
        self._opener = opener
        self._current = first
        self._lock = threading.Lock()
        self._opening = threading.RLock()
        self._users: dict[OpenedSession, int] = {}

    @property
    def known(self) -> OpenedSession | None:
        """The newest container, where one is open."""
        return self._current

    def current(self) -> OpenedSession:
        """Return the newest container, opened unless it is.

        Raises:
            RefusalError: This process is not what the recipe says.
        """
        opened = self._current
        if opened is None:
            with self._opening:
                opened = self._current
                if opened is None:
                    opened = self._current = self._reopened(self.newest_recipe())
        return opened

    def refreshed(self) -> OpenedSession:
        """Return the newest container at the newest revision, which another process may have made.

        Raises:
            RefusalError: This process is not what the recipe says.
            StoreError: The store failed.
        """
        opened = self.current()
        if newest_revision(self._store, self._recipe.session_id) > opened.revision:
            with self._opening:
                opened = self.current()
                if newest_revision(self._store, self._recipe.session_id) > opened.revision:
                    opened = self._reopened(self.newest_recipe())
                    self._replace(opened)
        return opened

    def newest_recipe(self) -> Recipe:
        """Return the recipe at its newest revision.

        Raises:
            InvalidDocumentError: That revision is none.
            RefusalError: It was altered, or is not signed.
            StoreError: The store failed.
        """
        return self._recipe_at(newest_revision(self._store, self._recipe.session_id))

    @contextmanager
    def at(self, revision: int | None) -> Generator[OpenedSession]:
        """Have the container at a revision open for the time of the block; None for the newest.

        Raises:
            RefusalError: This process is not what the recipe says.
        """
        with self.leased(refresh=True) as opened:
            if revision is None or revision == opened.revision:
                yield opened
                return
        older = self._reopened(self._recipe_at(revision))
        try:
            yield older
        finally:
            older.close()

    def proof(self, node: NodePath) -> Proof:
        """Make the check of a worker; see `PipelineSession.prove`."""
        recipe = self.newest_recipe()
        nodes = PlannedNodes(self._store, recipe)
        record = nodes.record(node)
        # As a worker does, which reads the entries for its node alone, however many nodes there are.
        opened = replace(self._opener, is_worker=True).reopened(recipe, nodes)
        try:
            verified = cast("Verified", opened.verified)
            both = (verified.findings, opened.findings_of(node, verified))
            return Proof(
                session_id=recipe.session_id,
                habitat=recipe.habitat,
                node=node,
                revision=recipe.revision,
                fingerprint=record.fingerprint,
                compared=tuple(one for found in both for one in found.compared),
                allowed=tuple(one for found in both for one in found.allowed),
                notices=tuple(one for found in both for one in found.notices),
            )
        finally:
            opened.close()

    def revise(
        self, write: Callable[[Recipe, OpenedSession], Recipe], settings: "EffectiveSettings[PipelineSettings]"
    ) -> Recipe:
        """Write a new revision, open the container with its settings, and hand that out from now on.

        Args:
            write: Writes the revision after the recipe that it is given, and returns the recipe with it.
            settings: The settings from now on.
        """
        older = self.current()
        with self._opening:  # so that no other thread opens it a second time
            recipe = write(self.newest_recipe(), older)
            opened = self._opener.revised(recipe, self._nodes.at(recipe), older, settings)
            opened.know_plan()
            self._replace(opened)
        return recipe

    def _recipe_at(self, revision: int) -> Recipe:
        if revision == 0:
            return self._recipe
        from oneml.habitats.sessions.revisions import read_revision  # noqa: PLC0415  # few sessions have any

        return read_revision(self._store, self._recipe, revision, key=self._opener.signing_key)

    def _reopened(self, recipe: Recipe) -> OpenedSession:
        return self._opener.reopened(recipe, self._nodes.at(recipe))

    def _replace(self, opened: OpenedSession) -> None:
        with self._lock:
            older, self._current = self._current, opened
            idle = older is not None and not self._users.get(older)
        if older is not None and idle:
            older.close()

    @contextmanager
    def leased(self, *, refresh: bool = False) -> Generator[OpenedSession]:
        """Keep the newest container open for the time of the block.

        Args:
            refresh: Whether to look for a newer revision first; see `refreshed`.

        Raises:
            RefusalError: This process is not what the recipe says.
        """
        opened = self._taken(refresh=refresh)
        try:
            yield opened
        finally:
            self._give_back(opened)

    def _give_back(self, opened: OpenedSession) -> None:
        with self._lock:
            left = self._users[opened] - 1
            if left:
                self._users[opened] = left
            else:
                del self._users[opened]
            over = not left and opened is not self._current
        if over:
            opened.close()

    def _taken(self, *, refresh: bool) -> OpenedSession:
        """Return the newest container, counted as used."""
        while True:
            newest = self.refreshed() if refresh else self.current()
            with self._lock:
                if newest is self._current:  # else another thread has replaced, and maybe closed it
                    self._users[newest] = self._users.get(newest, 0) + 1
                    return newest

    def run_scheduled(self, path: NodePath) -> NodeOutcome:
        """Run a node that is due in the newest container, with which it stays."""
        opened = self._taken(refresh=False)  # as `leased`, without a generator for each node
        try:
            return opened.runner.run_scheduled(path)
        finally:
            self._give_back(opened)

    def close(self) -> None:
        """Close the newest container, unless nodes are at work in it: then they close it."""
        with self._lock:
            opened, self._current = self._current, None
            idle = opened is not None and not self._users.get(opened)
        if opened is not None and idle:
            opened.close()
