"""Opens a session from its recipe, after holding this process against it: equal, or refused.

The code is compared before any of it is imported; settings come from the recipe, never from this environment.
"""

from collections.abc import Sequence

from oneml.habitats.errors import (
    DriftError,
    HabitatMissingError,
    LiveOverridesError,
    UnknownHabitatError,
)
from oneml.habitats.habitats.code_document import identity_from_json
from oneml.habitats.habitats.code_identity import CodeIdentity, identity_here
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.loading import checked_container, imported_object
from oneml.habitats.habitats.overrides import override_from_json
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.recipe import Recipe, read_code
from oneml.habitats.settings.differences import environment_differences
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.sources import ProcessSources


def open_verified(
    store: ArtifactStore, recipe: Recipe, *, registry: HabitatRegistry, sources: ProcessSources
) -> tuple[PipelineComponents, EffectiveSettings[PipelineSettings], Sequence[str]]:
    """Open the container of a session that another process may have created.

    Returns:
        The opened container, the settings of the recipe, and what differs here without effect, for a person.

    Raises:
        RefusalError: The code, the name, a secret or the settings model is not what the recipe says.
        LiveOverridesError: A provider was replaced by an object of another process.
    """
    live = sorted(name for name, how in recipe.overrides.items() if how is None)
    if live:
        raise LiveOverridesError(session_id=recipe.session_id, providers=live)
    expected = identity_from_json(read_code(store, recipe))
    entry, known = _entry(registry, expected)
    found = identity_here(expected, habitat=entry)
    if found.digest != expected.digest:
        from oneml.habitats.habitats.code_difference import differences  # noqa: PLC0415  # only to explain

        raise DriftError(session_id=recipe.session_id, drifts=differences(expected, found))
    container = registry.load(entry.name) if known else checked_container(entry, imported_object(entry))
    model = container.settings_model()
    settings = EffectiveSettings[PipelineSettings].from_snapshot(model, recipe.settings, sources.environ)
    overrides = [override_from_json(container, name, how) for name, how in recipe.overrides.items() if how is not None]
    components = container.open(session_id=recipe.session_id, settings=settings, overrides=overrides)
    notices = [
        f"{one.name} is {'not set' if one.here is None else f'{one.here!r}'} here, without effect: session "
        f"{recipe.session_id} runs with {one.setting} = {one.snapshot}"
        for one in environment_differences(settings, sources.environ)
    ]
    return components, settings, notices


def _entry(registry: HabitatRegistry, expected: CodeIdentity) -> tuple[HabitatEntry, bool]:
    """Return the habitat of that name here, and whether the registry knows it.

    One that the driver registered in code is found by its target.
    """
    try:
        return registry.entry(expected.habitat), True
    except UnknownHabitatError as error:
        if expected.distribution is not None:
            raise HabitatMissingError(
                habitat=expected.habitat, distribution=expected.distribution, version=expected.version or ""
            ) from error
        return HabitatEntry(expected.habitat, expected.target), False
