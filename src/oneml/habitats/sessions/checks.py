"""What must fit between a plan, its settings and its engines, before anything is written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial

from oneml.habitats.data.serializer_registry import SerializerRegistry
from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.errors import (
    InvalidPipelineError,
    SettingsError,
    UnknownEngineError,
    UsageError,
)
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.ports.engine import Capability, Engine
from oneml.habitats.sessions.choice_checks import choice_problems
from oneml.habitats.sessions.engine_options import check_engine_names, preflight
from oneml.habitats.sessions.node_runner import MEMORY
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.layers import origin_text
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.include_paths import include_of, part_of
from oneml.habitats.values.node_path import NodePath, ancestors_of
from oneml.habitats.values.plan import Plan, PlannedNode
from oneml.habitats.values.problem import Problem
from oneml.habitats.values.setting_problem import SettingProblem
from oneml.habitats.values.suggestions import known_names


def check_node_settings(
    plan: Plan, settings: EffectiveSettings[PipelineSettings], components: PipelineComponents
) -> None:
    """Let pass node settings that name a node, and that something the node builds reads, and what settings select.

    Raises:
        SettingsError: Some name none, are without effect, or select what there is no provider for; lists all.
    """
    reserved = frozenset(PipelineSettings.model_fields)
    spaces = _namespaces(plan)
    problems: list[SettingProblem] = []
    for named in sorted(settings.node_paths()):
        members = [named] if named in plan.nodes else spaces.get(named, ())
        if not members:
            problems.append(no_such_node(plan, named, settings.node_source(named)))
            continue
        problems.extend(_without_effect(named, plan, members, settings, components, reserved))
    problems.extend(choice_problems(plan, settings, components))
    if problems:
        raise SettingsError(problems=problems)


def no_such_node(plan: Plan, named: NodePath, source: str) -> SettingProblem:
    """Return what is said where settings are given for a path that leads to no node."""
    known = known_names(named, [*plan.nodes, *_namespaces(plan)])
    return SettingProblem(named, f'Settings are given for "{named}", which is no node. {known}', source)


def _namespaces(plan: Plan) -> Mapping[NodePath, list[NodePath]]:
    spaces: dict[NodePath, list[NodePath]] = {}
    for path in plan.nodes:
        for space in ancestors_of(path):
            spaces.setdefault(space, []).append(path)
    return spaces


def _without_effect(
    named: NodePath,
    plan: Plan,
    members: Sequence[NodePath],
    settings: EffectiveSettings[PipelineSettings],
    components: PipelineComponents,
    reserved: frozenset[str],
) -> Iterator[SettingProblem]:
    """Give the entries given for ``named`` itself that nothing built by any of its nodes reads."""
    part = part_of(settings.included, named)
    if part == named:
        return  # it is about the session of the habitat there, too, which its definition may read
    inside = [member for member in members if include_of(settings.included, member) == part]
    providers = sorted({plan.nodes[member].provider for member in inside})
    reads = {read for provider in providers for read in components.settings_reads(provider)}
    for field, origin in settings.at(named).node_entries((inside or members)[0]).items():
        if origin.node != named or field.partition(".")[0] in reserved:
            continue
        if any(read.layer == "node" and _overlap(read.field, field) for read in reads):
            continue
        wider = sorted({read.layer for read in reads if _overlap(read.field, field)})
        heard = f': "{providers[0]}" reads settings.{wider[0]}.{field}' if wider else ""
        yield SettingProblem(
            field,
            f'{named} sets "{field}", but nothing that {named} builds reads settings.node.{field}{heard}. '
            "Set it for the session, or read the node view.",
            str(origin),
        )


def _overlap(read: str, given: str) -> bool:
    """Tell whether one dotted name lies inside the other; a view read as a whole reads everything."""
    return not read or read == given or given.startswith(f"{read}.") or read.startswith(f"{given}.")


def check_execution(
    habitat: str,
    plan: Plan,
    settings: EffectiveSettings[PipelineSettings],
    *,
    overrides: Sequence[Override],
    engine_registry: EngineRegistry,
    importable: bool,
    store_is_shared: bool,
    unproven_of: Callable[[str], Sequence[str]],
    foreign_of: Callable[[str], Sequence[str]],
    drifted: Callable[[], Sequence[Drift]],
) -> None:
    """Let pass nodes whose engines exist and can do what the nodes ask of them.

    Args:
        habitat: Name of the habitat.
        plan: The plan.
        settings: The effective settings.
        overrides: What is replaced.
        engine_registry: Where engines are found.
        importable: Whether another process can import the container.
        store_is_shared: Whether another process can open the artifact store.
        unproven_of: Why another process cannot rebuild what a provider gives; asked only where nodes leave this one.
        foreign_of: What a provider is built from that is not installed here; asked only then.
        drifted: How the code in this process differs from its source; asked only then.

    Raises:
        SettingsError: Options are given for an engine that there is none of, or that cannot take them.
        InvalidPipelineError: A node asks for an engine that there is none of, or for what its engine cannot do, or
            would have to leave this process although something of it exists only here; lists all.
    """
    check_engine_names(settings, engine_registry)
    engines: dict[str, Engine | None] = {}
    found = _Found()
    named: dict[tuple[tuple[str, str], ...], list[PlannedNode]] = {}
    leaving = _Leaving(
        overrides, drifted, unproven_of, foreign_of, importable=importable, store_is_shared=store_is_shared
    )
    for path, node in plan.nodes.items():
        effective = settings.node(path, plan.node_settings.get(path, {}))
        if effective.engine not in engines:
            source = _source(plan, settings, node, "engine")
            engines[effective.engine] = _engine(effective.engine, engine_registry, found, source)
        engine = engines[effective.engine]
        if engine is None:
            continue
        found.add_each(node, _lacking(effective, engine))
        if effective.serializers:
            named.setdefault(tuple(sorted(effective.serializers.items())), []).append(node)
        if Capability.LIVE_OBJECTS not in engine.capabilities:
            leaving.check(found, node, engine, asks_foreign=effective.unproven == "refuse")
            _check_upstreams(found, node, engine, plan, settings)
    preflight(settings, engines, engine_registry)
    problems = found.problems()
    for serializers, nodes in named.items():
        problems.extend(_serializers(serializers, nodes, plan, settings))
    if problems:
        raise InvalidPipelineError(habitat=habitat, problems=problems)


def check_abilities(
    habitat: str, plan: Plan, settings: EffectiveSettings[PipelineSettings], *, engine_registry: EngineRegistry
) -> None:
    """Let pass nodes whose engines can do what settings that were changed ask of them, or are not known here.

    Raises:
        InvalidPipelineError: A node asks for what its engine cannot do; lists all.
    """

    @cache
    def engine_of(name: str) -> Engine | None:
        return engine_registry.by_name(name) if engine_registry.has(name) else None

    found = _Found()
    for path, node in plan.nodes.items():
        effective = settings.node(path, plan.node_settings.get(path, {}))
        engine = engine_of(effective.engine)  # None where only the process that drives the session was given it
        if engine is not None:
            found.add_each(node, _lacking(effective, engine))
    problems = found.problems()
    if problems:
        raise InvalidPipelineError(habitat=habitat, problems=problems)


class _Found:
    """Problems of nodes; what is wrong with many members of a fan-out is one problem, told of the first of them."""

    def __init__(self) -> None:
        self._first: dict[tuple[object, ...], tuple[PlannedNode | None, str]] = {}
        self._paths: dict[tuple[object, ...], dict[NodePath, None]] = {}

    def add(self, node: PlannedNode, reason: str, message: str) -> None:
        """Note what is wrong with one node.

        Args:
            node: The node.
            reason: What is the same for other members of its fan-out.
            message: What is said of it.
        """
        key = (node.fan_out or node.path, reason)
        self._first.setdefault(key, (node, message))
        self._paths.setdefault(key, {})[node.path] = None

    def add_each(self, node: PlannedNode, reasons: Iterable[str]) -> None:
        """Note all that is wrong with one node, each as what may follow its path in a message."""
        for reason in reasons:
            self.add(node, reason, f"{node.path} {reason}")

    def add_of_all(self, message: str, node: PlannedNode | None = None) -> None:
        """Note what is wrong with all nodes, once: where a node is given, told of that one."""
        if (message,) not in self._first:
            self._first[message,] = (node, message)
            self._paths[message,] = {} if node is None else {node.path: None}

    def problems(self) -> list[Problem]:
        """Return what was found, in the order in which it was."""
        found: list[Problem] = []
        for key, (node, message) in self._first.items():
            paths = self._paths[key]
            more = f" So it is with {len(paths) - 1:,} more of {key[0]}." if len(paths) > 1 else ""
            found.append(Problem(None if node is None else node.place, f"{message}{more}", tuple(paths)))
        return found


class _Leaving:
    """Tells why nodes cannot leave this process, each reason once; for the arguments see `check_execution`."""

    def __init__(
        self,
        overrides: Sequence[Override],
        drifted: Callable[[], Sequence[Drift]],
        unproven_of: Callable[[str], Sequence[str]],
        foreign_of: Callable[[str], Sequence[str]],
        *,
        importable: bool,
        store_is_shared: bool,
    ) -> None:
        self._drifted = drifted
        self._unproven_of = unproven_of
        self._foreign_of = foreign_of
        self._bound_by = partial(_bound_to_this_process, overrides, importable=importable, shared=store_is_shared)
        self._bound: dict[str, Sequence[str]] = {}

    def check(self, found: _Found, node: PlannedNode, engine: Engine, *, asks_foreign: bool) -> None:
        """Note what speaks against a node that an engine runs elsewhere; once what does against all of them."""
        if not self._bound:
            for drift in self._drifted():
                found.add_of_all(_not_its_source(engine, drift))
        bound = self._bound.get(engine.name)
        if bound is None:
            bound = self._bound[engine.name] = tuple(self._bound_by(engine))
            for message in bound:
                found.add_of_all(message, node)
        if bound:
            return
        foreign = self._foreign_of(node.provider) if asks_foreign else ()
        for reason in dict.fromkeys([*self._unproven_of(node.provider), *map(_foreign, foreign)]):
            found.add(node, reason, f'Engine "{engine.name}" runs {node.path} in another process: {reason}')


def _engine(name: str, engine_registry: EngineRegistry, found: _Found, source: str) -> Engine | None:
    """Return an engine that nodes ask for; note where there is none of that name."""
    if engine_registry.has(name):
        return engine_registry.by_name(name)
    found.add_of_all(f"{UnknownEngineError(name=name, known=list(engine_registry.known()))}{source}")
    return None


def _lacking(settings: PipelineSettings, engine: Engine) -> Iterator[str]:
    wishes = (
        (settings.timeout_seconds is not None, Capability.KILL, "timeout_seconds", "end a running node"),
        (settings.image is not None, Capability.IMAGES, f'image "{settings.image}"', "send nodes to images"),
        (bool(settings.tags), Capability.TAGS, f"tags ({', '.join(settings.tags)})", "choose among workers"),
        (
            settings.resources.cpus > 1,
            Capability.CPUS,
            f"{settings.resources.cpus:g} processors (resources.cpus)",
            "count the processors that nodes need",
        ),
        (settings.priority != 0, Capability.PRIORITY, "a priority", "start some of the nodes that wait before others"),
        (settings.resources.gpus > 0, Capability.GPUS, f"{settings.resources.gpus} GPUs", "hand out GPUs"),
        (
            settings.resources.memory_bytes is not None,
            Capability.MEMORY_LIMIT,
            "resources.memory_bytes",
            "bound the memory of a node",
        ),
        (
            settings.isolated and Capability.LIVE_OBJECTS not in engine.capabilities,
            Capability.ISOLATES,
            "a process of its own (isolated)",
            "give it one",
        ),
    )
    for wanted, capability, what, ability in wishes:
        if wanted and capability not in engine.capabilities:
            yield (
                f'asks for {what}, but engine "{engine.name}" cannot {ability}. '
                "Choose another engine for it, or leave the setting out."
            )
    if settings.store == MEMORY and Capability.LIVE_OBJECTS not in engine.capabilities:
        yield (
            f'keeps its outputs in memory (store = "{MEMORY}"), but engine "{engine.name}" runs it in another '
            'process. Leave "store" out, or set engine = "in-process".'
        )


def _source(plan: Plan, settings: EffectiveSettings[PipelineSettings], node: PlannedNode, name: str) -> str:
    """Return where a setting of a node was given, to stand behind what is wrong with it; empty where nowhere."""
    source = origin_text(settings.origins(node.path, plan.node_settings.get(node.path, {})), name)
    return source and f" ({source})"


def _serializers(
    given: tuple[tuple[str, str], ...],
    nodes: Sequence[PlannedNode],
    plan: Plan,
    settings: EffectiveSettings[PipelineSettings],
) -> Iterator[Problem]:
    """Give what is wrong with the serializers that settings name for ports of some nodes."""
    first = nodes[0]
    known_ports = {port for node in nodes for port in node.outputs}
    registry = SerializerRegistry(allowed=lambda: [name for _, name in given])
    for port, name in given:
        messages: list[str] = []
        if port not in known_ports:
            messages.append(f'serializers names the port "{port}", which no node has. {known_names(port, known_ports)}')
        try:
            registry.by_name(name)
        except UsageError as error:
            messages.append(f"serializers.{port}: {error}")
        for message in messages:
            source = _source(plan, settings, first, f"serializers.{port}")
            yield Problem(first.place, f"{message}{source}", (first.path,))


def _foreign(target: str) -> str:
    return (
        f"{target} is not installed here, so nothing here can tell its code. Install it, or set unproven = "
        '"pin" for the node: the first worker then settles which code counts.'
    )


def _not_its_source(engine: Engine, drift: Drift) -> str:
    return (
        f'Engine "{engine.name}" runs nodes in other processes, which read {drift.subject} from its source; here it '
        f"was changed since it was imported: {drift.found}. Undo that, or give replace(...) to the session."
    )


def _bound_to_this_process(
    overrides: Sequence[Override], engine: Engine, *, importable: bool, shared: bool
) -> Iterator[str]:
    """Give why nodes of an engine that runs them elsewhere could not leave this process, whichever they are."""
    if not shared:
        yield (
            f'Engine "{engine.name}" runs nodes in other processes, which cannot open a store in memory. '
            "Give ONEML_STORE_URL, or use a folder."
        )
    if not importable:
        yield (
            f'Engine "{engine.name}" runs nodes in other processes, which cannot import this container. '
            'Register it as "module:attr".'
        )
    for override in overrides:
        if override.live:
            yield (
                f'"{override.name}" is replaced by a live {override.value_type}, which a worker cannot rebuild. '
                "Use replace(..., factory=Class) with one that it can import, or provider=Reference(...)."
            )


def _check_upstreams(
    found: _Found, node: PlannedNode, engine: Engine, plan: Plan, settings: EffectiveSettings[PipelineSettings]
) -> None:
    """Note what a node that an engine runs elsewhere needs of nodes that keep their outputs in memory."""
    for upstream in sorted(set(node.upstreams())):
        if settings.node(upstream, plan.node_settings.get(upstream, {})).store == MEMORY:
            found.add(
                node,
                f"needs {plan.nodes[upstream].fan_out or upstream}",
                f'{node.path} needs {upstream}, whose outputs stay in memory (store = "{MEMORY}"), but engine '
                f'"{engine.name}" runs {node.path} in another process. Let {upstream} publish to the store.',
            )
