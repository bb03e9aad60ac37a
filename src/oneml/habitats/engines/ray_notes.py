"""Notes that workers leave for the driver in the key-value store of Ray's head: short-lived, small, plain bytes.

No process has to run for them, as one would for an actor, and no code travels, as the class of an actor would.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, cast

_NAMESPACE = b"oneml-habitats"
STARTED = "started"


class _Store(Protocol):
    """The part of ``ray.experimental.internal_kv`` that is used here; Ray's own names begin with an underscore."""

    def _internal_kv_put(self, key: bytes, value: bytes, *, namespace: bytes) -> bool: ...

    def _internal_kv_get(self, key: bytes, *, namespace: bytes) -> bytes | None: ...

    def _internal_kv_list(self, prefix: bytes, *, namespace: bytes) -> Sequence[bytes]: ...

    def _internal_kv_del(self, key: bytes, *, del_by_prefix: bool = False, namespace: bytes) -> int: ...


class Note(NamedTuple):
    """A note.

    Attributes:
        flight: Number of the task that left it.
        part: The number of a piece of its output, from 0; None: it has started.
        data: The piece.
    """

    flight: int
    part: int | None
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

    def leave(self, flight: int, part: int | None, data: bytes) -> None:
        """Leave a note."""
        name = STARTED if part is None else str(part)
        self._store._internal_kv_put(f"{self._channel} {flight} {name}".encode(), data, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store

    def take(self) -> Iterator[Note]:
        """Give the notes that lie there, those of a task in the order in which it left them, and remove them."""
        keys: list[tuple[int, int, bytes]] = []
        for key in self._store._internal_kv_list(f"{self._channel} ".encode(), namespace=_NAMESPACE):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
            _, flight, name = key.decode().split(" ")
            keys.append((int(flight), -1 if name == STARTED else int(name), key))
        for number, part, key in sorted(keys):
            data = self._store._internal_kv_get(key, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
            self._store._internal_kv_del(key, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
            yield Note(number, None if part < 0 else part, data or b"")

    def clear(self) -> None:
        """Remove all."""
        self._store._internal_kv_del(f"{self._channel} ".encode(), del_by_prefix=True, namespace=_NAMESPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see _Store
