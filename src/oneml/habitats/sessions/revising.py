"""Makes revisions of the settings of a session, on its driver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.errors import FixedSettingError, SigningKeyMissingError, UnknownHabitatError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.checks import check_abilities
from oneml.habitats.sessions.fingerprints import Fingerprints
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.sessions.openings import Openings
from oneml.habitats.sessions.plan_shards import read_nodes
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.proof import Revision
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.revisions import write_revision
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.effective_secrets import secret_digests
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.times import rfc3339

FIXED_NAMES = frozenset({"allow_pickle", "engine", "on_failure", "store", "verification", "workers"})
"""Settings by which a session is driven and proven: what was opened with them stays open."""

ASKED_NAMES = frozenset({"image", "isolated", "priority", "resources", "tags", "timeout_seconds"})
"""Settings by which nodes ask something of their engines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviser:
    """Changes the settings of one session.

    Attributes:
        store: The artifact store.
        recipe: The recipe of the session.
        nodes: The nodes of the session's plan.
        openings: Its open containers.
        attempts: Its commits.
        clock: Time.
        engine_registry: Where engines are found.
        signing_key: The configured key; None where there is none.
    """

    store: ArtifactStore
    recipe: Recipe
    nodes: PlannedNodes
    openings: Openings
    attempts: AttemptLog
    clock: Clock
    engine_registry: EngineRegistry
    signing_key: bytes | None = field(repr=False)

    def settings_with(
        self, values: Mapping[str, object], *, source: str, habitat: str
    ) -> EffectiveSettings[PipelineSettings]:
        """Return the settings as they would be with other values, and change nothing.

        Raises:
            UnknownHabitatError: The session does not include that habitat.
            FixedSettingError: A setting is fixed when a session is created.
            SettingsError: A value is wrong.
            InvalidPipelineError: An engine cannot do what a node would ask of it.
        """
        parts = self.recipe.parts_of(habitat)
        if not parts:
            known = dict.fromkeys([self.recipe.habitat, *(one.habitat for one in self.recipe.included.values())])
            raise UnknownHabitatError(name=habitat, known=[*known])
        opened = self.openings.refreshed()
        check_changeable(opened.settings.model, values)
        settings = opened.settings.revised(values, source=source, parts=parts)
        if not ASKED_NAMES.isdisjoint(values):
            check_abilities(self.recipe.habitat, self.nodes.plan(), settings, engine_registry=self.engine_registry)
        return settings

    def revise(self, values: Mapping[str, object], *, source: str, habitat: str) -> Revision:
        """Write a revision with other values, unless they change nothing; see `PipelineSession.revise`."""
        settings = self.settings_with(values, source=source, habitat=habitat)
        opened = self.openings.current()
        unread = self._unread(values, opened, self.recipe.parts_of(habitat))
        if not settings.changed_fields(opened.settings):
            return Revision(opened.revision, (), unread)
        changed: Sequence[NodePath] = ()

        def write(recipe: Recipe, older: OpenedSession) -> Recipe:
            nonlocal changed
            revised, changed = revised_recipe(
                self.store,
                recipe,
                plan=self.nodes.plan(),
                before=older.settings,
                settings=settings,
                fingerprints=older.fingerprints,
                created_at=rfc3339(self.clock.now()),
                key=self.signing_key,
            )
            return revised

        recipe = self.openings.revise(write, settings)
        return Revision(
            recipe.revision, tuple(path for path in changed if self.attempts.committed(path) is None), unread
        )

    def _unread(
        self, values: Mapping[str, object], opened: OpenedSession, parts: Sequence[NodePath]
    ) -> tuple[str, ...]:
        """Return the package's own settings among ``values`` that nothing reads which a node builds."""
        every = {node.provider for node in self.nodes.plan().nodes.values()}
        providers = [provider for provider in every if split_provider_key(provider)[0] in parts]
        reads = {read.field.partition(".")[0] for name in providers for read in opened.components.settings_reads(name)}
        own = values.keys() - PipelineSettings.model_fields.keys()
        return () if "" in reads else tuple(sorted(own - reads))


def check_changeable(model: type[PipelineSettings], values: Mapping[str, object]) -> None:
    """Let pass settings that may change while a session lives.

    Raises:
        FixedSettingError: One may not.
    """
    for name in sorted(values.keys() & FIXED_NAMES):
        raise FixedSettingError(model=model.__name__, name=name, fixed=FIXED_NAMES)


def revised_recipe(
    store: ArtifactStore,
    recipe: Recipe,
    *,
    plan: Plan,
    before: EffectiveSettings[PipelineSettings],
    settings: EffectiveSettings[PipelineSettings],
    fingerprints: Fingerprints,
    created_at: str,
    key: bytes | None,
) -> tuple[Recipe, Sequence[NodePath]]:
    """Write the next revision of a recipe.

    Args:
        store: The artifact store.
        recipe: The recipe at the newest revision.
        plan: Its plan.
        before: The settings until now.
        settings: The settings from now on.
        fingerprints: Computes what nodes are.
        created_at: RFC 3339, UTC.
        key: What documents are signed by.

    Returns:
        The recipe at the new revision, and the nodes that are no longer what they were at the revision before.

    Raises:
        SigningKeyMissingError: The recipe is signed, and there is no key to sign the revision by.
        RecipeTooLargeError: The settings are larger than a worker reads.
        StoreError: The store failed; there is no such revision then.
    """
    if recipe.signed and key is None:
        raise SigningKeyMissingError(session_id=recipe.session_id)
    # A revision tells in what nodes differ from the recipe itself, not from the revision before.
    recorded = {record.node.path: record.fingerprint for record in read_nodes(store, replace(recipe, revised={}))}
    others: dict[NodePath, str | None] = {}
    changed: list[NodePath] = []
    for path, node in plan.nodes.items():
        author = plan.node_settings.get(path, {})
        fingerprint = fingerprints.of_node(node, settings, author)
        if fingerprint != recorded[path]:
            others[path] = fingerprint
        if fingerprint != fingerprints.of_node(node, before, author):
            changed.append(path)
    secrets: Mapping[str, str] = {}
    if key is not None:
        secrets = secret_digests(settings, key, recipe.session_id.encode())
    revised = write_revision(
        store,
        recipe,
        created_at=created_at,
        settings=settings.snapshot(),
        secrets=secrets,
        fingerprints=others.items(),
        key=key,
    )
    return revised, changed
