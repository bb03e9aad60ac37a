"""Where sessions come from: creating, loading, listing and removing them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from oneml.habitats.data.client import DataClient
from oneml.habitats.errors import (
    AmbiguousSessionError,
    HabitatMismatchError,
    InvalidComponentsError,
    UnknownSessionError,
)
from oneml.habitats.habitats.code_document import identity_to_json
from oneml.habitats.habitats.code_identity import code_identity
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import own_target
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.session_store import SessionRow, SessionStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.clock import SystemClock, rfc3339
from oneml.habitats.sessions.opened import OpenedSession, PlannedNodes
from oneml.habitats.sessions.recipe import HEADER_MAX_BYTES, Recipe, check_unused, read_recipe, write_recipe
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.sessions.verification import open_verified
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.sources import STORE_VARIABLE, CommandLineSettings, ProcessSources, configured_store
from oneml.habitats.settings.variables import CONTROL_VARIABLES, RESERVED_PREFIX, strange_variables
from oneml.habitats.stores.addresses import default_store_url, open_artifact_store, open_session_store
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.session_id import SessionId, new_session_id, parse_session_id
from oneml.habitats.values.states import SessionState
from oneml.habitats.values.suggestions import known_names

if TYPE_CHECKING:
    from oneml.habitats.habitats.overrides import Override
    from oneml.habitats.sessions.builder_factory import PipelineBuilderFactory
    from oneml.habitats.sessions.preparation import Prepared
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSessionSettings

PREFIX_MIN_CHARACTERS = 8
"""At least so much of an id must be given."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPreview:
    """What a session would be.

    Attributes:
        habitat: Name of the habitat.
        plan: Its checked DAG.
        settings: Its effective settings.
        container: ``module:QualifiedName`` of its container.
    """

    habitat: str
    plan: Plan
    settings: "EffectiveSettings[PipelineSettings]"
    container: str


