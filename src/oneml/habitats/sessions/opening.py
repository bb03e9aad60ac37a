"""How the container of a session comes to be open in a process: because it was created here, or from its recipe."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.clock import Clock
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.entry_settings import EntrySettings
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.verification import open_verified
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.node_path import NodePath

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents
    from oneml.habitats.sessions.client import PipelineServiceClient
    from oneml.habitats.sessions.fingerprints import Fingerprints
    from oneml.habitats.sessions.preparation import Prepared
    from oneml.habitats.sessions.verified import Verified
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpener:
    """Opens the container of one session.

    Attributes:
        store: The artifact store.
        registry: The habitats that are installed here.
        sources: Where settings and secrets of this process come from.
        signing_key: The configured key; None where there is none.
        hidden: Texts that must not show, beside secrets.
        clock: Time.
        attempts: Claims and commits of the session.
        is_worker: Whether this process runs single nodes for a driver elsewhere.
        service: Creates the sessions that bodies ask for.
        memory: Outputs that stay in this process, by node.
        interrupts: Told while a body runs.
    """

    store: ArtifactStore
    registry: HabitatRegistry
    sources: ProcessSources
    signing_key: bytes | None = field(repr=False)
    hidden: frozenset[str] = field(repr=False)
    clock: Clock
    attempts: AttemptLog
    is_worker: bool
    service: "PipelineServiceClient" = field(repr=False)
    memory: dict[NodePath, Mapping[str, object]] = field(default_factory=dict[NodePath, Mapping[str, object]])
    interrupts: Interrupts = field(default_factory=Interrupts)

    def created(self, recipe: Recipe, nodes: PlannedNodes, prepared: "Prepared") -> OpenedSession:
        """Return the session that was created in this process."""
        return self._opened(
            recipe,
            nodes,
            components=prepared.components,
            settings=prepared.settings,
            fingerprints=prepared.identity().fingerprints,
            as_written=lambda: not prepared.identity().patches_now(),
        )

    def reopened(self, recipe: Recipe, nodes: PlannedNodes) -> OpenedSession:
        """Return the session that is written down, once this process is proven to be what it says.

        Raises:
            RefusalError: It is not.
        """
        verified = open_verified(
            self.store,
            recipe,
            registry=self.registry,
            sources=self.sources,
            signing_key=self.signing_key,
            node_entries={} if self.is_worker else nodes.entries(),
        )
        for line in verified.findings.lines():
            _log.warning("%s", line)
        return self._opened(
            recipe,
            nodes,
            components=verified.components,
            settings=verified.settings,
            entry_settings=EntrySettings(verified.settings, verified.with_entries) if self.is_worker else None,
            fingerprints=verified.fingerprints(nodes.provider),
            verified=verified,
            as_written=lambda: True,
        )

    def revised(
        self,
        recipe: Recipe,
        nodes: PlannedNodes,
        older: OpenedSession,
        settings: "EffectiveSettings[PipelineSettings]",
    ) -> OpenedSession:
        """Return the session with other settings, opened beside ``older``, from which all else is taken."""
        components = type(older.components).open(
            session_id=recipe.session_id, settings=settings, overrides=older.components.overrides
        )
        if recipe.included:
            from oneml.habitats.habitats.parts import reopened_parts  # noqa: PLC0415  # few sessions include any

            components.take_parts(reopened_parts(older.components, settings))
        return self._opened(
            recipe,
            nodes,
            components=components,
            settings=settings,
            fingerprints=older.fingerprints,
            verified=older.verified,
            as_written=older.as_written,
        )

    def _opened(
        self,
        recipe: Recipe,
        nodes: PlannedNodes,
        *,
        components: "PipelineComponents",
        settings: "EffectiveSettings[PipelineSettings]",
        fingerprints: "Fingerprints",
        as_written: Callable[[], bool],
        entry_settings: EntrySettings | None = None,
        verified: "Verified | None" = None,
    ) -> OpenedSession:
        return OpenedSession(
            store=self.store,
            recipe=recipe,
            components=components,
            settings=settings,
            entry_settings=entry_settings,
            nodes=nodes,
            fingerprints=fingerprints,
            verified=verified,
            as_written=as_written,
            attempts=self.attempts,
            memory=self.memory,
            interrupts=self.interrupts,
            hidden=self.hidden,
            clock=self.clock,
            service=self.service,
        )
