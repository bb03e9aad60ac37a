"""Included pipelines while the DAG is made: their namespaces, their inputs, and what feeds these in the end."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeVar

from oneml.habitats.errors import (
    BrokenHabitatError,
    DuplicateHabitatError,
    InvalidInclusionError,
    NotAHabitatError,
    UnknownHabitatError,
)
from oneml.habitats.graph.declarations import admits
from oneml.habitats.graph.definitions import (
    Argument,
    Definition,
    Draft,
    IncludedPipeline,
    Intake,
    Slot,
)
from oneml.habitats.graph.literals import kind_of
from oneml.habitats.graph.signature import BodySignature, InputPort
from oneml.habitats.ports.executables import Executables, IncludedHabitat
from oneml.habitats.values.include_paths import include_of
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.place import Place
from oneml.habitats.values.suggestions import known_names

T = TypeVar("T")


def admits_include(draft: Draft, name: str, path: NodePath, place: Place) -> bool:
    """Tell whether a pipeline may be included at ``path``; note why not."""
    if not admits(draft, name, path, place):
        return False
    first = draft.included.get(path)
    if first is not None:
        draft.report(
            f'Pipeline "{path}" is included twice; first at {first.intake.place}. Rename one of them.', place, path
        )
    return first is None


def habitat_at(
    executables: Executables, draft: Draft, path: NodePath, habitat: object, settings: object, place: Place
) -> IncludedHabitat | None:
    """Return a habitat ready to be defined at ``path``; note why it cannot be, unless the executables tell that."""
    try:
        return executables.include(path, habitat, settings, place)
    except (
        InvalidInclusionError,
        UnknownHabitatError,
        DuplicateHabitatError,
        NotAHabitatError,
        BrokenHabitatError,
    ) as error:
        draft.report(str(error), place, path)
        return None


def ports_in(draft: Draft, pipeline: IncludedPipeline, what: str, given: Mapping[str, T]) -> Mapping[str, T]:
    """Return what was given for ports by their names; note where it is no mapping."""
    if isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # authors without a checker
        return given
    message = f'{what}= of pipeline "{pipeline.path}" takes a mapping, {{"port": ...}}, not {kind_of(given)}.'
    draft.report(message, pipeline.intake.place, pipeline.path)
    return {}


def names_in(draft: Draft, pipeline: IncludedPipeline, given: Collection[str]) -> Collection[str]:
    """Return names of ports; note where a single one stands in the place of a list of them."""
    if not isinstance(given, str):
        return given
    message = f'without= of pipeline "{pipeline.path}" takes a list of names, ["{given}"], not a text.'
    draft.report(message, pipeline.intake.place, pipeline.path)
    return ()


def take_interface(draft: Draft, pipeline: IncludedPipeline, without: Collection[str]) -> None:
    """Make inputs of what an included pipeline has declared, and leave out what the outer one does without."""
    intake, place = pipeline.intake, pipeline.intake.place
    known = [*pipeline.inputs, *pipeline.outputs]
    for name in without:
        declared = pipeline.inputs.get(name)
        if name not in known:
            message = f'Pipeline "{pipeline.path}" has no input or output "{name}" to drop. {known_names(name, known)}'
            draft.report(message, place, pipeline.path)
        elif declared is not None and declared.required:
            wanted = _wanted_by(draft, Slot(pipeline.path, name))
            message = (
                f'Input "{name}" of pipeline "{pipeline.path}" cannot be dropped: it is required{wanted}, declared at '
                f"{declared.place}. Feed it, or make it one that may be absent: required=False."
            )
            draft.report(message, place, pipeline.path)
    pipeline.dropped = frozenset(without)
    intake.signature = BodySignature(
        inputs={
            name: InputPort(declared.form, declared.required)
            for name, declared in pipeline.inputs.items()
            if declared.required or name not in pipeline.dropped
        },
        outputs={},
    )


class Filled(NamedTuple):
    """Slots that were replaced by what feeds them."""

    replaced: list[tuple[Definition, dict[str, Argument]]]

    def undo(self) -> None:
        """Put the slots back, because no plan came of it."""
        for definition, arguments in self.replaced:
            definition.arguments = arguments


def fill_slots(draft: Draft) -> Filled:
    """Replace inputs of included pipelines by what feeds them, and note those that nothing feeds."""
    if not draft.included:
        return Filled([])
    _check_namespaces(draft)
    for pipeline in draft.included.values():
        _check_inputs(draft, pipeline)
    filled = Filled([])
    for definition in draft.slotted:
        if isinstance(definition, Intake):
            continue
        filled.replaced.append((definition, definition.arguments))
        arguments: dict[str, Argument] = {}
        for name, argument in definition.arguments.items():
            found = _behind(draft, argument)
            if found is not None:
                arguments[name] = found
        definition.arguments = arguments
    return filled


def _behind(draft: Draft, argument: Argument) -> Argument | None:
    """Return what feeds a slot, however many pipelines hand it on; None where nothing does and nothing must."""
    while isinstance(argument, Slot):
        pipeline = draft.included[argument.include]
        found = pipeline.intake.arguments.get(argument.name)
        if found is None:
            # What must be fed and is not has been noted: an input that is there is not missed a second time.
            return argument if pipeline.inputs[argument.name].required else None
        argument = found
    return argument


def _check_inputs(draft: Draft, pipeline: IncludedPipeline) -> None:
    for name, declared in pipeline.inputs.items():
        if name not in pipeline.used_inputs:
            message = f'Input "{name}" of pipeline "{pipeline.path}" feeds nothing. Give it to a node, or drop it.'
            draft.report(message, declared.place, pipeline.path)
        elif declared.required and name not in pipeline.intake.arguments and name not in pipeline.dropped:
            wanted = _wanted_by(draft, Slot(pipeline.path, name))
            message = (
                f'Pipeline "{pipeline.path}" ({pipeline.name}) needs input "{name}"{wanted}, which nothing feeds. '
                f'It is declared at {declared.place}. Give it here, inputs={{"{name}": ...}}, or connect it: '
                f"... >> included.inputs.{name}."
            )
            draft.report(message, pipeline.intake.place, pipeline.path)


def _wanted_by(draft: Draft, slot: Slot) -> str:
    """Say which nodes take an input, through whatever pipelines."""
    found = [f'"{path}"' for path in _consumers(draft, slot)]
    return f" by {', '.join(found)}" if found else ""


def _consumers(draft: Draft, slot: Slot) -> Iterator[NodePath]:
    for definition in draft.slotted:
        for name, argument in definition.arguments.items():
            if argument == slot and isinstance(definition, Intake):
                yield from _consumers(draft, Slot(definition.path, name))
            elif argument == slot:
                yield definition.path


def _check_namespaces(draft: Draft) -> None:
    told: set[NodePath] = set()
    intakes = [pipeline.intake for pipeline in draft.included.values()]
    for definition in (*draft.definitions, *intakes):
        # Where nodes lie below a node, that is told otherwise.
        is_taken = definition.path in draft.included and definition not in intakes
        if is_taken and definition.path in draft.namespaces:
            continue
        owner = definition.path if is_taken else include_of(draft.included, definition.path)
        if owner != definition.owner and owner not in told:
            told.add(owner)
            place = draft.included[owner].intake.place
            message = (
                f'{definition.noun.capitalize()} "{definition.path}" lies in the namespace of the pipeline that is '
                f"included at {place}, which has it for itself. Choose another name."
            )
            draft.report(message, definition.place, definition.path)
