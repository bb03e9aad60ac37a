"""What a worker process of Ray writes while a node runs: kept out of Ray's own logs, and handed on while it is new."""

import fcntl
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager

from oneml.habitats.engines.worker_output import LOG_MAX_BYTES

REST_MAX_BYTES = 16 << 10
"""What is not handed on yet when a node ends travels with its reply up to this size."""

_CHUNK_BYTES = 64 << 10
_TICK_SECONDS = 0.1
_KEPT_MAX_BYTES = 4 * LOG_MAX_BYTES

Send = Callable[[int, bytes], None]
"""Takes a number, from 0, and what was written."""


class ProcessOutput:
    """Standard output and error of this process, also of what is no Python in it, while a node runs.

    They go to a file without a name, of which a thread reads what is new: writing never waits for a reader.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # as long as the process
        self._descriptor = self._file.fileno()
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, fcntl.fcntl(self._descriptor, fcntl.F_GETFL) | os.O_APPEND)
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._send: Send | None = None
        self._offset = 0
        self._bytes = 0
        self.count = 0
        self.rest = b""
        threading.Thread(target=self._attend, name="oneml-output", daemon=True).start()

    @contextmanager
    def kept_here(self) -> Generator[None]:
        """Let standard output and error go again where they went, after blocks of `sent_to` within this one."""
        _flush()
        saved = os.dup(1), os.dup(2)
        try:
            yield
        finally:
            _flush()
            for number, descriptor in enumerate(saved, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)

    @contextmanager
    def sent_to(self, send: Send) -> Generator[None]:
        """Hand on what is written within the block, which lies in one of `kept_here`.

        Then `count` is how often, and `rest` is what was left.
        """
        with self._lock:
            for number in (1, 2):  # whatever became of them in the body before
                os.dup2(self._descriptor, number)
            os.ftruncate(self._descriptor, 0)
            self._offset = self._bytes = self.count = 0
            self.rest = b""
            self._send = send
            self._busy.set()
        try:
            yield
        finally:
            _flush()
            with self._lock:
                self._hand_on(REST_MAX_BYTES)
                self.rest = self._read(_CHUNK_BYTES)
                self._send = None

    def _attend(self) -> None:
        pause = threading.Event()
        while True:
            self._busy.wait()
            pause.wait(_TICK_SECONDS)
            with self._lock:
                if self._send is None:
                    self._busy.clear()
                else:
                    self._hand_on(0)

    def _hand_on(self, leave_bytes: int) -> None:
        """Send what is new unless it is little; what cannot be sent stays, and goes with the reply as far as it can."""
        while self._send is not None and os.fstat(self._descriptor).st_size - self._offset > leave_bytes:
            if self._bytes > LOG_MAX_BYTES:
                self._drop()
                return
            data = self._read(_CHUNK_BYTES)
            try:
                self._send(self.count, data)
            except Exception:  # noqa: BLE001  # Ray's errors are many; the node goes on without live lines
                self._send = None
                traceback.print_exc()  # becomes output of the node
                return
            self.count += 1
            self._bytes += len(data)
            self._offset += len(data)

    def _read(self, limit_bytes: int) -> bytes:
        return os.pread(self._descriptor, limit_bytes, self._offset)

    def _drop(self) -> None:
        size = os.fstat(self._descriptor).st_size
        self._offset = size
        if size > _KEPT_MAX_BYTES:
            os.ftruncate(self._descriptor, 0)
            self._offset = 0


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # a body has closed it
