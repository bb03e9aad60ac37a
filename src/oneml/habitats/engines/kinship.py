"""What is asked of the kernel and the C library, on Linux: parent-death signals, the adoption of orphans, threads."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_TASKS = Path("/proc/self/task")

LINUX = sys.platform == "linux"


def die_with_parent(parent: int, number: signal.Signals) -> None:
    """Let the kernel send this process a signal when its parent has ended.

    It is the thread of the parent that counts, which started this process.

    Args:
        parent: Process id of the parent; where it has ended already, this process leaves at once.
        number: The signal.
    """
    if LINUX:
        _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)  # nobody waits for this process any more


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, also of one with a session of its own."""
    if LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def child_ids() -> frozenset[int]:
    """Return the process ids of all children of this process; nothing where only Linux could tell."""
    found: set[int] = set()
    if LINUX:
        for task in _TASKS.iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended since; others have its children
                found.update(map(int, (task / "children").read_bytes().split()))
    return frozenset(found)


def thread_count() -> int | None:
    """Return how many threads this process has, those of libraries included; None where that cannot be told."""
    return sum(1 for _ in _TASKS.iterdir()) if LINUX else None


def flush_c_streams() -> None:
    """Write out what libraries in C have printed, where that can be asked for."""
    if LINUX:
        import ctypes  # noqa: PLC0415  # Linux only

        ctypes.CDLL(None).fflush(None)


def _prctl(option: int, value: int) -> None:
    import ctypes  # noqa: PLC0415  # Linux only

    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
