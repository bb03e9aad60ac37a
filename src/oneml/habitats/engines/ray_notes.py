"""Notes that workers leave for the driver in the key-value store of Ray's head: short-lived, small, plain bytes.

No process has to run for them, as one would for an actor, and no code travels, as the class of an actor would.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, cast

_NAMESPACE = b"oneml-habitats"
STARTED = "started"
GIVEN_BACK = "given-back"
"""Names of notes; those with pieces of output have numbers, from 0."""


_ORDER = {STARTED: -1.0, GIVEN_BACK: float("inf")}


class _Store(Protocol):
    """The part of ``ray.experimental.internal_kv`` that is used here; Ray's own names begin with an underscore."""

    def _internal_kv_put(self, key: bytes, value: bytes, *, namespace: bytes) -> bool: ...

    def _internal_kv_get(self, key: bytes, *, namespace: bytes) -> bytes | None: ...

    def _internal_kv_list(self, prefix: bytes, *, namespace: bytes) -> Sequence[bytes]: ...

    def _internal_kv_del(self, key: bytes, *, del_by_prefix: bool = False, namespace: bytes) -> int: ...


class Note(NamedTuple):
    """A note.

    Attributes:
        number: Of the node on its way that it is about.
        name: What it is: `STARTED`, `GIVEN_BACK` (of the first node of a bundle), or a piece of output.
        data: The piece; with `GIVEN_BACK` the answers so far.
    """

    number: int
    name: str
    data: bytes


class Notes:
    """The notes of one session on one cluster.

    Args:
        channel: What their keys begin with; without a space in it.
    """

    def __init__(self, channel: str) -> None:
        from ray.experimental import internal_kv  # noqa: PLC0415  # an extra

        self._store = cast("_Store", internal_kv)
        self._channel = channel

    def leave(self, number: int, name: str, data: bytes) -> None:
        """Leave a note; see `Note`."""
        self._store._internal_kv_put(f"{self._channel} {number} {name}".encode(), data, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store

    def take(self) -> Iterator[Note]:
        """Give the notes that lie there, those about a node in the order in which they were left, and remove them."""
        keys: list[tuple[float, int, str, bytes]] = []
        for key in self._store._internal_kv_list(f"{self._channel} ".encode(), namespace=_NAMESPACE):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
            _, told, name = key.decode().split(" ")
            keys.append((_ORDER[name] if name in _ORDER else int(name), int(told), name, key))
        for _, number, name, key in sorted(keys):
            data = self._store._internal_kv_get(key, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
            self._store._internal_kv_del(key, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
            yield Note(number, name, data or b"")

    def clear(self) -> None:
        """Remove all."""
        self._store._internal_kv_del(f"{self._channel} ".encode(), del_by_prefix=True, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
