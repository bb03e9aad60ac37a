"""Ctrl-C and SIGTERM while a session runs: noted at once, raised only inside a node's body.

An interrupt that struck anywhere would tear the bookkeeping of a driver: a node could be committed and yet be recorded
as cancelled. So the handlers count, the run loop looks, and KeyboardInterrupt is raised only where a body runs in the
main thread.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_MAIN = threading.main_thread().ident


class Interrupts:
    """How often the process was asked to stop since `listening` was entered."""

    __slots__ = ("_in_body", "count")

    def __init__(self) -> None:
        self.count = 0
        self._in_body = False

    def enter_body(self) -> None:
        """A body starts in this thread.

        Raises:
            KeyboardInterrupt: The process was asked to stop meanwhile.
        """
        if threading.get_ident() == _MAIN:
            self._in_body = True
            if self.count:
                raise KeyboardInterrupt

    def leave_body(self) -> None:
        """The body has ended."""
        if threading.get_ident() == _MAIN:
            self._in_body = False

    def _strike(self, _signal: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._in_body:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Generator[None]:
        """Count interrupts inside the block; outside the main thread, or where others handle them, nothing changes."""
        self.count = 0
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        ours: dict[signal.Signals, object] = {}
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            if signal.getsignal(number) is usual:
                ours[number] = signal.signal(number, self._strike)
        try:
            yield
        finally:
            for number in ours:
                signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
