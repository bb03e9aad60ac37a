"""From the name of a habitat to an opened container and a checked plan; nothing is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.habitats.blueprint import Blueprint
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.executables import PipelineExecutables
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.sessions.builder_factory import PipelineBuilderFactory, defined
from oneml.habitats.sessions.checks import check_execution, check_node_settings
from oneml.habitats.sessions.identification import SessionIdentity
from oneml.habitats.sessions.inclusions import Inclusions, Revise
from oneml.habitats.sessions.selection import Narrowed, narrowed
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import MEMORY_STORE, PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.resolve import GivenSettings, resolve_session
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources
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
    *,
    session_id: SessionId,
    registry: HabitatRegistry,
    builder_factory: PipelineBuilderFactory,
    sources: ProcessSources,
    settings: PipelineSessionSettings | Mapping[str, object] | None,
    command_line: CommandLineSettings | None,
    overrides: Sequence[Override],
    engine_registry: EngineRegistry,
    store_is_shared: bool,
    signing_key: bytes | None,
    revise: Revise,
    selection: Selection | None = None,
    runs_here: bool = False,
) -> Prepared:
    """Load, resolve, open, define and check.

    Args:
        habitat: Its name.
        session_id: The session that it would be.
        registry: Where habitats are found.
        builder_factory: How the DAG comes about.
        sources: Where the settings of this process come from.
        settings: What code sets for the session.
        command_line: What the command line sets for it.
        overrides: What is replaced.
        engine_registry: Where engines are found.
        store_is_shared: Whether other processes can open the artifact store.
        signing_key: The configured key; None where there is none.
        revise: Makes the changes to the settings of the process that were made while it runs.
        selection: What of the pipeline the session shall have; None for the whole.
        runs_here: Whether nodes run in this process, whichever engines settings name: nothing is asked of those.

    Raises:
        UsageError: Anything at all that is wrong with the habitat, its settings or its pipeline.
    """
    entry = registry.entry(habitat)
    container = registry.load(habitat)
    given = GivenSettings.of(settings, command_line)
    resolved = resolve_session(container.settings_model(), habitat=habitat, given=given, sources=sources)
    resolved = revise(habitat, resolved)
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
            registry=registry,
            sources=sources,
            revise=revise,
        )
        builder = defined(habitat, builder_factory, components, PipelineExecutables(components, inclusions))
        whole = builder.build()
        effective = settled(components, inclusions, whole)
        check_node_settings(whole, effective, components)
        part = None if selection is None else _narrowed(whole, selection, effective)
        plan = whole if part is None else part.plan
        identity = cache(lambda: SessionIdentity(entry, components, effective, plan, signing_key, inclusions.entries))
        if not runs_here:
            check_running(
                habitat,
                plan,
                effective,
                entry=entry,
                components=components,
                inclusions=inclusions,
                engine_registry=engine_registry,
                store_is_shared=store_is_shared,
                identity=identity,
            )
    except BaseException:
        components.close()
        raise
    return Prepared(
        entry=entry,
        container=container,
        components=components,
        settings=effective,
        plan=plan,
        whole=whole,
        narrowed=part,
        input_forms=builder.input_forms,
        overrides=replaced_in(components, inclusions),
        identity=identity,
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
    habitat: str,
    plan: Plan,
    settings: EffectiveSettings[PipelineSettings],
    *,
    entry: HabitatEntry,
    components: PipelineComponents,
    inclusions: Inclusions,
    engine_registry: EngineRegistry,
    store_is_shared: bool,
    identity: Callable[[], SessionIdentity],
) -> None:
    """Let pass a pipeline whose nodes can run where their settings say; see `check_execution`.

    Raises:
        UsageError: Some cannot.
    """
    check_execution(
        habitat,
        plan,
        settings,
        overrides=replaced_in(components, inclusions),
        importable=entry.importable and all(one.importable for one in inclusions.entries.values()),
        engine_registry=engine_registry,
        store_is_shared=store_is_shared,
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
