"""What runs nodes. An engine never sees a container: it is handed import paths, or two names and a command."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.session_id import SessionId

INLINE_RESULT_MAX_BYTES = 64 << 10
"""Values up to this size travel with the replies of workers, where there are any; larger ones by the store."""


class Capability(StrEnum):
    """What a node may ask of an engine, and what an engine can do for a session."""

    KILL = "kill"
    """A running node can be ended: timeouts."""
    IMAGES = "images"
    """A node can be sent to an image."""
    TAGS = "tags"
    """A node can be sent to workers that carry a tag."""
    CPUS = "cpus"
    """Nodes are counted by the processors that they need."""
    GPUS = "gpus"
    MEMORY_LIMIT = "memory-limit"
    """A node that takes more memory than it may is ended, or is not put where there is less."""
    PRIORITY = "priority"
    """Of nodes that wait, those of higher priority start first."""
    ISOLATES = "isolates"
    """Each node can be given a process of its own."""
    LIVE_OBJECTS = "live-objects"
    """Nodes run in the driver's process, so objects that exist only there can be used."""
    SCHEDULES = "schedules"
    """It takes nodes before those that they wait for have run, and hands their replies on by itself."""


class NodeNeeds(NamedTuple):
    """What a node asks of the place where it runs.

    Attributes:
        cpus: Processors.
        memory_bytes: Memory; None for no bound.
        gpus: Graphics processors.
        image: The image; None for any.
        tags: What the worker must carry, sorted.
    """

    cpus: float = 1.0
    memory_bytes: int | None = None
    gpus: int = 0
    image: str | None = None
    tags: tuple[str, ...] = ()


class NodeTask(NamedTuple):
    """One node to run.

    Attributes:
        path: Which.
        timeout_seconds: Of the body and what is around it, from the moment when a worker takes the node (a fresh
            process included); None for no bound.
        needs: What it asks of the place where it runs.
        priority: Higher starts first; 0 unless settings say otherwise.
        after: Nodes that this engine was handed in the same run and that must succeed first; empty unless the engine
            schedules.
        attempt: How often the node was handed over before, and this time: from 1.
    """

    path: NodePath
    timeout_seconds: float | None
    needs: NodeNeeds = NodeNeeds()
    priority: int = 0
    after: tuple[NodePath, ...] = ()
    attempt: int = 1


WorkerMessage: TypeAlias = JsonObject
"""What a worker is told, plain data: ``habitat``, ``session_id``, ``store_url`` (None: the worker's own), ``node``,
``attempt``, ``inline_max_bytes`` (0: the worker commits its outputs itself), ``upstream``: replies of the nodes before
it, as far as they travel with the message."""

WorkerReply: TypeAlias = JsonObject
"""What a worker answers, plain data: ``node``, ``outcome`` (see `outcome_to_json`), ``committed``: whether its outputs
are committed already, ``revision``: of the settings that it ran with (0 where it is missing). A reply is all that
another worker needs as ``upstream``."""


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
        entry: ``module:function`` that a worker calls with a `WorkerMessage`; gives a `WorkerReply` and never raises.
        masking: ``module:function`` that a worker calls with a text; returns it without the secrets of its sessions.
        preload: ``module:function`` that a worker calls once, before its first message: loads what all need.
        take: Commits what workers answered and did not commit, in one batch, and returns the outcomes in that order.
        message: Gives the message for a node, without ``upstream``.
        options: Settings of the engine itself, by name.
        isolated: Whether each node wants a process of its own.
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
    entry: str
    masking: str
    preload: str
    take: Callable[[Sequence[WorkerReply]], Sequence[NodeOutcome]]
    message: Callable[[NodeTask, int], WorkerMessage]
    options: Mapping[str, object]
    isolated: bool


class EngineRun(Protocol):
    """An engine at work for one session; used from one thread."""

    @property
    def slots(self) -> int:
        """How many submitted nodes it holds at a time; the session submits no more."""
        ...

    def submit(self, task: NodeTask) -> None:
        """Take a node; returns at once."""
        ...

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        """Block until a submitted node has ended or the time is over, and return those that have ended.

        Every submitted node comes back exactly once, whatever happens to it: one that could not start because a node
        in its ``after`` did not succeed comes back as ``pending``. With nothing submitted it returns at once.
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
        """What nodes may ask of it, and what it can do."""
        ...

    def open(self, context: EngineContext) -> AbstractContextManager[EngineRun]:
        """Start what the engine needs; leaving the block stops it, whatever happened.

        Raises:
            EngineError: It cannot start; says why and what to do.
        """
        ...


@runtime_checkable
class Preflight(Protocol):
    """An `Engine` that tells before anything is written what would keep it from starting; others tell it later."""

    def preflight(self, options: Mapping[str, object]) -> None:
        """Let pass options of the engine itself, by name, as settings give them, where all that it needs is installed.

        Raises:
            SettingsError: Some are unknown, or have values that they cannot have; names them as settings do.
            MissingLibraryError: A library is not installed here.
        """
        ...
