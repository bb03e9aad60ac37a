"""A helper module."""

from functools import cache

from harbour.constants import FACTOR
from harbour.tracing import traced

try:
    from harbour import tuning  # type: ignore[attr-defined]  # absent, as modules of faster forms are
except ImportError:
    tuning = None


@traced
def scaled(value: float, by: float = FACTOR) -> float:
    """Return the value, scaled."""
    return value * by if tuning is None else tuning.scaled(value, by)


@cache
def known(name: str) -> int:
    """Return a number for a name."""
    return len(name)
