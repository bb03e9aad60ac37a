"""The bodies of the nodes."""

from importlib.resources import files

from pydantic import SecretStr

import anchors
import ropes
from harbour.bodies import Body
from harbour.cranes import Crane
from harbour.marking import mark
from harbour.sums import known, scaled
from harbour.tides import Tide
from harbour.tracing import traced


class Load(Body):
    """Loads boats."""

    def __init__(self, crane: Crane, boats: int, flag: str) -> None:
        super().__init__()
        self.crane = crane
        self.boats = boats
        self.flag = flag

    @traced
    def __call__(self, ballast: int = 1) -> float:
        """Return what was loaded."""
        mark("load")
        lines = files("harbour.tables").joinpath("fish.csv").read_text().splitlines()
        return scaled(self.boats * len(lines)) + ballast + known(self.flag) + self.crane.reach


class Weigh(Body):
    """Weighs the load."""

    def __init__(self, tide: Tide) -> None:
        super().__init__()
        self.tide = tide

    def __call__(self, load: float) -> float:
        """Return its weight."""
        mark("weigh")
        return load * ropes.LENGTH + anchors.weight() + self.tide.depth()


class Report(Body):
    """Writes a report."""

    def __init__(self, token: SecretStr) -> None:
        super().__init__()
        self.token = token

    def __call__(self, weight: float) -> str:
        """Return the report."""
        mark("report")
        return self.shown(weight)


class Wash(Body):
    """Washes the quay."""

    def __call__(self) -> str:
        """Return how it is."""
        mark("wash")
        return "clean"
