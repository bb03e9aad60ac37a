"""Ctrl-C, SIGTERM and SIGHUP while a session runs: noted at once, raised only inside a node's body.

An interrupt that struck anywhere would tear the bookkeeping of a driver: a node could be committed and yet be recorded
as cancelled. So the handlers count, the run loop looks, and KeyboardInterrupt is raised only where a body runs in the
main thread.
"""

import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import FrameType

_MAIN = threading.main_thread().ident

_USUAL: Mapping[signal.Signals, Callable[[int, FrameType | None], object] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""The signals, and what handles them where nobody has said otherwise; elsewhere they are left alone."""


class Interrupts:
    """How often the process was asked to stop since `listening` was entered."""

    __slots__ = ("_in_body", "count")

    def __init__(self) -> None:
        self.count = 0
        self._in_body = False

    def pending(self) -> bool:
        """Tell whether the process was asked to stop and this is the thread that has to."""
        return threading.get_ident() == _MAIN and self.count > 0

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
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self.count = 0
        ours: list[signal.Signals] = []
        for number, usual in _USUAL.items():
            if signal.getsignal(number) is usual:
                signal.signal(number, self._strike)
                ours.append(number)
        try:
            yield
        finally:
            for number in ours:
                signal.signal(number, _USUAL[number])
