"""Bounds the memory of this process while a node runs.

The limit is RLIMIT_DATA: what the process can write and shares with nobody. RLIMIT_AS counts addresses, of which every
thread reserves 64 MiB that it never uses.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_MOST_BYTES = (1 << 63) - 1
"""More cannot be told to the system."""

_FULL = 2
"""A worker that holds more than this part of a limit already is no place for a node under it."""


def taken_bytes() -> int:
    """Return how much this process has taken of what the limit counts."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0


def fits(limit_bytes: int, taken: int, *, fresh: bool) -> bool:
    """Tell whether a node under the limit can run in a process that has taken so much.

    Args:
        limit_bytes: The limit.
        taken: What the process has taken.
        fresh: Whether no node has run in it, so that no other would do better.
    """
    return taken < (limit_bytes if fresh else limit_bytes // _FULL)


@contextmanager
def memory_limited(limit_bytes: int | None) -> Generator[None]:
    """Let this process take no more than that inside the block."""
    if limit_bytes is None:
        yield
        return
    import resource  # noqa: PLC0415  # not everywhere, and seldom needed

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [bound for bound in (limit_bytes, _MOST_BYTES, soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def limit_memory(limit_bytes: int) -> None:
    """Bound this process and what it starts, for good."""
    import resource  # noqa: PLC0415  # not everywhere, and seldom needed

    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = min(limit_bytes, _MOST_BYTES if hard == resource.RLIM_INFINITY else hard)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
