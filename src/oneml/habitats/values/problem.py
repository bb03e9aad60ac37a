"""One thing that is wrong with what an author wrote, as a report lists it."""

from typing import NamedTuple

from oneml.habitats.values.place import Place


class Problem(NamedTuple):
    """A problem and where it was made.

    Attributes:
        place: The author's line that made it; None where no line did.
        message: What is wrong, what is known, what to do next.
        nodes: Paths of the nodes that it is about; of a cycle all of them, in the order of the loop.
    """

    place: Place | None
    message: str
    nodes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.message if self.place is None else f"{self.place}: {self.message}"
