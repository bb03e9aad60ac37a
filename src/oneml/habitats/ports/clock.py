"""Time, so that tests can choose it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where times come from."""

    def now(self) -> datetime:
        """Return the current time, in UTC, aware."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...
