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
    """How often the process was asked to stop since `listening` was entered.

    A session that the body of a node runs is asked to stop whenever the session of that node is.
    """

    __slots__ = ("_before", "_in_body", "_inner", "_outer", "_own")

    def __init__(self) -> None:
        self._own = 0
        self._in_body = False
        self._outer: Interrupts | None = None
        self._before = 0
        self._inner: Interrupts | None = None

    @property
    def count(self) -> int:
        """How often it was."""
        return self._own if self._outer is None else max(self._own, self._outer.count - self._before)

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

    def strike(self, *_signal_and_frame: object) -> None:
        """The process is asked to stop; the handler of signals.

        Raises:
            KeyboardInterrupt: A body runs in the main thread.
        """
        self._own += 1
        if self._inner is not None:
            self._inner.strike()
        elif self._in_body:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self, *, outer: "Interrupts | None" = None) -> Generator[None]:
        """Count interrupts inside the block; outside the main thread, or where others handle them, nothing changes.

        Args:
            outer: Of the session of the node whose body runs this one.

        Raises:
            KeyboardInterrupt: The process was asked to stop, and the body that runs this session has to.
        """
        self._own, self._outer, self._before = 0, outer, 0 if outer is None else outer.count
        if threading.current_thread() is not threading.main_thread():
            yield
        elif outer is not None:
            with outer._standing_back_for(self):  # noqa: SLF001  # of this class
                yield
            if self._own and outer._in_body:  # noqa: SLF001  # as above
                raise KeyboardInterrupt
        else:
            with self._handling():
                yield

    @contextmanager
    def _standing_back_for(self, inner: "Interrupts") -> Generator[None]:
        self._inner = inner
        try:
            yield
        finally:
            self._inner = None

    @contextmanager
    def _handling(self) -> Generator[None]:
        ours: list[signal.Signals] = []
        for number, usual in _USUAL.items():
            if signal.getsignal(number) is usual:
                signal.signal(number, self.strike)
                ours.append(number)
        try:
            yield
        finally:
            for number in ours:
                signal.signal(number, _USUAL[number])
