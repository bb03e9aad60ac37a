"""Four nodes in a diamond: one source, two branches that may run at the same time, and one node that joins them.

::

              //left
    //numbers        //join
              //right
"""

from collections.abc import Sequence
from typing import NamedTuple

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class DiamondSettings(PipelineSettings):
    """What can be set.

    Attributes:
        count: How many numbers to work on.
    """

    count: int = 10


class Halves(NamedTuple):
    """Two output ports: a NamedTuple gives one for each field."""

    even: Sequence[int]
    odd: Sequence[int]


class Numbers:
    """Counts from 0, and tells even numbers from odd ones."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self) -> Halves:
        """Return the numbers below the count."""
        return Halves(even=list(range(0, self._count, 2)), odd=list(range(1, self._count, 2)))


class Total:
    """Adds numbers up; both branches use it, each with an instance of its own."""

    def __call__(self, numbers: Sequence[int]) -> int:
        """Return the sum."""
        return sum(numbers)


class Join:
    """Brings the branches together."""

    def __call__(self, even: int, odd: int) -> str:
        """Return one sentence about both sums."""
        return f"even numbers add up to {even}, odd ones to {odd}"


class Diamond(PipelineComponents):
    """Data flows along the arguments; ports of a NamedTuple are taken by name."""

    settings = Settings(DiamondSettings)
    numbers = providers.Factory(Numbers, count=settings.session.count)
    total = providers.Factory(Total)
    join = providers.Factory(Join)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define the diamond."""
        halves = pipeline.node("numbers", self.numbers)()
        left = pipeline.node("left", self.total)(numbers=halves.even)
        right = pipeline.node("right", self.total)(numbers=halves.odd)
        pipeline.output("sentence", pipeline.node("join", self.join)(even=left, odd=right))
