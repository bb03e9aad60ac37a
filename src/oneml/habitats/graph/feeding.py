"""Connects one input: reads what was given, and holds it against what the input takes."""

from collections.abc import Collection, Mapping, Sequence
from typing import cast, get_args

from oneml.habitats.graph.definitions import (
    BROKEN,
    Axis,
    Definition,
    Draft,
    Gathered,
    Listed,
    NoResult,
    ResultSource,
    Slot,
)
from oneml.habitats.graph.edges import no_input
from oneml.habitats.graph.forms import form_text, list_of, tuple_of, union_of
from oneml.habitats.graph.handles import Handle, Origin, origin_of, parts_of, subject_of
from oneml.habitats.graph.included import Included, IncludedOutputs
from oneml.habitats.graph.literals import are_simple, literal_source, misfit
from oneml.habitats.graph.outputs import OutputRef
from oneml.habitats.graph.signature import InputPort
from oneml.habitats.graph.streams import is_stream
from oneml.habitats.values.plan import SINGLE_PORT, ExternalSource, PortSource, WholeSource

_RESULTS = (PortSource, WholeSource)
_DEPTH_MAX = 4
_ADVICE = "Nodes take results and plain values; whatever else a body needs, its provider injects."


def origin_in(value: object) -> Origin | None:
    """Return what a handle or an output stands for; None for every other value."""
    if isinstance(value, OutputRef):
        value = value.handle
    return origin_of(value) if isinstance(value, Handle) else None


def feed(draft: Draft, definition: Definition, name: str, value: object) -> str | None:
    """Let ``value`` feed an input of a node.

    Args:
        draft: The pipeline.
        definition: The node.
        name: Of the input.
        value: A handle, an output, a gathering, an ``each``, a list of handles, or a plain value.

    Returns:
        What is wrong with it, else None.
    """
    signature = definition.signature
    port = None if signature is None else signature.inputs.get(name)
    if port is None and signature is not None:
        return no_input(definition, name)
    arguments = definition.arguments
    if name in arguments:
        return _about(definition, name, "is fed twice. Connect one thing to it.")
    if type(value) is Handle and port is not None:  # the usual case, made quick
        of, _, source, form = parts_of(value)
        if of is draft and isinstance(source, _RESULTS) and draft.fits(form, port.form):
            arguments[name] = source
            return None
    origin = origin_in(value)
    if origin is None:
        return _feed_value(draft, definition, name, port, value)
    source = origin.source
    message = _misfit(draft, name, port, origin)
    arguments[name] = BROKEN if message is not None or isinstance(source, NoResult) else source
    if isinstance(source, Slot):
        draft.slotted[definition] = None
    return None if message is None else _about(definition, name, message)


def listed(draft: Draft, values: Sequence[object]) -> Origin | str:
    """Return what a list of handles stands for, or what is wrong with it, as the end of a sentence."""
    origins = [origin_in(value) for value in values]
    items: list[ResultSource] = []
    forms: list[object] = []
    for origin in origins:
        if origin is not None and origin.source is BROKEN:
            return origin
        if origin is not None and isinstance(origin.source, ExternalSource | Slot):
            return f"takes a list with {subject_of(origin)} in it. A list holds results alone: feed inputs one by one."
        if origin is None or not isinstance(origin.source, PortSource | WholeSource):
            return "takes a list of which only some items are results of nodes. Give results alone, or values alone."
        if origin.draft is not draft:
            return f"is fed by {subject_of(origin)} of another pipeline."
        items.append(origin.source)
        forms.append(origin.form)
    return Origin(draft, None, Listed(tuple(items)), list_of(union_of(forms)))


def _feed_value(draft: Draft, definition: Definition, name: str, port: InputPort | None, value: object) -> str | None:
    definition.arguments[name] = BROKEN
    unconnected = _unconnected(value)
    if unconnected is not None:
        return _about(definition, name, unconnected)
    inside = _inside(value)
    if any(map(_is_result, inside)):
        if isinstance(value, Mapping):
            return _about(
                definition, name, "takes results inside a mapping. Give each an input of its own, or list them."
            )
        origin = listed(draft, inside)
        message = origin if isinstance(origin, str) else _misfit(draft, name, port, origin)
        if not isinstance(origin, str) and isinstance(origin.source, Listed) and message is None:
            definition.arguments[name] = origin.source
        return None if message is None else _about(definition, name, message)
    try:
        literal = literal_source(value)
    except ValueError as error:
        deep = "takes results one level deep: in one list, or each as an input of its own."
        reason = deep if _holds_result(value, 0) else f"is given a value that {error}. {_ADVICE}"
        return _about(definition, name, reason)
    message = None if port is None else misfit(value, literal, port.form)
    if message is not None:
        return _about(definition, name, f"{message}.")
    definition.arguments[name] = literal
    return None


