"""The items that a body yields, on their way into an artifact: the body goes on while they are written."""

from collections.abc import AsyncIterator, Iterator
from typing import cast

from oneml.habitats.data.streams import YieldedItems
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.errors import WrongResultError
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.values.node_path import NodePath


def yielded_items(path: NodePath, value: object, interrupts: Interrupts) -> YieldedItems:
    """Return the items of a result that its annotation calls an iterator.

    Args:
        path: The node.
        value: What its body returned.
        interrupts: Told while the body is at work on an item.

    Raises:
        WrongResultError: It is no iterator.
    """
    if isinstance(value, AsyncIterator):
        from oneml.habitats.sessions.async_bodies import yielded  # noqa: PLC0415  # few bodies are asynchronous

        value = yielded(cast("AsyncIterator[object]", value), interrupts)
    if isinstance(value, Iterator):
        return YieldedItems(_told(cast("Iterator[object]", value), interrupts))
    raise WrongResultError(node=path, promised="an iterator", got=type_name_of(value))


def _told(items: Iterator[object], interrupts: Interrupts) -> Iterator[object]:
    """Give the items; the body runs while the next one is asked for."""
    try:
        while True:
            try:
                interrupts.enter_body()
                item = next(items)
            except StopIteration:
                return
            finally:
                interrupts.leave_body()
            yield item
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
