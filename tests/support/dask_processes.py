"""A Dask scheduler and workers that others started, and a wire between them that can be cut."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")


class DaskProcesses:
    """Dask's own commands, on the loopback interface.

    Args:
        folder: Where the address of the scheduler is written.
        allowed_failures: How often a task may lose its worker, beside the last time.
    """

    def __init__(self, folder: Path, *, allowed_failures: int = 0) -> None:
        self.file = folder / "scheduler.json"
        self.started: list[subprocess.Popen[bytes]] = []
        path = os.pathsep.join(filter(None, sys.path))
        failures = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)}
        self.environment = {**os.environ, "PYTHONPATH": path, **failures}

    def scheduler(self, *options: str) -> str:
        """Start one, and return its address."""
        self._start("", "scheduler", "--scheduler-file", str(self.file), "--port", "0", "--no-show", *options)
        return self._address()

    def worker(self, *options: str, before: str = "", address: str | None = None) -> "subprocess.Popen[bytes]":
        """Start one.

        Args:
            options: Of Dask's.
            before: Code that runs in it first.
            address: Of the scheduler; None for that of the one started here.
        """
        scheduler = ("--scheduler-file", str(self.file)) if address is None else (address,)
        return self._start(before, "worker", *scheduler, "--nthreads", "1", *options)

    def end(self) -> None:
        for process in reversed(self.started):
            process.kill()
            process.wait()

    def _start(self, before: str, command: str, *options: str) -> "subprocess.Popen[bytes]":
        name = f"distributed.cli.dask_{command}"
        source = (
            f"import sys; {before}; from {name} import main; main()" if before else f"from {name} import main; main()"
        )
        started = subprocess.Popen(
            [sys.executable, "-c", source, *LOOPBACK, *options],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.started.append(started)
        return started

    def _address(self) -> str:
        for _ in range(600):
            time.sleep(0.05)
            try:
                return str(json.loads(self.file.read_text())["address"])
            except (OSError, ValueError):
                continue
        raise AssertionError("the scheduler does not start")


class Wire:
    """A way to a scheduler that can be cut.

    Args:
        target: The address of the scheduler.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.address = ""
        self._ends: list[socket.socket] = []
        self._relays: list[threading.Thread] = []
        self.mend()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def mend(self) -> None:
        """Let connect again, at the same address."""
        port = int(self.address.rpartition(":")[2] or 0)
        listening = socket.create_server(("127.0.0.1", port))
        self.address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        self._ends = [listening]
        self._start(self._accept, listening)

    def cut(self) -> None:
        """End all connections, and let nobody connect."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        while self._relays:
            self._relays.pop().join()
        for end in self._ends:
            end.close()

    def _start(self, relay: Callable[..., None], *ends: socket.socket) -> None:
        self._relays.append(threading.Thread(target=relay, args=ends, daemon=True))
        self._relays[-1].start()

    def _accept(self, listening: socket.socket) -> None:
        host, _, port = self.target.removeprefix("tcp://").partition(":")
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection((host, int(port)))
                self._ends += [near, far]
                self._start(_relay, near, far)
                self._start(_relay, far, near)


def _relay(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
