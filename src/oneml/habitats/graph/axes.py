"""The values of an ``each``, checked."""

from collections.abc import Mapping, Sequence
from typing import cast

from oneml.habitats.errors import InvalidNodePathError
from oneml.habitats.graph.definitions import Axis
from oneml.habitats.graph.handles import Handle
from oneml.habitats.graph.literals import kind_of, literal_source, literal_text
from oneml.habitats.values.node_path import check_segment
from oneml.habitats.values.plan import LiteralSource

_BYTES_AND_TEXT: tuple[type, ...] = (str, bytes, bytearray, memoryview)


def axis_of(values: object) -> Axis | str:
    """Return the axis of a fan-out over ``values``, or what is wrong with them."""
    kind = "a result" if isinstance(values, Handle) else kind_of(values)
    if isinstance(values, Mapping):
        members = cast("Mapping[object, object]", values)
        return _axis(tuple(members), tuple(members.values()))
    if isinstance(values, Sequence) and not isinstance(values, _BYTES_AND_TEXT):
        items = tuple(cast("Sequence[object]", values))
        return _axis(tuple(map(str, range(len(items)))), items)
    return f"each() takes a list or a mapping of plain values, not {kind}."


def _axis(keys: tuple[object, ...], values: tuple[object, ...]) -> Axis | str:
    if not values:
        return "each() has no value: a fan-out needs at least one."
    for key in keys:
        try:
            check_segment(cast("str", key))
        except (InvalidNodePathError, TypeError):
            rule = 'a key names a node: 1 to 64 of A-Z a-z 0-9 _ -, and not "-" first'
            return f"each() cannot take the key {str(key)[:80]!r}: {rule}."
    literals: list[LiteralSource] = []
    for key, value in zip(keys, values, strict=True):
        if isinstance(value, Handle):
            return f"each() takes plain values, but the one at {key} is a result of a node."
        try:
            literals.append(literal_source(value))
        except ValueError as error:
            return f"each() has a value at {key} that {error}."
    return Axis(cast("tuple[str, ...]", keys), values, tuple(literals))


def axis_label(axis: Axis, index: int) -> str:
    """Return what people see of a member: ``c=10.0``."""
    return f"{axis.label}={literal_text(axis.values[index])}"
