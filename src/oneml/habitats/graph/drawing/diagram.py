"""A diagram as plain values: boxes, frames around them, links between them, and what each of these means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from oneml.habitats.values.states import NodeState


class Shape(StrEnum):
    """What a box stands for."""

    NODE = "node"
    FAN_OUT = "fan-out"
    """All members of a fan-out."""
    NAMESPACE = "namespace"
    """All that a namespace, or an included container, holds."""
    INPUT = "input"
    OUTPUT = "output"
    PROVIDER = "provider"
    SETTING = "setting"


class Tone(StrEnum):
    """What the colour of a box tells: the state of a node, or the scope that keeps an object."""

    PLAIN = "plain"
    EDGE = "edge"
    """Where a pipeline meets the outside."""
    PENDING = NodeState.PENDING.value
    RUNNING = NodeState.RUNNING.value
    SUCCEEDED = NodeState.SUCCEEDED.value
    FAILED = NodeState.FAILED.value
    REFUSED = NodeState.REFUSED.value
    SKIPPED = NodeState.SKIPPED.value
    CANCELLED = NodeState.CANCELLED.value
    PROCESS_SCOPE = "process"
    SESSION_SCOPE = "session"
    NODE_SCOPE = "node"
    EACH_USE = "each use"
    """Nothing keeps the object: each use makes its own."""


class LinkKind(StrEnum):
    """What a link tells."""

    DATA = "data"
    ORDER = "order"
    """One comes after the other, although no data flows."""
    INJECTED = "injected"
    PASSED = "passed"
    """A provider is passed itself, so that what it gives need not be built first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box.

    Attributes:
        name: Its name among boxes: a path, a dotted name.
        title: What stands in it.
        lines: What stands below that, smaller.
        shape: What it stands for.
        tone: What its colour tells.
        frame: The frame that it stands in; empty where in none.
        members: How many nodes it stands for.
        states: How many of these are in which state; empty where nobody asked.
        seconds: How long the bodies of those ran together; None where none ended.
        attempt: The attempt that a single node is in; 0 where none was made.
        engine: What runs it; empty where nobody asked, or where several engines do.
        overridden: Whether something else stands for what was declared.
    """

    name: str
    title: str
    lines: tuple[str, ...] = ()
    shape: Shape = Shape.NODE
    tone: Tone = Tone.PLAIN
    frame: str = ""
    members: int = 1
    states: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: float | None = None
    attempt: int = 0
    engine: str = ""
    overridden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame around boxes: a namespace, an included container.

    Attributes:
        name: Its name among frames.
        title: What stands on it.
        parent: The frame around it; empty where there is none.
    """

    name: str
    title: str
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A line from one box to another.

    Attributes:
        source: Name of the box where it starts.
        target: Name of the box where it ends.
        kind: What it tells.
        labels: Ports, or arguments, that it joins.
    """

    source: str
    target: str
    kind: LinkKind = LinkKind.DATA
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """What is drawn.

    Attributes:
        subject: ``pipeline``, ``objects`` or ``session``.
        title: What stands above it.
        subtitle: What stands below that, smaller.
        boxes: Every box.
        frames: Every frame that is not empty, outer ones first.
        links: Every link; none from a box to itself.
    """

    subject: str
    title: str
    subtitle: str = ""
    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...] = ()
    links: tuple[Link, ...] = ()

    def boxes_by_frame(self) -> Mapping[str, Sequence[Box]]:
        """Return the boxes that stand directly in each frame; those in none by the empty name."""
        found: dict[str, list[Box]] = {}
        for box in self.boxes:
            found.setdefault(box.frame, []).append(box)
        return found
