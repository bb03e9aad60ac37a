"""Threads build each shared object exactly once: the first claims it, the others wait for that object alone."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar

from oneml.habitats.errors import UnbuildableError

K = TypeVar("K", bound=Hashable)
S = TypeVar("S")

MISSING: Any = object()

_changed = threading.Condition()
waiting: list[int] = []
"""Threads that wait for others; builders do without the lock when there are none."""


class Cells(Protocol[K]):
    """Where shared objects are kept.

    Attributes:
        own: What has been built; None is an object like any other.
        claims: Which thread builds, or has built, what.
    """

    own: dict[K, Any]
    claims: dict[K, int]


def build_once(cells: Cells[K], key: K, build: Callable[[S], Any], scope: S, name: str) -> Any:
    """Build what is not there yet, or wait for the thread that does.

    An exception leaves it unbuilt: whoever asks next builds again.

    Args:
        cells: Where it is kept.
        key: Its place there.
        build: Builds it.
        scope: What ``build`` is called with.
        name: What it is called in messages.

    Raises:
        UnbuildableError: This thread is building it already: it needs itself.
    """
    claims = cells.claims
    # A new int at each call, so that identity tells this claim from an earlier one of the same thread.
    mine = threading.get_ident()
    while claims.setdefault(key, mine) is not mine:
        value = _wait(cells, key, mine, name)
        if value is not MISSING:
            return value
    try:
        value = cells.own[key] = build(scope)
    except BaseException:
        claims.pop(key, None)
        raise
    finally:
        if waiting:
            tell_waiting()
    return value


def _wait(cells: Cells[K], key: K, mine: int, name: str) -> Any:
    """Wait for whoever has the claim; give `MISSING` where that one failed."""
    own, claims = cells.own, cells.claims
    holder = claims.get(key)
    if key not in own and holder == mine:
        raise UnbuildableError(provider=name, reason="building it asks for itself, by way of a provider passed on.")
    with _changed:
        waiting.append(mine)
        try:
            while key not in own and claims.get(key) is holder and holder is not None:
                _changed.wait()
        finally:
            waiting.remove(mine)
    return own.get(key, MISSING)


def tell_waiting() -> None:
    """Let threads that wait look again whether what they wait for has been built, or given up."""
    with _changed:
        _changed.notify_all()
