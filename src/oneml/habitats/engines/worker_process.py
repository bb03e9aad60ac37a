"""A worker process as the driver sees it: two pipes, and the node that it runs."""

import os
import socket

from oneml.habitats.engines.frames import FrameReader
from oneml.habitats.engines.worker_endings import Job
from oneml.habitats.engines.worker_output import NodeOutput

_CHUNK_BYTES = 1 << 16
_PIPE_MAX_BYTES = 1 << 20
"""No pipe holds more, unless a superuser allows it."""
_NEVER = float("inf")


class WorkerProcess:
    """One worker.

    Attributes:
        number: Its name between driver and fork server.
        pid: Its process id, as soon as it is known.
        job: What it runs; None while it is idle.
        fresh: Whether nothing has run in it.
        retiring: Whether it shall run nothing more.
        kill_at: When it is killed.
        killed: Whether it was.
        channel: Where messages go and replies come; None for a worker that is told by its command line.
        frames: Makes messages of what comes.
        output: What it writes comes here.

    Raises:
        OSError: There are no pipes to be had.
    """

    def __init__(self, number: int, *, warm: bool) -> None:
        self.number = number
        self.pid: int | None = None
        self.job: Job | None = None
        self.fresh = True
        self.retiring = False
        self.kill_at = _NEVER
        self.killed = False
        self.frames = FrameReader()
        self.unsent = bytearray()
        self.writing = False
        self._shown: NodeOutput | None = None
        self.channel: socket.socket | None = None
        self.output, output = os.pipe()
        os.set_blocking(self.output, False)
        self._theirs = [output]
        if warm:
            try:
                self.channel, theirs = socket.socketpair()
            except OSError:
                self.close()
                raise
            self.channel.setblocking(False)  # noqa: FBT003  # positional only
            self._theirs.append(theirs.detach())

    def take_their_ends(self) -> tuple[int, ...]:
        """Return the ends that go to the worker: output, and channel if there is one; the caller closes them."""
        theirs, self._theirs = tuple(self._theirs), []
        return theirs

    def take(self, job: Job) -> None:
        """Run that node next; its time starts now."""
        self.job = job
        self._shown = job.output
        job.start()
        if job.frame is not None:
            self.unsent += job.frame

    def due_at(self) -> float:
        """Return when it must be looked after at the latest."""
        job = self.job
        return self.kill_at if job is None or job.timed_out else min(self.kill_at, job.deadline)

    def flush(self) -> None:
        """Send what is unsent, as far as it can be taken."""
        if self.channel is not None and self.unsent:
            try:
                del self.unsent[: self.channel.send(self.unsent)]
            except BlockingIOError:
                pass  # when it can be written to
            except OSError:
                self.unsent.clear()  # it has ended, which is told elsewhere
        self.writing = bool(self.unsent)

    def receive(self) -> bytes | None:
        """Return what came; nothing at the end, None where there is nothing yet."""
        if self.channel is None:
            return b""
        try:
            return self.channel.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def read_output(self) -> int | None:
        """Read some of what it wrote, which belongs to the node that runs or ran last.

        Returns:
            How many bytes, 0 at the end; None where there is nothing yet.
        """
        try:
            data = os.read(self.output, _CHUNK_BYTES)
        except BlockingIOError:
            return None
        if self._shown is not None:
            self._shown.write(data)
        return len(data)

    def drain(self) -> None:
        """Read what is in the pipe; what others go on writing is not waited for."""
        left = _PIPE_MAX_BYTES
        while left > 0 and (length := self.read_output()):
            left -= length

    def close_channel(self) -> None:
        """Tell the worker that nothing more will come."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def close(self) -> None:
        """Let go of the pipes."""
        self.close_channel()
        os.close(self.output)
        for fd in self.take_their_ends():
            os.close(fd)
