"""The settings of a container that is opened by its class, without a client: this process, and what a session sets."""

import functools
from collections.abc import Mapping

from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.sources import ProcessSources


def settings_here(
    target: str, model: type[PipelineSettings], session: Mapping[str, object] | None
) -> EffectiveSettings[PipelineSettings]:
    """Return what is in force for a session in this process.

    Args:
        target: ``module:QualifiedName`` of the container.
        model: Its settings model.
        session: What the session sets.

    Raises:
        SettingsError: The settings are wrong.
    """
    habitat = _habitat_names().get(target, target)
    return resolve_settings(model, habitat=habitat, session=session, sources=ProcessSources.of_this_process())


@functools.cache
def _habitat_names() -> Mapping[str, str]:
    """Return the names of installed habitats by target, for settings that files give by habitat."""
    return {entry.target: entry.name for entry in HabitatRegistry().entries()}
