"""From the name of a habitat to an opened container and a checked plan; nothing is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from oneml.habitats.habitats.blueprint import Blueprint
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.executables import PipelineExecutables
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.sessions.builder_factory import PipelineBuilderFactory, defined
from oneml.habitats.sessions.checks import check_execution, check_node_settings
from oneml.habitats.sessions.identification import SessionIdentity
from oneml.habitats.sessions.inclusions import Inclusions
from oneml.habitats.sessions.means import Means
from oneml.habitats.sessions.selection import Narrowed, narrowed
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import MEMORY_STORE, PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.resolve import GivenSettings
from oneml.habitats.settings.sources import CommandLineSettings
from oneml.habitats.values.lineage import Selection
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.session_id import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that a session is made of, before it is one.

    Attributes:
        entry: The habitat.
        container: Its container class.
        components: Its opened container; whoever has this closes it.
        settings: The effective settings.
        plan: The checked plan, as much of it as was selected.
        whole: All of it.
        narrowed: How it was selected; None where it is the whole.
        input_forms: The annotation of each input of the pipeline, by name.
        overrides: What was replaced.
        identity: Gives what the session would be known by; computed once.
    """

    entry: HabitatEntry
    container: type[PipelineComponents]
    components: PipelineComponents
    settings: EffectiveSettings[PipelineSettings]
    plan: Plan
    whole: Plan
    narrowed: Narrowed | None
    input_forms: Mapping[str, object]
    overrides: Sequence[Override]
    identity: Callable[[], SessionIdentity]


def blueprints_of(components: PipelineComponents) -> Iterator[tuple[str, Blueprint]]:
    """Give how everything is built, of a container and of each included class once, with what it is called."""
    yield type(components).__name__, components.opened_blueprint
    seen = {components.opened_blueprint}
    for path in components.opened_parts.paths:
        part = components.opened_part(path)
        if part.opened_blueprint not in seen:
            seen.add(part.opened_blueprint)
            yield f"{type(part).__name__}, included at {path},", part.opened_blueprint


def prepare(
    habitat: str,
    means: Means,
    *,
    session_id: SessionId,
    settings: PipelineSessionSettings | Mapping[str, object] | None,
    command_line: CommandLineSettings | None,
    overrides: Sequence[Override],
    signing_key: bytes | None,
    selection: Selection | None = None,
    runs_here: bool = False,
) -> Prepared:
    """Load, resolve, open, define and check.

    Args:
        habitat: Its name.
        means: What this process prepares it with.
        session_id: The session that it would be.
        settings: What code sets for the session.
        command_line: What the command line sets for it.
        overrides: What is replaced.
        signing_key: The configured key; None where there is none.
        selection: What of the pipeline the session shall have; None for the whole.
        runs_here: Whether nodes run in this process, whichever engines settings name: nothing is asked of those.

    Raises:
        UsageError: Anything at all that is wrong with the habitat, its settings or its pipeline.
    """
    entry, container = means.registry.entry(habitat), means.registry.load(habitat)
    given = GivenSettings.of(settings, command_line)
    resolved = means.resolved(habitat, container, given)
    components = container.open(
        session_id=session_id, settings=resolved, overrides=container.concerned_overrides(overrides)
    )
    try:
        inclusions = Inclusions(
            components=components,
            settings=resolved,
            given=given,
            overrides=overrides,
            session_id=session_id,
            means=means,
        )
        prepared = _defined(entry, components, inclusions, means.builder_factory, selection, signing_key)
        if not runs_here:
            check_running(
                prepared.plan,
                prepared.settings,
                entry=entry,
                components=components,
                inclusions=inclusions,
                means=means,
                identity=prepared.identity,
            )
    except BaseException:
        components.close()
        raise
    return prepared


def _defined(
    entry: HabitatEntry,
    components: PipelineComponents,
    inclusions: Inclusions,
    builder_factory: PipelineBuilderFactory,
    selection: Selection | None,
    signing_key: bytes | None,
) -> Prepared:
    """Define the pipeline of an opened container, and check the settings of its nodes."""
    builder = defined(entry.name, builder_factory, components, PipelineExecutables(components, inclusions))
    inclusions.raise_refused()
    whole = builder.build()
    settings = settled(components, inclusions, whole)
    check_node_settings(whole, settings, components)
    part = None if selection is None else _narrowed(whole, selection, settings)
    plan = whole if part is None else part.plan
    return Prepared(
        entry=entry,
        container=type(components),
        components=components,
        settings=settings,
        plan=plan,
        whole=whole,
        narrowed=part,
        input_forms=builder.input_forms,
        overrides=replaced_in(components, inclusions),
        identity=cache(lambda: SessionIdentity(entry, components, settings, plan, signing_key, inclusions.entries)),
    )


def settled(
    components: PipelineComponents, inclusions: Inclusions, plan: Plan | None
) -> EffectiveSettings[PipelineSettings]:
    """Return the settings with all entries for nodes, which the opened container has from then on.

    Raises:
        UsageError: Entries or overrides are about nothing that the session has; see `Inclusions.finished`.
    """
    settings = inclusions.finished(plan)
    components.take_settings(settings)
    return settings


def replaced_in(components: PipelineComponents, inclusions: Inclusions) -> Sequence[Override]:
    """Return what was replaced, in the container and in those that it includes."""
    return (*components.overrides, *inclusions.parts.overrides())


def check_running(
    plan: Plan,
    settings: EffectiveSettings[PipelineSettings],
    *,
    entry: HabitatEntry,
    components: PipelineComponents,
    inclusions: Inclusions,
    means: Means,
    identity: Callable[[], SessionIdentity],
) -> None:
    """Let pass a pipeline whose nodes can run where their settings say; see `check_execution`.

    Raises:
        UsageError: Some cannot.
    """
    check_execution(
        entry.name,
        plan,
        settings,
        overrides=replaced_in(components, inclusions),
        importable=entry.importable and all(one.importable for one in inclusions.entries.values()),
        engine_registry=means.engine_registry,
        store_is_shared=means.store_is_shared,
        unproven_of=lambda provider: identity().not_rebuildable(provider),
        foreign_of=lambda provider: identity().provider(provider).foreign,
        drifted=lambda: identity().patches,
    )


def _narrowed(plan: Plan, selection: Selection, settings: EffectiveSettings[PipelineSettings]) -> Narrowed:
    return narrowed(
        plan,
        selection,
        in_memory=lambda path: settings.node(path, plan.node_settings.get(path, {})).store == MEMORY_STORE,
    )
