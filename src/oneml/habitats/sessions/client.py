"""Where sessions come from: creating, loading, listing and removing them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.errors import (
    HabitatMismatchError,
    InvalidComponentsError,
)
from oneml.habitats.habitats.entry import own_target
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.ports.artifact_store import ArtifactStore, BlobStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.ports.session_store import SessionRow, SessionStore
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.catalogue import SessionCatalogue
from oneml.habitats.sessions.changing import SettingsChanges
from oneml.habitats.sessions.chosen_store import allows_pickle, open_chosen_store, url_for_workers
from oneml.habitats.sessions.clock import SystemClock
from oneml.habitats.sessions.context import creating_node, note_session
from oneml.habitats.sessions.opening import SessionOpener
from oneml.habitats.sessions.preview import SessionPreview
from oneml.habitats.sessions.recipe import Recipe, check_unused, read_recipe, row_of
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.settings.calling import calling_place
from oneml.habitats.settings.signing_key import key_texts, signing_key
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources
from oneml.habitats.stores.addresses import open_session_store
from oneml.habitats.values.session_id import SessionId, new_session_id, parse_session_id
from oneml.habitats.values.states import SessionState
from oneml.habitats.values.times import rfc3339

if TYPE_CHECKING:
    from oneml.habitats.habitats.overrides import Override
    from oneml.habitats.ports.engine import Engine
    from oneml.habitats.sessions.builder_factory import PipelineBuilderFactory
    from oneml.habitats.sessions.means import Means
    from oneml.habitats.sessions.origins import Origins
    from oneml.habitats.sessions.preparation import Prepared
    from oneml.habitats.sessions.proof import Revision
    from oneml.habitats.sessions.selection import Paths
    from oneml.habitats.settings.models import PipelineSessionSettings
    from oneml.habitats.values.lineage import Selection
    from oneml.habitats.values.validation import ValidationReport


class PipelineServiceClient:
    """Creates, loads, lists and removes sessions in one artifact store.

    Args:
        store: URL of the artifact store; else ``ONEML_STORE_URL``, the user's settings file, or the per-user folder.
        registry: Habitats by name; those of installed distributions unless given.
        builder_factory: How DAGs come about; the containers' own ``define`` unless given.
        sources: Where settings of this process come from; its environment and files unless given.
        clock: Time.
        engines: Engines that were made in Python, such as a `DaskEngine` for a cluster that is at hand; they stand for
            those of their name.

    Raises:
        NotAnEngineError: Something in ``engines`` is none.
    """

    def __init__(
        self,
        *,
        store: str | None = None,
        registry: HabitatRegistry | None = None,
        builder_factory: "PipelineBuilderFactory | None" = None,
        sources: ProcessSources | None = None,
        clock: Clock | None = None,
        engines: "Sequence[Engine]" = (),
    ) -> None:
        self.registry = HabitatRegistry() if registry is None else registry
        self._sources = ProcessSources.of_this_process() if sources is None else sources
        self._builder_factory = builder_factory
        self._clock = SystemClock() if clock is None else clock
        self._store_url = store
        self._engine_registry = EngineRegistry(engines)
        self._changes = SettingsChanges()

    @cached_property
    def store(self) -> ArtifactStore:
        """The artifact store, opened when it is first needed.

        Raises:
            StoreError: It cannot be opened.
        """
        return open_chosen_store(self._store_url, self._sources)

    @cached_property
    def _signing_key(self) -> bytes | None:
        """The key by which recipes are signed and checked; None where none is configured.

        Raises:
            SettingsError: What is configured is no key.
        """
        return signing_key(self._sources)

    @cached_property
    def _index(self) -> SessionStore:
        return open_session_store(self.store)

    @cached_property
    def _catalogue(self) -> SessionCatalogue:
        return SessionCatalogue(self.store, lambda: self._index)

    def create_session(
        self,
        habitat: str,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        command_line: CommandLineSettings | None = None,
        inputs: Mapping[str, object] | None = None,
        session_id: str | None = None,
        start_at: "Paths" = (),
        stop_at: "Paths" = (),
        only: "Paths" = (),
        parent: str | None = None,
    ) -> PipelineSession:
        """Create a session: define, check, and write its recipe. Nothing runs yet.

        A session of a part of the pipeline takes over the outputs that flow into that part from another session, its
        parent, if they are what would be computed here. Paths are those of nodes, fan-outs and namespaces.

        Args:
            habitat: Name of the habitat.
            overrides: Replaced providers, see `replace`; they belong to this session alone.
            settings: The session's settings, or a mapping of them.
            command_line: Settings that were given on a command line; they stand above ``settings``.
            inputs: The inputs of the pipeline by name; a `SessionOutput` stands for an output of another session.
            session_id: An id that is not used yet; a new one unless given.
            start_at: Have these nodes and everything below them alone.
            stop_at: Have these nodes and everything above them alone.
            only: Have these nodes alone.
            parent: The id of the parent, or the start of it; the newest session that has what is needed unless given.

        Raises:
            UsageError: Anything that is wrong with the habitat, its settings, its pipeline or the inputs.
            SessionExistsError: The id is used.
            NoParentError: No session has computed what is needed.
            ParentRefusedError: What was computed is not what would be computed here; says which node differs, and why.
            StoreError: The store failed. There is no session then, unless only the index failed: listing finds it.
        """
        new_id = new_session_id() if session_id is None else parse_session_id(session_id)
        if session_id is not None:
            check_unused(self.store, new_id)
            self.store.delete_tree(keys.nodes_prefix(new_id))  # of a session that was removed halfway
        from oneml.habitats.sessions.creation import write_session  # noqa: PLC0415  # not on a worker
        from oneml.habitats.sessions.selection import selection_of  # noqa: PLC0415  # the same

        selection = selection_of(start_at, stop_at, only)
        prepared = self._prepare(habitat, overrides, settings, command_line, new_id, selection)
        try:
            recipe = write_session(
                self.store,
                prepared,
                session_id=new_id,
                origins=self._origins(prepared, self.store, inputs, parent),
                created_at=rfc3339(self._clock.now()),
                signing_key=self._signing_key,
                parent=creating_node(),
            )
            note_session(new_id)
            self._index.remove(new_id)
            self._index.put_session(row_of(recipe, SessionState.CREATED))
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
        start_at: "Paths" = (),
        stop_at: "Paths" = (),
        only: "Paths" = (),
        parent: str | None = None,
    ) -> SessionPreview:
        """Define and check what `create_session` would create, arguments of providers included; nothing is written.

        Args:
            habitat: Name of the habitat.
            overrides: As for `create_session`.
            settings: As for `create_session`.
            command_line: As for `create_session`.
            inputs: As for `create_session`; None where neither they nor a parent shall be looked at.
            start_at: As for `create_session`.
            stop_at: As for `create_session`.
            only: As for `create_session`.
            parent: As for `create_session`.

        Raises:
            UsageError: As `create_session`.
            ParentRefusedError: As `create_session`.
        """
        from oneml.habitats.sessions.preparation import blueprints_of  # noqa: PLC0415  # not on a worker
        from oneml.habitats.sessions.selection import selection_of  # noqa: PLC0415  # the same
        from oneml.habitats.stores.hashing import HashingBlobStore  # noqa: PLC0415  # the same

        selection = selection_of(start_at, stop_at, only)
        prepared = self._prepare(habitat, overrides, settings, command_line, new_session_id(), selection)
        try:
            for title, blueprint in blueprints_of(prepared.components):
                misfits = blueprint.type_problems()
                if misfits:
                    raise InvalidComponentsError(container=title, problems=misfits)
            origins = None if inputs is None else self._origins(prepared, HashingBlobStore(self.store), inputs, parent)
            return SessionPreview(
                habitat=habitat,
                plan=prepared.plan,
                settings=prepared.settings,
                container=own_target(prepared.container),
                identify=prepared.identity,
                selection=selection,
                origins=origins,
            )
        finally:
            prepared.components.close()

    def _origins(
        self, prepared: "Prepared", blobs: BlobStore, inputs: Mapping[str, object] | None, parent: str | None
    ) -> "Origins":
        from oneml.habitats.sessions.origins import find_origins  # noqa: PLC0415  # not on a worker

        def newest() -> Iterator[SessionId]:
            return (row.session_id for row in self.list_sessions() if row.habitat == prepared.entry.name)

        return find_origins(
            self.store,
            prepared,
            blobs=blobs,
            inputs={} if inputs is None else inputs,
            parent=parent,
            load_session=self.load_session,
            newest=newest,
            signing_key=self._signing_key,
        )

    def validate(
        self,
        habitat: str,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        command_line: CommandLineSettings | None = None,
        inputs: Mapping[str, object] | None = None,
    ) -> "ValidationReport":
        """Return all that is wrong with a habitat and what is given for a session of it; nothing runs.

        Args:
            habitat: Name of the habitat.
            overrides: As for `create_session`.
            settings: As for `create_session`.
            command_line: As for `create_session`.
            inputs: As for `create_session`; None where they shall not be checked.

        Raises:
            StoreError: The store cannot be opened.
        """
        from oneml.habitats.sessions.validating import Validation  # noqa: PLC0415  # not on a worker

        return Validation(habitat, self._means()).report(overrides, settings, command_line, inputs)

    def load_session(self, session_id: str) -> PipelineSession:
        """Return an existing session.

        Args:
            session_id: Its id, or the first 8 characters or more of it where they fit no other.

        Raises:
            UnknownSessionError: There is none.
            AmbiguousSessionError: Several ids start so.
            StoreError: The store failed.
        """
        return self._session(read_recipe(self.store, self._catalogue.resolve(session_id), key=self._signing_key))

    def session(self, habitat: str, session_id: str) -> PipelineSession:
        """Return an existing session in a worker: it runs single nodes and never opens the index of sessions.

        Args:
            habitat: Name of the habitat, which must be that of the session.
            session_id: Its whole id.

        Raises:
            UnknownSessionError: There is none.
            HabitatMismatchError: The session is one of another habitat.
        """
        recipe = read_recipe(self.store, parse_session_id(session_id), key=self._signing_key)
        if recipe.habitat != habitat:
            raise HabitatMismatchError(session_id=recipe.session_id, expected=recipe.habitat, found=habitat)
        return self._session(recipe, is_worker=True)

    def list_sessions(self) -> Sequence[SessionRow]:
        """Return every session, newest first; those that the index has lost are found again.

        Raises:
            StoreError: The store failed.
        """
        return self._catalogue.rows()

    def remove_session(self, session_id: str) -> SessionId:
        """Remove a session, its recipe first; artifacts that others may share stay.

        Raises:
            UnknownSessionError: There is none.
            SessionBusyError: A process drives it.
        """
        return self._catalogue.remove(session_id)

    def _prepare(
        self,
        habitat: str,
        overrides: "Sequence[Override]",
        settings: "PipelineSessionSettings | Mapping[str, object] | None",
        command_line: CommandLineSettings | None,
        session_id: SessionId,
        selection: "Selection | None",
    ) -> "Prepared":
        from oneml.habitats.sessions.preparation import prepare  # noqa: PLC0415  # not on a worker

        return prepare(
            habitat,
            self._means(),
            session_id=session_id,
            settings=settings,
            command_line=command_line,
            overrides=overrides,
            signing_key=self._signing_key,
            selection=selection,
        )

    def _means(self) -> "Means":
        # Defining a DAG loads what no worker needs.
        from oneml.habitats.sessions.builder_factory import define_components  # noqa: PLC0415
        from oneml.habitats.sessions.means import Means  # noqa: PLC0415

        return Means(
            registry=self.registry,
            builder_factory=self._builder_factory or define_components,
            sources=self._sources,
            engine_registry=self._engine_registry,
            store_is_shared=self.store.shared,
            revise=self._changes.applied,
        )

    def _session(
        self, recipe: Recipe, *, prepared: "Prepared | None" = None, is_worker: bool = False
    ) -> PipelineSession:
        session = PipelineSession(
            store=self.store,
            index=lambda: self._index,
            recipe=recipe,
            clock=self._clock,
            opener=SessionOpener(
                store=self.store,
                registry=self.registry,
                sources=self._sources,
                signing_key=self._signing_key,
                hidden=key_texts(self._sources),
                clock=self._clock,
                attempts=AttemptLog(self.store, recipe.session_id),
                is_worker=is_worker,
                service=self,
            ),
            prepared=prepared,
            engine_registry=self._engine_registry,
            may_unpickle=lambda: allows_pickle(recipe.habitat, self._sources),
            worker_store_url=url_for_workers(self.store, self._sources),
        )
        self._changes.follow(session)
        return session

    def change_settings(self, habitat: str, values: Mapping[str, object]) -> "Mapping[SessionId, Revision]":
        """Change settings of this process for a habitat, in its open sessions and in those created from now on.

        Each session of this client that is open here and of that habitat, or includes it, gets a revision of its
        settings: nodes that have not started take it. What a session or its nodes set themselves stands above it.

        Args:
            habitat: Name of the habitat.
            values: Settings by name, reserved and own ones side by side.

        Returns:
            The new revision, by session; sessions in which no node changes are left out.

        Raises:
            SettingsError: A value is wrong; nothing changes then.
            FixedSettingError: A setting is fixed when a session is created.
            InvalidPipelineError: An engine cannot do what a node would ask of it; nothing changes then.
            StoreError: The store failed; sessions that were changed before stay changed.
        """
        model = self.registry.load(habitat).settings_model()
        return self._changes.make(habitat, model, values, source=calling_place())
