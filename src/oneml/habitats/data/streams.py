"""Results that can be read only once, which no port takes."""

import types
from collections.abc import AsyncIterator, Awaitable, Iterator

from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.errors import SerializationError
from oneml.habitats.values.node_path import NodePath

_PLAIN = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict})


def refuse_stream(node: NodePath, port: str, value: object) -> None:
    """Check that ``value`` is no generator, iterator or coroutine: reading it for one consumer would empty it.

    Args:
        node: The node that returned it.
        port: The port that it is for.
        value: What was returned.

    Raises:
        SerializationError: It is one.
    """
    if type(value) in _PLAIN:
        return
    kind = type_name_of(value)
    if isinstance(value, types.GeneratorType | types.AsyncGeneratorType):
        what, remedy = "a generator", "Return a list, or another container that can be read again."
    elif isinstance(value, Iterator | AsyncIterator):
        what = f"a {kind}, which can be read only once"
        remedy = "Return a list, or another container that can be read again."
    elif isinstance(value, Awaitable):
        what, remedy = f"a {kind}", "Await it, and return what it gives."
    else:
        return
    raise SerializationError(node=node, port=port, reason=f"it returned {what}", remedy=remedy)
