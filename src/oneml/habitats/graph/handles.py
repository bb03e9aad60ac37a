"""Handles: what a node call returns while the DAG is defined. They pose as values, and refuse to be used as such."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple, NoReturn, cast

from oneml.habitats.errors import NotYetRunError
from oneml.habitats.graph.definitions import BROKEN, Argument, Axis, Definition, Draft, NoResult, Slot
from oneml.habitats.graph.edges import InputRef
from oneml.habitats.graph.result_ports import is_named_tuple
from oneml.habitats.values.place import Place
from oneml.habitats.values.plan import SINGLE_PORT, ExternalSource, PortSource, WholeSource
from oneml.habitats.values.suggestions import known_names


class Origin(NamedTuple):
    """Where the value that a handle stands for will come from.

    Attributes:
        draft: The pipeline.
        definition: The node; None for inputs of the pipeline and for values.
        source: What feeds an input that takes the handle.
        form: The type of the value.
    """

    draft: Draft
    definition: Definition | None
    source: Argument | NoResult
    form: object


class Handle:
    """Stands for a value that exists once its node has run; an attribute is an output port of a NamedTuple result."""

    # The parts of an Origin one by one, because 100,000 of them are kept; no name without an underscore, because
    # that may be an output.
    __slots__ = ("_definition", "_draft", "_form", "_source")

    def __init__(self, draft: Draft, definition: Definition | None, source: Argument | NoResult, form: object) -> None:
        self._draft = draft
        self._definition = definition
        self._source = source
        self._form = form

    def __getattr__(self, name: str) -> "Handle":
        if name.startswith("_"):
            raise AttributeError(name)
        return _read_port(origin_of(self), name, self._draft.here(1), by_key=False)

    def __getitem__(self, key: object) -> "Handle":
        if isinstance(key, str):
            return _read_port(origin_of(self), key, self._draft.here(1), by_key=True)
        fields = _fields(origin_of(self))
        if isinstance(key, int) and self._definition is not None and -len(fields) <= key < len(fields):
            return port_handle(self._draft, self._definition, fields[key])
        return self._refuse()

    def __iter__(self) -> "Iterator[Handle]":
        draft, definition = self._draft, self._definition
        fields = _fields(origin_of(self))
        if definition is None or not fields:
            self._refuse()
        return iter([port_handle(draft, definition, name) for name in fields])

    def __repr__(self) -> str:
        return f"<{subject_of(origin_of(self))}, which {_reason(origin_of(self))}>"

    def __dir__(self) -> list[str]:
        return list(_fields(origin_of(self)))

    def _refuse(self, *_: object) -> NoReturn:
        raise NotYetRunError(subject=_first_words(origin_of(self)), reason=_reason(origin_of(self)))

    def __rshift__(self, other: object) -> Any:
        if isinstance(other, InputRef):
            return NotImplemented
        return self._refuse()

    __bool__ = __len__ = __contains__ = __call__ = __str__ = __format__ = __fspath__ = __array__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __int__ = __float__ = __complex__ = __index__ = __round__ = _refuse
    __neg__ = __pos__ = __abs__ = __invert__ = _refuse
    __add__ = __sub__ = __mul__ = __matmul__ = __truediv__ = __floordiv__ = __mod__ = __divmod__ = __pow__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rmatmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = _refuse
    __rdivmod__ = __rpow__ = __and__ = __or__ = __xor__ = __rand__ = __ror__ = __rxor__ = _refuse
    __lshift__ = __rlshift__ = __rrshift__ = _refuse
    __reduce_ex__ = _refuse
    __hash__ = object.__hash__


parts_of = cast(
    "Callable[[Handle], tuple[Draft, Definition | None, Argument | NoResult, object]]",
    attrgetter("_draft", "_definition", "_source", "_form"),
)
"""The parts of what a handle stands for; a function, because every attribute of a handle may be a port."""


def origin_of(handle: Handle) -> Origin:
    """Return what a handle stands for."""
    return Origin(*parts_of(handle))


def result_handle(draft: Draft, definition: Definition) -> Handle:
    """Return the handle of a node's whole result."""
    signature = definition.signature
    if signature is None:
        return Handle(draft, definition, WholeSource(definition.path), Any)
    if signature.whole is None and signature.outputs:
        return Handle(draft, definition, PortSource(definition.path, SINGLE_PORT), signature.result)
    source = WholeSource(definition.path) if signature.outputs else NoResult(definition.path)
    return Handle(draft, definition, source, signature.result)


def port_handle(draft: Draft, definition: Definition, port: str) -> Handle:
    """Return the handle of one output port, which must exist where the body is known."""
    form = Any if definition.signature is None else definition.signature.outputs[port]
    return Handle(draft, definition, PortSource(definition.path, port), form)


def broken_handle(draft: Draft) -> Handle:
    """Return the handle of something that was reported already: whatever is done with it says nothing more."""
    return Handle(draft, None, BROKEN, Any)


def no_output(definition: Definition, name: str) -> str:
    """Return the message for an output that a node does not have."""
    known = () if definition.signature is None else definition.signature.ports
    return f'Node "{definition.path}" has no output "{name}". {known_names(name, known)}'


def subject_of(origin: Origin) -> str:
    """Return what to call the value of a handle inside a sentence."""
    if origin.definition is not None:
        return f'"{origin.definition.path}"'
    if isinstance(origin.source, ExternalSource):
        return f'input "{origin.source.name}" of the pipeline'
    if isinstance(origin.source, Slot):
        return f'input "{origin.source.name}" of pipeline "{origin.source.include}"'
    return "each(...)" if isinstance(origin.source, Axis) else "a result that is wrongly defined"


def _first_words(origin: Origin) -> str:
    subject = subject_of(origin)
    return subject if isinstance(origin.source, Axis) else f"{subject[0].upper()}{subject[1:]}"


def _reason(origin: Origin) -> str:
    if origin.definition is not None or origin.source is BROKEN:
        return "has not run"
    return "stands for each of its values" if isinstance(origin.source, Axis) else "has no value yet"


def _fields(origin: Origin) -> tuple[str, ...]:
    """Return the fields of a whole NamedTuple result, in order; empty for everything else."""
    if origin.definition is None or origin.definition.signature is None or not isinstance(origin.source, WholeSource):
        return ()
    signature = origin.definition.signature
    return tuple(signature.outputs) if is_named_tuple(signature.whole) else ()


def _read_port(origin: Origin, name: str, place: Place, *, by_key: bool) -> Handle:
    draft, definition, source, _ = origin
    draft.check_open()
    if source is BROKEN:
        return Handle(*origin)
    if definition is None or not isinstance(source, WholeSource):
        advice = "A body that returns a NamedTuple has an output for each field."
        draft.report(f'{_first_words(origin)} {_reason(origin)}, so "{name}" of it cannot be read. {advice}', place)
        return broken_handle(draft)
    signature = definition.signature
    if signature is None:
        return port_handle(draft, definition, name)
    if name not in signature.outputs:
        draft.report(no_output(definition, name), place, definition.path)
        return broken_handle(draft)
    if by_key is is_named_tuple(signature.whole):
        form = f".{name}" if by_key else f'["{name}"]'
        draft.report(f'Read output "{name}" of "{definition.path}" as {form}.', place, definition.path)
    return port_handle(draft, definition, name)
