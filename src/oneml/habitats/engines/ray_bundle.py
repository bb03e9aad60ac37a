"""Nodes that go to a worker of Ray together, since a task costs more than a quick node, and how they travel.

A bundle is a time slice. Of its nodes, in their order, a worker takes those that it comes to within `SLICE_SECONDS`;
the others it gives back, at the end or, where a node takes longer, at once and with what it has so far. Many nodes can
thus share a task, and no node waits behind a long one.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Self, TypeAlias, cast

SLICE_SECONDS = 0.1
_SLICE_MAX_BYTES = 256 << 10
"""Of answers: what a node after the bundle is handed holds those of the whole bundle."""

_FIRST_NODES = 48
_NODES_MAX = 64

_Told: TypeAlias = "tuple[int, str, float | None, list[str]]"
"""An `Item` without its message."""


class Item(NamedTuple):
    """A node of a bundle.

    Attributes:
        number: Of the node on its way; no other of the session has it.
        path: The node.
        timeout_seconds: Of the node; the driver is told when it starts, and counts.
        after: Paths of the nodes before it whose answers it is handed, as far as they come with the bundle.
        message: What the entry is told, packed.
    """

    number: int
    path: str
    timeout_seconds: float | None
    after: tuple[str, ...]
    message: bytes


class Request(NamedTuple):
    """What a task is told; it travels as bytes, which Ray hands on as they are.

    Attributes:
        entry: ``module:function`` that runs a node.
        preload: ``module:function`` that loads what all nodes need.
        channel: Of the notes.
        items: The nodes, in the order in which they run; at least one.
    """

    entry: str
    preload: str
    channel: str
    items: tuple[Item, ...]

    def packed(self) -> bytes:
        """Return it as it travels: a line of JSON, then a line for each message."""
        items = [item[:4] for item in self.items]
        head = json.dumps([self.entry, self.preload, self.channel, items], separators=(",", ":"))
        return b"\n".join([head.encode(), *(item.message for item in self.items)])

    @classmethod
    def of(cls, packed: bytes) -> Self:
        """Return what was packed."""
        head, *messages = packed.split(b"\n")
        entry, preload, channel, items = cast("tuple[str, str, str, list[_Told]]", json.loads(head))
        told = zip(items, messages, strict=True)
        return cls(entry, preload, channel, tuple(Item(*item[:3], tuple(item[3]), message) for item, message in told))


class Answer(NamedTuple):
    """What a node of a bundle gave.

    Attributes:
        number: Of the node.
        path: The node.
        seconds: How long it took; None for the first of a session in its process, which opened the session.
        parts: How many notes with output it left.
        reply: Packed.
        rest: The rest of its output.
    """

    number: int
    path: str
    seconds: float | None
    parts: int
    reply: bytes
    rest: bytes


def pack_answers(answers: Iterable[Answer]) -> bytes:
    """Return answers as they travel, to the driver and to later bundles: a line of JSON, then what it measures."""
    told = list(answers)
    head = [[*answer[:4], len(answer.reply), len(answer.rest)] for answer in told]
    data = (part for answer in told for part in (answer.reply, answer.rest))
    return b"".join([json.dumps(head, separators=(",", ":")).encode(), b"\n", *data])


def unpack_answers(packed: bytes) -> Sequence[Answer]:
    """Return what was packed."""
    head, _, data = packed.partition(b"\n")
    answers: list[Answer] = []
    at = 0
    for number, path, seconds, parts, *sizes in cast(
        "list[tuple[int, str, float | None, int, int, int]]", json.loads(head)
    ):
        middle, end = at + sizes[0], at + sum(sizes)
        answers.append(Answer(number, path, seconds, parts, data[at:middle], data[middle:end]))
        at = end
    return answers


def replies_in(packed: Iterable[bytes]) -> dict[str, bytes]:
    """Return the replies in packed answers by node: of one that was tried again, the latest."""
    answers = (answer for answers in packed for answer in unpack_answers(answers))
    return {answer.path: answer.reply for answer in sorted(answers, key=lambda answer: answer.number)}


class Pace:
    """How many nodes a bundle may have, by how long the last ones took; each fan-out is known for itself."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def learn(self, path: str, seconds: float) -> None:
        """Take in how long a node took; long is long."""
        kind, seconds = _kind(path), min(SLICE_SECONDS, seconds)
        self._seconds[kind] = (3 * self._seconds.get(kind, seconds) + seconds) / 4

    def nodes(self, path: str) -> int:
        """Return how many nodes such as this are likely to be done in half a time slice; at least one."""
        seconds = self._seconds.get(_kind(path))
        if seconds is None:
            return _FIRST_NODES
        return max(1, min(_NODES_MAX, int(SLICE_SECONDS / 2 / max(seconds, 1e-6))))


def _kind(path: str) -> str:
    """Return what members of a fan-out have in common, or other nodes of one pipeline."""
    return path.rpartition("/")[0]


class Slice:
    """The time of one bundle on a worker, and what its nodes have answered.

    Args:
        count: How many nodes it has.
        give_back: Tells the driver the answers so far, packed, and that nodes after the one at work are given back.
    """

    def __init__(self, count: int, give_back: Callable[[bytes], None]) -> None:
        self._give_back = give_back
        self._lock = threading.Lock()
        self._until = time.monotonic() + SLICE_SECONDS
        self._open = True
        self._timer: threading.Timer | None = None
        self._bytes = 0
        self.answers: list[Answer] = []
        if count > 1:
            self._timer = threading.Timer(SLICE_SECONDS, self._over)
            self._timer.daemon = True
            self._timer.start()

    def add(self, answer: Answer) -> None:
        """Keep the answer of a node that has ended."""
        with self._lock:
            self.answers.append(answer)
            self._bytes += len(answer.reply) + len(answer.rest)

    def goes_on(self) -> bool:
        """Tell whether another node may start."""
        with self._lock:
            self._open = self._open and time.monotonic() < self._until and self._bytes < _SLICE_MAX_BYTES
            return self._open

    def end(self) -> None:
        """Nothing more starts."""
        with self._lock:
            self._open = False
        if self._timer is not None:
            self._timer.cancel()

    def _over(self) -> None:
        with self._lock:
            if not self._open:
                return
            self._open = False
            packed = pack_answers(self.answers)
        with suppress(Exception):  # Ray's errors are many; what cannot be told now is told at the end
            self._give_back(packed)
