"""Forks workers of Dask before any code of a pipeline is imported: as a program, one for each line of standard input.

A line is JSON: ``address`` of the scheduler, ``name``, which is also the tag that the worker offers, ``folder`` for its
files, ``environment``, ``working`` directory. The answer is its process id. They end with the program.
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forked import become
from harbour_site import Harbour

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl."""


class Forge:
    """The program, as its parent sees it."""

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self._process = process
        self._address = address
        self._count = 0

    @contextmanager
    def worker(self, harbour: Harbour, variables: Mapping[str, str]) -> Iterator[str]:
        """Start a worker in an environment as it is now, and give its tag; it ends with the block."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._count += 1
        name = f"w{self._process.pid}-{self._count}"
        told = {
            "address": self._address,
            "name": name,
            "folder": str(harbour.folder / "tmp"),
            "environment": {**harbour.environment, **variables},
            "working": str(harbour.working),
        }
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        try:
            yield name
        finally:
            os.kill(pid, signal.SIGKILL)


@contextmanager
def forge(address: str, variables: Mapping[str, str] | None = None) -> Iterator[Forge]:
    """Start the program for workers of a scheduler, with variables that an interpreter reads when it starts."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OPENBLAS_NUM_THREADS": "1"}
    environment.update(variables or {})
    process = subprocess.Popen(
        [sys.executable, "-P", __file__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Forge(process, address)
    finally:
        process.kill()
        process.communicate()


async def work(told: Mapping[str, Any]) -> None:
    from distributed import Worker

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    options = {"nthreads": 1, "host": "127.0.0.1", "dashboard": False, "local_directory": told["folder"]}
    resources = {f"tag-{told['name']}": 1.0}
    async with Worker(told["address"], name=told["name"], resources=resources, **options) as worker:
        await worker.finished()


def main() -> None:
    import distributed  # noqa: F401  # once for all

    from oneml.habitats.engines import dask_worker  # noqa: F401  # as above
    from oneml.habitats.sessions import worker  # noqa: F401  # as above

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            told = json.loads(line)
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
            become(told["environment"], told["working"], without=str(Path(__file__).parent))
            asyncio.run(work(told))
            os._exit(0)
        print(child, flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
