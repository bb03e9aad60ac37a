"""What checks tell about a habitat, before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from oneml.habitats.values.place import Place


class Part(StrEnum):
    """What of a habitat a finding is about."""

    HABITAT = "habitat"
    CONTAINER = "container"
    SETTINGS = "settings"
    PIPELINE = "pipeline"
    EXECUTION = "execution"


class Finding(NamedTuple):
    """One thing that is wrong, or worth knowing.

    Attributes:
        part: What of the habitat it is about.
        message: What is wrong, what is known, what to do next.
        place: The author's line that made it; None where no line did.
        source: Where a setting was given, if that is what is wrong; else empty.
        nodes: Paths of the nodes that it is about.
    """

    part: Part
    message: str
    place: Place | None = None
    source: str = ""
    nodes: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = self.message if self.place is None else f"{self.place}: {self.message}"
        return f"{text} ({self.source})" if self.source else text


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport:
    """What is known about a habitat without running anything.

    Attributes:
        habitat: Its name.
        node_count: How many nodes it has; None where the pipeline could not be planned.
        problems: All that is wrong.
        remarks: What is not wrong, but good to know: what keeps nodes in the process of the driver, that there is none.
        unchecked: What could not be checked, and why.
        exit_code: Of a command that needs the habitat: 0, or that of the worst problem.
    """

    habitat: str
    node_count: int | None
    problems: Sequence[Finding]
    remarks: Sequence[Finding]
    unchecked: Sequence[str]
    exit_code: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems
