"""What a process prepares its sessions with."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.sessions.builder_factory import PipelineBuilderFactory
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.process import habitat_tables
from oneml.habitats.settings.resolve import GivenSettings, resolve_session
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.suggestions import nearest_name

Revise = Callable[[str, EffectiveSettings[PipelineSettings]], EffectiveSettings[PipelineSettings]]
"""Makes the changes to the settings of the process for a habitat that were made while it runs."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a process prepares its sessions with.

    Attributes:
        registry: Where habitats are found.
        builder_factory: How the DAG comes about.
        sources: Where the settings of this process come from.
        engine_registry: Where engines are found.
        store_is_shared: Whether other processes can open the artifact store.
        revise: Makes the changes that were made while the process runs.
    """

    registry: HabitatRegistry
    builder_factory: PipelineBuilderFactory
    sources: ProcessSources
    engine_registry: EngineRegistry
    store_is_shared: bool
    revise: Revise

    def resolved(
        self, habitat: str, container: type[PipelineComponents], given: GivenSettings
    ) -> EffectiveSettings[PipelineSettings]:
        """Return the settings of a session, without entries for nodes.

        Raises:
            SettingsError: They are wrong.
        """
        self._warn_of_misspelt_tables(habitat)
        resolved = resolve_session(container.settings_model(), habitat=habitat, given=given, sources=self.sources)
        return self.revise(habitat, resolved)

    def _warn_of_misspelt_tables(self, habitat: str) -> None:
        """Warn of what a settings file says of a habitat that nobody knows, where this one may be meant."""
        for name, place in habitat_tables(self.sources):
            if name != habitat and nearest_name(name, [habitat]) and not self.registry.offers(name):
                _log.warning(
                    '[habitats."%s"] is of no known habitat, and has no effect. Did you mean [habitats."%s"]? (%s)',
                    name,
                    habitat,
                    place,
                )