def _unconnected(value: object) -> str | None:
    """Return what is wrong where a node or an included pipeline itself is given, as the end of a sentence."""
    from oneml.habitats.graph.node_call import NodeCall  # noqa: PLC0415  # that module imports this one

    if isinstance(value, NodeCall):
        what = "is given a node that was not called. Call it, node(...)(...), or connect one of its outputs"
        return f"{what}: node.outputs.name >> other.inputs.name."
    if isinstance(value, Included | IncludedOutputs):
        return "is given an included pipeline. Connect one of its outputs: included.outputs.name."
    return None


def _inside(value: object) -> Sequence[object]:
    """Return the items of a list, tuple or mapping; empty for everything else."""
    if isinstance(value, Mapping):
        return list(cast("Mapping[object, object]", value).values())
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def _holds_result(value: object, depth: int) -> bool:
    """Tell whether there is a result inside collections that an author may have written out."""
    if _is_result(value):
        return True
    inside = cast("Collection[object]", value) if isinstance(value, set | frozenset) else _inside(value)
    return depth <= _DEPTH_MAX and any(_holds_result(one, depth + 1) for one in inside)


def _is_result(value: object) -> bool:
    return isinstance(value, Handle | OutputRef)


def _about(definition: Definition, name: str, message: str) -> str:
    return f'Input "{name}" of {definition.noun} "{definition.path}" {message}'


def _misfit(draft: Draft, name: str, port: InputPort | None, origin: Origin) -> str | None:
    """Return why what a handle stands for cannot feed an input, as the end of a sentence; None where it can."""
    source = origin.source
    if origin.draft is not draft:
        return (
            f'is fed by {subject_of(origin)} of another pipeline. Declare an input here: pipeline.input("{name}", ...).'
        )
    if isinstance(source, Axis | Gathered | Listed):
        draft.is_plain = False
    if isinstance(source, Axis):
        source.label = source.label or name
        return None if port is None else _axis_misfit(source, port.form)
    if isinstance(source, ExternalSource | Slot):
        absent = _may_be_absent(draft, source)
        if absent and port is not None and port.required:
            return f"has no default, but {subject_of(origin)} may be absent. Make that one required."
    if isinstance(source, NoResult):
        return f"is fed by {subject_of(origin)}, which returns None. For order alone, use after=[...]."
    if source is BROKEN or port is None or draft.fits(origin.form, port.form):
        return None
    return _form_misfit(draft, port.form, origin)


def _may_be_absent(draft: Draft, source: ExternalSource | Slot) -> bool:
    """Note that an input of the pipeline, or of an included one, is used, and tell whether it may have no value."""
    if isinstance(source, ExternalSource):
        draft.used_inputs.add(source.name)
        return not draft.inputs[source.name].required
    included = draft.included[source.include]
    included.used_inputs.add(source.name)
    return not included.inputs[source.name].required


def _form_misfit(draft: Draft, wanted: object, origin: Origin) -> str | None:
    source = origin.source
    if isinstance(source, Gathered | Listed) and draft.fits(tuple_of(get_args(origin.form)[0]), wanted):
        return None
    message = f"takes {form_text(wanted)}, but {_giver(origin)} gives {form_text(origin.form)}."
    if is_stream(origin.form):
        return f"{message} A stream feeds an Iterator or a Sequence of such items."
    if isinstance(source, PortSource | WholeSource) and draft.fits(list_of(origin.form), wanted):
        return f"{message} Did you forget gather()?"
    return message


def _giver(origin: Origin) -> str:
    source = origin.source
    if isinstance(source, Listed):
        return "the list"
    subject = subject_of(origin)
    if isinstance(source, Gathered):
        return f"gather() of {subject}"
    if isinstance(source, PortSource) and source.port != SINGLE_PORT:
        return f'output "{source.port}" of {subject}'
    return subject


def _axis_misfit(axis: Axis, form: object) -> str | None:
    if are_simple(axis.values, form):
        return None
    for value, literal in zip(axis.values, axis.literals, strict=True):
        message = misfit(value, literal, form)
        if message is not None:
            return f"{message}."
    return None
