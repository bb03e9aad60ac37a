"""The driver's side of the fork server: starts it, asks it for workers, and bounds its end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress

from oneml.habitats.engines.frames import FrameReader, frame
from oneml.habitats.errors import EngineError
from oneml.habitats.values.json_value import JsonObject

_PROGRAM = "from oneml.habitats.engines.fork_server import main; main()"
_SEND_SECONDS = 30.0


class ForkServerClient:
    """A fork server that runs. Its socket and its output are read by whoever made this, when they are readable.

    The thread that makes this must live as long as the fork server: the kernel ends it with that thread.

    Args:
        environment: Of the fork server and its workers.
        entry: What a worker calls, by name; empty where it runs a command.
        preload: What all workers have loaded, by name.

    Raises:
        EngineError: It cannot be started.
    """

    def __init__(self, environment: Mapping[str, str], *, entry: str, preload: str) -> None:
        self.control, theirs = socket.socketpair()
        self.output, output = os.pipe()
        os.set_blocking(self.output, False)
        self.control.settimeout(_SEND_SECONDS)
        self._frames = FrameReader()
        command = [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), str(os.getpid()), entry, preload]
        try:
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
            self._close_ours()
            raise EngineError(
                engine="process", reason=f"the process that starts workers cannot be started: {error}"
            ) from error
        finally:
            theirs.close()
            os.close(output)

    def request(self, message: JsonObject, fds: tuple[int, ...] = ()) -> bool:
        """Send a request; tell whether the fork server could take it."""
        data = frame(message)
        try:
            sent = socket.send_fds(self.control, [data], fds) if fds else 0
            self.control.sendall(data[sent:])
        except OSError:
            self.kill()
            return False
        return True

    def events(self) -> Iterator[JsonObject] | None:
        """Return what it tells, when its socket is readable; None when it has ended."""
        try:
            data = self.control.recv(1 << 16)
        except OSError:
            data = b""
        return self._frames.feed(data) if data else None

    def kill(self) -> None:
        """End it at once; the kernel ends its workers."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def close(self, timeout_seconds: float) -> int:
        """Let it end and its workers with it; it is killed when the time is over. Returns its exit code."""
        self._close_ours()
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def _close_ours(self) -> None:
        self.control.close()
        os.close(self.output)
