"""Imported only where it is built."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tide:
    """Of the sea."""

    metres: float

    def depth(self) -> float:
        """Return the depth of the water."""
        return 4.0 + self.metres
