"""The clock of this machine."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        """Return the current time, in UTC, aware."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)
    """Return seconds that never go back."""
