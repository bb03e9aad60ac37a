"""What runs ready nodes. An engine never sees a container: it is handed an entry, or two names and a command."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.session_id import SessionId


class Capability(StrEnum):
    """What a node may ask of an engine."""

    KILL = "kill"
    """A running node can be ended: timeouts."""
    IMAGES = "images"
    """A node can be sent to an image."""
    GPUS = "gpus"
    MEMORY_LIMIT = "memory-limit"
    LIVE_OBJECTS = "live-objects"
    """Nodes run in the driver's process, so objects that exist only there can be used."""


class NodeTask(NamedTuple):
    """One node to run.

    Attributes:
        path: Which.
        timeout_seconds: From now on, the start of a worker included; None for no bound.
    """

    path: NodePath
    timeout_seconds: float | None


class EngineContext(NamedTuple):
    """What a session hands to its engines.

    Attributes:
        habitat: Name of the habitat.
        session_id: The session.
        store_url: Where the artifact store is; None where it is the default one.
        workers: How many nodes may run at once; None where the engine decides.
        execute: Runs one node in this process; raises only where the store failed.
        known: What the artifact store knows of a node: its commit, or how an attempt after the given one ended.
        last_attempt: The highest attempt number that was ever claimed for a node, 0 where none was.
        mask: Returns a text without the secrets in it; from any thread.
        log: Takes a line that a node wrote, masked; from any thread.
    """

    habitat: str
    session_id: SessionId
    store_url: str | None
    workers: int | None
    execute: Callable[[NodePath], NodeOutcome]
    known: Callable[[NodePath, int], NodeOutcome | None]
    last_attempt: Callable[[NodePath], int]
    mask: Callable[[str], str]
    log: Callable[[NodePath, str], None]


class EngineRun(Protocol):
    """An engine at work for one session; used from one thread."""

    @property
    def slots(self) -> int:
        """How many submitted nodes it holds at a time; the session submits no more."""
        ...

    def submit(self, task: NodeTask) -> None:
        """Take a ready node; returns at once."""
        ...

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        """Block until a submitted node has ended or the time is over, and return those that have ended.

        Every submitted node comes back exactly once, whatever happens to it. With nothing submitted it returns at once.
        """
        ...

    def cancel(self, *, now: bool) -> None:
        """End what runs: politely, or at once. `wait` still returns every submitted node."""
        ...


class Engine(Protocol):
    """A way to run nodes."""

    @property
    def name(self) -> str:
        """Its name in settings."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What nodes may ask of it."""
        ...

    def open(self, context: EngineContext) -> AbstractContextManager[EngineRun]:
        """Start what the engine needs; leaving the block stops it, whatever happened.

        Raises:
            EngineError: It cannot start; says why and what to do.
        """
        ...
