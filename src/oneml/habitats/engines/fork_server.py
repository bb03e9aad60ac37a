"""The process that starts workers and buries them.

It has loaded what all workers need before any thread exists, and then does nothing but to fork, to signal and to reap:
so no lock that another thread holds is ever copied into a worker. Descendants of a worker that outlive it become
children of this process, which kills them.
"""

import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from oneml.habitats.engines.frames import frame, read_frame_with_fds
from oneml.habitats.engines.kinship import adopt_orphans, child_ids, die_with_parent, thread_count
from oneml.habitats.engines.memory_limit import limit_memory
from oneml.habitats.engines.warm_worker import Entry, become_worker, named_function, serve
from oneml.habitats.values.json_value import JsonObject

SPAWNED = "from oneml.habitats.engines.warm_worker import main; main()"
_SWEEP_SECONDS = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def main() -> None:
    """Serve; in a process that was forked here, be a worker.

    On the command line stand: the control socket, the process id of the driver, entry and preload (both empty where
    every node gets a command of its own).
    """
    control, driver, entry, preload = sys.argv[1:5]
    die_with_parent(int(driver), signal.SIGTERM)
    adopt_orphans()
    channel = ForkServer(socket.socket(fileno=int(control)), entry, preload).run()
    if channel is not None:
        serve(channel, cast("Entry", named_function(entry)))


class ForkServer:
    """Takes requests from the driver, and tells it which workers have started and ended.

    Args:
        control: The socket to the driver.
        entry: What a worker calls, by name; empty where it runs a command.
        preload: What is called once before the first fork, by name.
    """

    def __init__(self, control: socket.socket, entry: str, preload: str) -> None:
        self._control = control
        self._entry = entry
        self._preload = preload
        self._workers: dict[int, int] = {}
        self._stopped = False

    def run(self) -> socket.socket | None:
        """Serve until the driver closes the socket or ends; in a forked worker, return its channel."""
        if self._entry:
            named_function(self._preload)()
            named_function(self._entry)
            sys.stdout.flush()  # else every worker would write it, too
            gc.freeze()
        reader, writer = socket.socketpair()
        writer.setblocking(False)  # noqa: FBT003  # positional only
        with self._control, reader, writer, selectors.DefaultSelector() as selector:
            signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
            signal.signal(signal.SIGTERM, lambda _number, _frame: self._stop())
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(reader, selectors.EVENT_READ)
            self._tell({"event": "ready"})
            while not self._stopped:
                for key, _ in selector.select():
                    if key.fileobj is reader:
                        reader.recv(4096)
                        continue
                    channel = self._request()
                    if channel is not None:
                        return channel
                self._bury()
            self._end_all()
        return None

    def _stop(self) -> None:
        self._stopped = True

    def _request(self) -> socket.socket | None:
        """Do what the driver asks for; only a forked worker returns something."""
        try:
            request, fds = read_frame_with_fds(self._control)
        except OSError:
            request, fds = None, []
        if request is None:
            self._stop()
            return None
        number = cast("int", request["worker"])
        if request["do"] == "signal":
            self._signal(number, cast("int", request["signal"]))
            return None
        try:
            pid = self._start(request, fds)
        except OSError as error:
            self._tell({"event": "failed", "worker": number, "reason": str(error)})
            return None
        finally:
            for fd in fds:
                with suppress(OSError):
                    os.close(fd)
        if isinstance(pid, socket.socket):
            return pid
        with suppress(OSError):
            os.setpgid(pid, pid)  # it does so itself: whoever comes first
        self._workers[pid] = number
        self._tell({"event": "started", "worker": number, "pid": pid})
        return None

    def _start(self, request: JsonObject, fds: list[int]) -> int | socket.socket:
        if request["do"] == "run":
            limit = cast("int | None", request["memory_bytes"])
            return _run_command(cast("list[str]", request["command"]), fds[0], limit)
        output, channel = fds
        if thread_count() != 1:
            return self._spawn(output, channel)
        server = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        _leave_server(output)
        become_worker(server)
        _reseed()
        self._workers.clear()
        return socket.socket(fileno=os.dup(channel))

    def _spawn(self, output: int, channel: int) -> int:
        os.set_inheritable(channel, True)  # noqa: FBT003  # positional only
        command = [sys.executable, "-P", "-c", SPAWNED, str(channel), str(os.getpid()), self._entry, self._preload]
        actions = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        return os.posix_spawn(
            sys.executable, command, os.environ, file_actions=actions, setpgroup=0, setsigdef=_SIGNALS
        )

    def _signal(self, number: int, signal_number: int) -> None:
        for pid, worker in self._workers.items():
            if worker == number:
                _signal_group(pid, signal_number)

    def _bury(self) -> None:
        """Tell of the workers that have ended, once what they left behind is gone."""
        ended = self._reap()
        if not ended:
            return
        give_up_at = time.monotonic() + _SWEEP_SECONDS
        while self._kill_strays() and time.monotonic() < give_up_at:
            time.sleep(0.001)
            ended += self._reap()
        for number, code in ended:
            self._tell({"event": "ended", "worker": number, "code": code})

    def _reap(self) -> list[tuple[int, int]]:
        ended: list[tuple[int, int]] = []
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                number = self._workers.pop(pid, None)
                if number is not None:
                    _signal_group(pid, signal.SIGKILL)
                    ended.append((number, os.waitstatus_to_exitcode(status)))
        return ended

    def _kill_strays(self) -> bool:
        """Kill the children that are no workers: they are what workers left behind. Tell whether there are any."""
        strays = child_ids() - self._workers.keys()
        for pid in strays:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return bool(strays)

    def _end_all(self) -> None:
        give_up_at = time.monotonic() + _SWEEP_SECONDS
        while time.monotonic() < give_up_at:
            for pid in self._workers:
                _signal_group(pid, signal.SIGKILL)
            self._reap()
            if not self._workers and not self._kill_strays():
                return
            time.sleep(0.001)

    def _tell(self, event: JsonObject) -> None:
        try:
            self._control.sendall(frame(event))
        except OSError:
            self._stop()  # the driver has ended


def _run_command(command: list[str], output: int, memory_bytes: int | None) -> int:
    """Start a command in a process group of its own.

    Raises:
        OSError: It cannot be started.
    """
    server = os.getpid()
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            _leave_server(output)
            die_with_parent(server, signal.SIGKILL)
            adopt_orphans()
            if memory_bytes is not None:
                limit_memory(memory_bytes)
            os.execvp(command[0], command)  # noqa: S606  # our own command line
        except BaseException as error:  # noqa: BLE001  # this child must not go on as a fork server
            os.write(writer, str(error).encode(errors="replace"))
        finally:
            os._exit(127)
    os.close(writer)
    with open(reader, "rb") as answer:  # noqa: PTH123  # a descriptor
        reason = answer.read().decode(errors="replace")
    if reason:
        os.waitpid(pid, 0)
        raise OSError(reason)
    return pid


def _leave_server(output: int) -> None:
    """In a child: a process group of its own, the usual handlers of signals, and its output."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _reseed() -> None:
    """Give a forked worker random numbers of its own also where numpy was loaded before; `random` sees to itself."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        seed = cast("Callable[[], None]", numpy_random.seed)
        seed()


def _signal_group(pid: int, number: int) -> None:
    """Signal a process group, which is named after its first process; one that is gone is fine."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
