"""Objects that are wired into bodies."""

from dataclasses import dataclass, field


class Log:
    """Of one session."""

    def __init__(self, flags: frozenset[str]) -> None:
        self.flags = flags
        self.lines: list[str] = []


@dataclass(frozen=True)
class Crane:
    """Lifts."""

    log: Log
    reach: int = 10


@dataclass(frozen=True)
class LongCrane(Crane):
    """Lifts farther away."""

    names: tuple[str, ...] = field(default=("long",))
