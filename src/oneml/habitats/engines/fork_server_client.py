"""The driver's side of the fork server: starts it, asks it for workers, and bounds its end."""

import errno
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress

from oneml.habitats.engines.frames import FrameReader, frame
from oneml.habitats.errors import EngineError
from oneml.habitats.values.json_value import JsonObject

_PROGRAM = "from oneml.habitats.engines.fork_server import main; main()"
_SEND_SECONDS = 30.0
_CHUNK_BYTES = 1 << 16


def why_not(error: OSError) -> str:
    """Return what the system refuses, and what to do where that is known."""
    if error.errno != errno.EMFILE:
        return str(error)
    return f"{error.strerror}. Each worker needs two: set fewer workers, or raise the limit (ulimit -n)"


class ForkServerClient:
    """A fork server that runs. Its socket and its output are read by whoever made this, when they are readable.

    The thread that makes this must live as long as the fork server: the kernel ends it with that thread.

    Args:
        environment: Of the fork server and its workers.
        entry: What a worker calls, by name; empty where it runs a command.
        preload: What all workers have loaded, by name.

    Attributes:
        unread: What it told while it was asked for something, which `events` gives first.

    Raises:
        EngineError: It cannot be started.
    """

    def __init__(self, environment: Mapping[str, str], *, entry: str, preload: str) -> None:
        self.unread = b""
        self._frames = FrameReader()
        with ExitStack() as kept, ExitStack() as given:
            try:
                self.control, theirs = socket.socketpair()
                kept.enter_context(self.control)
                given.enter_context(theirs)
                self.output, output = os.pipe()
                kept.callback(os.close, self.output)
                given.callback(os.close, output)
                command = [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), str(os.getpid()), entry, preload]
                self._process = subprocess.Popen(  # noqa: S603  # our own command line
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                reason = f"the process that starts workers cannot be started: {why_not(error)}"
                raise EngineError(engine="process", reason=reason) from error
            self._ours = kept.pop_all()
        self.control.setblocking(False)  # noqa: FBT003  # positional only
        os.set_blocking(self.output, False)

    def request(self, message: JsonObject, fds: tuple[int, ...] = ()) -> bool:
        """Send a request; tell whether the fork server could take it."""
        data = frame(message)
        give_up_at = time.monotonic() + _SEND_SECONDS
        try:
            while data:
                try:
                    sent = socket.send_fds(self.control, [data], fds) if fds else self.control.send(data)
                except BlockingIOError:
                    self._make_room(give_up_at - time.monotonic())
                else:
                    data, fds = data[sent:], ()
        except OSError:
            self.kill()
            return False
        return True

    def events(self) -> Iterator[JsonObject] | None:
        """Return what it tells, when its socket is readable; None when it has ended."""
        data, self.unread = self.unread, b""
        if not data:
            try:
                data = self.control.recv(_CHUNK_BYTES)
            except BlockingIOError:
                return iter(())
            except OSError:
                return None
        return self._frames.feed(data) if data else None

    def kill(self) -> None:
        """End it at once; the kernel ends its workers."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def close(self, timeout_seconds: float) -> int:
        """Let it end and its workers with it; it is killed when the time is over. Returns its exit code."""
        self._ours.close()
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def _make_room(self, timeout_seconds: float) -> None:
        """Wait until it can be sent more; it takes no more while it cannot tell us what it has to tell.

        Raises:
            OSError: It has ended, or the time is over.
        """
        with selectors.PollSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ | selectors.EVENT_WRITE)
            ready = selector.select(max(0.0, timeout_seconds))
        if not ready:
            message = "it takes no request"
            raise TimeoutError(message)
        if ready[0][1] & selectors.EVENT_READ:
            told = self.control.recv(_CHUNK_BYTES)
            if not told:
                message = "it has ended"
                raise ConnectionResetError(message)
            self.unread += told