class PipelineServiceClient:
    """Creates, loads, lists and removes sessions in one artifact store.

    Args:
        store: URL of the artifact store; else ``ONEML_STORE_URL``, the user's settings file, or the per-user folder.
        registry: Habitats by name; those of installed distributions unless given.
        builder_factory: How DAGs come about; the containers' own ``define`` unless given.
        sources: Where settings of this process come from; its environment and files unless given.
        clock: Time.
    """

    def __init__(
        self,
        *,
        store: str | None = None,
        registry: HabitatRegistry | None = None,
        builder_factory: "PipelineBuilderFactory | None" = None,
        sources: ProcessSources | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.registry = HabitatRegistry() if registry is None else registry
        self._sources = ProcessSources.of_this_process() if sources is None else sources
        self._builder_factory = builder_factory
        self._clock = SystemClock() if clock is None else clock
        self._store_url = store

    @cached_property
    def store(self) -> ArtifactStore:
        """The artifact store, opened when it is first needed.

        Raises:
            StoreError: It cannot be opened.
        """
        for name in strange_variables(self._sources.environ):
            known = known_names(name, [*CONTROL_VARIABLES, f"{RESERVED_PREFIX}..."])
            _log.warning("%s is no variable of oneml, and has no effect. %s", name, known)
        return open_artifact_store(self._store_url or _store_url(self._sources))

    @cached_property
    def _index(self) -> SessionStore:
        return open_session_store(self.store)

    def create_session(
        self,
        habitat: str,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        command_line: CommandLineSettings | None = None,
        inputs: Mapping[str, object] | None = None,
        session_id: str | None = None,
    ) -> PipelineSession:
        """Create a session: define, check, and write its recipe. Nothing runs yet.

        Args:
            habitat: Name of the habitat.
            overrides: Replaced providers, see `replace`; they belong to this session alone.
            settings: The session's settings, or a mapping of them.
            command_line: Settings that were given on a command line; they stand above ``settings``.
            inputs: The inputs of the pipeline by name.
            session_id: An id that is not used yet; a new one unless given.

        Raises:
            UsageError: Anything that is wrong with the habitat, its settings, its pipeline or the inputs.
            SessionExistsError: The id is used.
            StoreError: The store failed. There is no session then, unless only the index failed: listing finds it.
        """
        new_id = new_session_id() if session_id is None else parse_session_id(session_id)
        if session_id is not None:
            check_unused(self.store, new_id)
            self.store.delete_tree(keys.nodes_prefix(new_id))  # of a session that was removed halfway
        prepared = self._prepare(habitat, overrides, settings, command_line, new_id)
        try:
            recipe = self._write(prepared, new_id, {} if inputs is None else inputs)
        except BaseException:
            prepared.components.close()
            raise
        created = datetime.fromisoformat(recipe.created_at)
        row = SessionRow(new_id, habitat, SessionState.CREATED, created, created, recipe.node_count)
        try:
            self._index.remove(new_id)
            self._index.put_session(row)
        except BaseException:
            prepared.components.close()
            raise

        return self._session(recipe, prepared=prepared)

    def preview(
        self,
        habitat: str,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        command_line: CommandLineSettings | None = None,
        inputs: Mapping[str, object] | None = None,
    ) -> SessionPreview:
        """Define and check what `create_session` would create, arguments of providers included; nothing is written.

        Args:
            habitat: Name of the habitat.
            overrides: As for `create_session`.
            settings: As for `create_session`.
            command_line: As for `create_session`.
            inputs: As for `create_session`; None where they shall not be checked.

        Raises:
            UsageError: As `create_session`.
        """
        prepared = self._prepare(habitat, overrides, settings, command_line, new_session_id())
        try:
            misfits = prepared.components.opened_blueprint.type_problems()
            if misfits:
                raise InvalidComponentsError(container=prepared.container.__name__, problems=misfits)
            if inputs is not None:
                from oneml.habitats.sessions.external_inputs import check_inputs  # noqa: PLC0415  # not on a worker

                check_inputs(habitat, prepared.plan, prepared.input_forms, inputs)
            return SessionPreview(
                habitat=habitat,
                plan=prepared.plan,
                settings=prepared.settings,
                container=own_target(prepared.container),
            )
        finally:
            prepared.components.close()

    def load_session(self, session_id: str) -> PipelineSession:
        """Return an existing session.

        Args:
            session_id: Its id, or the first 8 characters or more of it where they fit no other.

        Raises:
            UnknownSessionError: There is none.
            AmbiguousSessionError: Several ids start so.
            StoreError: The store failed.
        """
        return self._session(read_recipe(self.store, self._resolve(session_id)))

    def session(self, habitat: str, session_id: str) -> PipelineSession:
        """Return an existing session in a worker: it runs single nodes and never opens the index of sessions.

        Args:
            habitat: Name of the habitat, which must be that of the session.
            session_id: Its whole id.

        Raises:
            UnknownSessionError: There is none.
            HabitatMismatchError: The session is one of another habitat.
        """
        recipe = read_recipe(self.store, parse_session_id(session_id))
        if recipe.habitat != habitat:
            raise HabitatMismatchError(session_id=recipe.session_id, expected=recipe.habitat, found=habitat)
        return self._session(recipe, is_worker=True)

    def list_sessions(self) -> Sequence[SessionRow]:
        """Return every session, newest first; those that the index has lost are found again.

        Raises:
            StoreError: The store failed.
        """
        self._reconcile()
        return [row._replace(state=self._told(row)) for row in self._index.sessions()]

    def remove_session(self, session_id: str) -> SessionId:
        """Remove a session, its recipe first; artifacts that others may share stay.

        Raises:
            UnknownSessionError: There is none.
            SessionBusyError: A process drives it.
        """
        found = self._resolve(session_id)
        with self._index.drive(found):
            self.store.delete_tree(keys.recipe_key(found))
            self.store.delete_tree(keys.session_prefix(found))
            self._index.remove(found)
        return found

    def _reconcile(self) -> None:
        from oneml.habitats.sessions.index import reconcile  # noqa: PLC0415  # a worker never asks

        reconcile(self.store, self._index)

    def _told(self, row: SessionRow) -> SessionState:
        if row.state is SessionState.RUNNING and not self._index.is_driven(row.session_id):
            return SessionState.INTERRUPTED
        return row.state

    def _resolve(self, text: str) -> SessionId:
        """Return the id that ``text`` is, or the only one that it starts."""
        given = parse_session_id(text)
        if self.store.read(keys.recipe_key(given), limit_bytes=HEADER_MAX_BYTES) is not None:
            return given
        self._reconcile()
        known = [row.session_id for row in self._index.sessions()]
        fitting = [one for one in known if one.startswith(text)] if len(text) >= PREFIX_MIN_CHARACTERS else []
        if len(fitting) > 1:
            raise AmbiguousSessionError(prefix=text, fitting=fitting)
        if not fitting:
            raise UnknownSessionError(session_id=given, store=self.store.url)
        return fitting[0]

    def _prepare(
        self,
        habitat: str,
        overrides: "Sequence[Override]",
        settings: "PipelineSessionSettings | Mapping[str, object] | None",
        command_line: CommandLineSettings | None,
        session_id: SessionId,
    ) -> "Prepared":
        # Defining a DAG loads what no worker needs.
        from oneml.habitats.sessions.builder_factory import define_components  # noqa: PLC0415
        from oneml.habitats.sessions.preparation import prepare  # noqa: PLC0415

        return prepare(
            habitat,
            session_id=session_id,
            registry=self.registry,
            builder_factory=self._builder_factory or define_components,
            sources=self._sources,
            settings=settings,
            command_line=command_line,
            overrides=overrides,
            store_is_shared=self.store.shared,
        )

    def _write(self, prepared: "Prepared", session_id: SessionId, inputs: Mapping[str, object]) -> Recipe:
        from oneml.habitats.sessions.external_inputs import check_inputs  # noqa: PLC0415  # not on a worker

        values = check_inputs(prepared.entry.name, prepared.plan, prepared.input_forms, inputs)
        identity = code_identity(prepared.container, habitat=prepared.entry)
        data = DataClient(self.store, allow_pickle=prepared.settings.session.allow_pickle)
        recipe = Recipe(
            session_id=session_id,
            habitat=prepared.entry.name,
            created_at=rfc3339(self._clock.now()),
            code={"digest": identity.digest, "container": identity.container, "python": identity.python},
            settings=prepared.settings.snapshot(),
            overrides={override.name: override.describe() for override in prepared.overrides},
            inputs={name: data.publish_input(name, value) for name, value in values.items()},
            node_count=len(prepared.plan.nodes),
        )
        return write_recipe(self.store, recipe, plan=prepared.plan, code=identity_to_json(identity))

    def _session(
        self, recipe: Recipe, *, prepared: "Prepared | None" = None, is_worker: bool = False
    ) -> PipelineSession:
        attempts = AttemptLog(self.store, recipe.session_id)
        nodes = PlannedNodes(self.store, recipe, None if prepared is None else prepared.plan)

        def opened(components: PipelineComponents, settings: "EffectiveSettings[PipelineSettings]") -> OpenedSession:
            return OpenedSession(
                store=self.store,
                recipe=recipe,
                components=components,
                settings=settings,
                nodes=nodes,
                attempts=attempts,
                clock=self._clock,
            )

        def reopen() -> OpenedSession:
            components, settings, notices = open_verified(
                self.store, recipe, registry=self.registry, sources=self._sources
            )
            for notice in notices:
                _log.warning("%s", notice)
            return opened(components, settings)

        return PipelineSession(
            store=self.store,
            index=lambda: self._index,
            recipe=recipe,
            clock=self._clock,
            nodes=nodes,
            attempts=attempts,
            opened=None if prepared is None else opened(prepared.components, prepared.settings),
            reopen=reopen,
            may_unpickle=lambda: _allows_pickle(recipe.habitat, self._sources),
            worker_store_url=self._worker_store_url(),
            is_worker=is_worker,
        )

    def _worker_store_url(self) -> str | None:
        """Return what a worker must be told to open the same store; None where it would find it by itself."""
        if not self.store.shared:
            return None
        bare = {name: value for name, value in self._sources.environ.items() if name != STORE_VARIABLE}
        return None if _store_url(replace(self._sources, environ=bare)) == self.store.url else self.store.url


def _store_url(sources: ProcessSources) -> str:
    return default_store_url(sources.environ, setting=configured_store(sources))


def _allows_pickle(habitat: str, sources: ProcessSources) -> bool:
    """Tell whether this process may decode pickles: its own configuration decides, never what a store says."""
    from oneml.habitats.settings.resolve import resolve_settings  # noqa: PLC0415  # only to read what was pickled

    return resolve_settings(PipelineSettings, habitat=habitat, sources=sources).process.allow_pickle
