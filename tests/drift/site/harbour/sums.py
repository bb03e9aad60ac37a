"""A helper module."""

from functools import cache

from harbour.constants import FACTOR
from harbour.tracing import traced


@traced
def scaled(value: float, by: float = FACTOR) -> float:
    """Return the value, scaled."""
    return value * by


@cache
def known(name: str) -> int:
    """Return a number for a name."""
    return len(name)
