"""Threads that hang inside of a library: a process that has one cannot end as usual, for the library would crash it."""

import threading
from collections.abc import Callable

_left: list[threading.Thread] = []


def done_within(seconds: float, act: Callable[[], object], *, name: str) -> bool:
    """Do something that may hang in a thread, and tell whether it is done; else the thread is left behind.

    Args:
        seconds: How long it is waited for.
        act: What is done.
        name: Of the thread.
    """
    thread = threading.Thread(target=act, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        _left.append(thread)
        return False
    return True


def any_left() -> bool:
    """Tell whether a thread that was left behind still hangs."""
    return any(thread.is_alive() for thread in _left)
