"""Checks all of a habitat for one report.

Creating a session stops at the first part that is wrong. Here each part is checked as far as it can be without the
others, and what could not be checked is said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from oneml.habitats.errors import (
    InvalidComponentsError,
    InvalidOverrideError,
    InvalidPipelineError,
    OnemlError,
    SettingsError,
)
from oneml.habitats.habitats.blueprint import Blueprint
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.executables import PipelineExecutables
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.habitats.raised import raised_at
from oneml.habitats.sessions.builder_factory import defined
from oneml.habitats.sessions.checks import check_node_settings
from oneml.habitats.sessions.external_inputs import check_inputs
from oneml.habitats.sessions.identification import SessionIdentity
from oneml.habitats.sessions.inclusions import Inclusions
from oneml.habitats.sessions.means import Means
from oneml.habitats.sessions.preparation import blueprints_of, check_running, settled
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.resolve import GivenSettings
from oneml.habitats.settings.sources import CommandLineSettings
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.problem import Problem
from oneml.habitats.values.session_id import new_session_id
from oneml.habitats.values.validation import Finding, Part, ValidationReport

T = TypeVar("T")

_ONLY_HERE = "Nodes can run in the process of the driver alone"
_NO_NODE = (
    "It has no node, so that a session of it computes nothing: add one in define(), by pipeline.node(name, provider)()"
)
_NOT_HERE = "is not installed here: nodes that build it can run only where it is"


class Validation:
    """Checks one habitat; use `report` once.

    Args:
        habitat: Its name.
        means: What this process would prepare sessions of it with.
    """

    def __init__(self, habitat: str, means: Means) -> None:
        self._habitat = habitat
        self._means = means
        self._problems: dict[Finding, None] = {}
        self._remarks: list[Finding] = []
        self._unchecked: list[str] = []
        self._exit_code = 0

    def report(
        self,
        overrides: Sequence[Override],
        settings: PipelineSessionSettings | Mapping[str, object] | None,
        command_line: CommandLineSettings | None,
        inputs: Mapping[str, object] | None,
    ) -> ValidationReport:
        """Return all that is wrong with the habitat and what is given for a session of it.

        Args:
            overrides: What is replaced.
            settings: What code sets for the session.
            command_line: What the command line sets for it.
            inputs: The inputs of the pipeline by name; None where they shall not be checked.
        """
        loaded = self._check(Part.HABITAT, self._load)
        plan = None if loaded is None else self._check_loaded(*loaded, overrides, settings, command_line, inputs)
        return ValidationReport(
            habitat=self._habitat,
            node_count=None if plan is None else len(plan.nodes),
            problems=tuple(self._problems),
            remarks=tuple(self._remarks),
            unchecked=tuple(self._unchecked),
            exit_code=self._exit_code,
        )

    def _load(self) -> tuple[HabitatEntry, type[PipelineComponents]]:
        return self._means.registry.entry(self._habitat), self._means.registry.load(self._habitat)

    def _check_loaded(
        self,
        entry: HabitatEntry,
        container: type[PipelineComponents],
        overrides: Sequence[Override],
        settings: PipelineSessionSettings | Mapping[str, object] | None,
        command_line: CommandLineSettings | None,
        inputs: Mapping[str, object] | None,
    ) -> Plan | None:
        replaced = self._check(
            Part.CONTAINER, lambda: container.with_overrides(container.concerned_overrides(overrides))
        )
        blueprint, named = (container.blueprint(), ()) if replaced is None else replaced
        sound = self._check_problems(container.__name__, blueprint, blueprint.problems) and replaced is not None
        given = self._check(Part.SETTINGS, lambda: GivenSettings.of(settings, command_line))
        effective = (
            None
            if given is None
            else self._check(Part.SETTINGS, lambda: self._means.resolved(self._habitat, container, given))
        )
        if given is None or effective is None:
            self._unchecked.append("the pipeline, which settings define, and how it would run")
            return None
        session_id = new_session_id()
        with container.opened_unchecked(blueprint, named, effective, session_id) as components:
            inclusions = Inclusions(
                components=components,
                settings=effective,
                given=given,
                overrides=overrides,
                session_id=session_id,
                means=self._means,
            )
            return self._check_pipeline(entry, components, inclusions, inputs, sound=sound)

    def _check_problems(self, container: str, blueprint: Blueprint, others: Sequence[Problem] = ()) -> bool:
        """Tell whether a container has no fault: of types alone where it could be opened, as those included could."""
        problems = [*others, *blueprint.type_problems()]
        if problems:
            self._add(Part.CONTAINER, InvalidComponentsError(container=container, problems=problems))
        return not problems

    def _check_pipeline(
        self,
        entry: HabitatEntry,
        components: PipelineComponents,
        inclusions: Inclusions,
        inputs: Mapping[str, object] | None,
        *,
        sound: bool,
    ) -> Plan | None:
        executables = PipelineExecutables(components, inclusions)
        builder = self._check(
            Part.PIPELINE, lambda: defined(self._habitat, self._means.builder_factory, components, executables)
        )
        plan = None if builder is None else self._check(Part.PIPELINE, builder.build)
        for error in inclusions.refused:
            self._add(Part.CONTAINER, error)
        # What is not included is not known, nor whom overrides and settings of its nodes are then for.
        is_whole = builder is not None and not inclusions.refused
        plan = plan if is_whole else None
        settings = self._check(Part.SETTINGS, lambda: settled(components, inclusions, plan)) if is_whole else None
        _, *included = blueprints_of(components)
        for title, blueprint in included:
            sound = self._check_problems(title, blueprint) and sound
        if builder is None or plan is None or settings is None:
            self._unchecked.append("settings of single nodes, and how the pipeline would run")
            return plan
        if not plan.nodes:
            self._remarks.append(Finding(Part.PIPELINE, _NO_NODE))
        self._check(Part.SETTINGS, lambda: check_node_settings(plan, settings, components))
        if inputs is not None:
            self._check(Part.PIPELINE, lambda: check_inputs(self._habitat, plan, builder.input_forms, inputs))
        if sound:
            self._check_running(entry, components, inclusions, settings, plan)
        else:
            self._unchecked.append("how the pipeline would run, which needs a sound container")
        return plan

    def _check_running(
        self,
        entry: HabitatEntry,
        components: PipelineComponents,
        inclusions: Inclusions,
        settings: EffectiveSettings[PipelineSettings],
        plan: Plan,
    ) -> None:
        identity = SessionIdentity(entry, components, settings, plan, None, inclusions.entries)
        before = len(self._problems)
        self._check(
            Part.EXECUTION,
            lambda: check_running(
                plan,
                settings,
                entry=entry,
                components=components,
                inclusions=inclusions,
                means=self._means,
                identity=lambda: identity,
            ),
        )
        if len(self._problems) == before:
            reasons = {reason for name in _bodies(plan) for reason in identity.not_rebuildable(name)}
            self._remarks += [Finding(Part.EXECUTION, f"{_ONLY_HERE}: {reason}") for reason in sorted(reasons)]
            foreign = {target for name in _bodies(plan) for target in identity.provider(name).foreign}
            self._remarks += [Finding(Part.EXECUTION, f"{target} {_NOT_HERE}") for target in sorted(foreign)]

    def _check(self, part: Part, run: Callable[[], T]) -> T | None:
        """Return what ``run`` returns; None where it raised, which is noted."""
        try:
            return run()
        except OnemlError as error:
            self._add(part, error)
            return None

    def _add(self, part: Part, error: OnemlError) -> None:
        self._exit_code = max(self._exit_code, error.exit_code)
        self._problems.update(dict.fromkeys(_findings(part, error)))  # each once


def _bodies(plan: Plan) -> Sequence[str]:
    return sorted({node.provider for node in plan.nodes.values()})


def _findings(part: Part, error: OnemlError) -> Iterator[Finding]:
    """Give each problem in an error by itself; one that an import raised goes before that the import failed."""
    cause = error.__cause__
    if part is Part.HABITAT and isinstance(cause, OnemlError):
        yield from _findings(Part.HABITAT, cause)
    elif isinstance(error, InvalidComponentsError):
        yield from _located(Part.CONTAINER, error.problems)
    elif isinstance(error, InvalidPipelineError):
        yield from _located(Part.PIPELINE if part is Part.HABITAT else part, error.problems)
    elif isinstance(error, InvalidOverrideError):
        for reason in error.reasons:
            yield Finding(Part.CONTAINER, reason)
    elif isinstance(error, SettingsError):
        for wrong in error.problems:
            place = None if wrong.source else raised_at(error)
            yield Finding(Part.SETTINGS, wrong.message, place, wrong.source)
    else:
        yield Finding(part, str(error), raised_at(error))


def _located(part: Part, problems: Sequence[Problem]) -> Iterator[Finding]:
    for problem in problems:
        yield Finding(part, problem.message, problem.place, nodes=problem.nodes)
