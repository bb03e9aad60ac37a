"""A program: waits for the end of a driver, then ends what is left of its embedded cluster and removes its folder.

Ray ends most of a cluster with its driver; its agents outlive a killed one by a minute, and the folder stays. The
driver itself goes on after its cluster, with logs of Ray there still open.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_END_SECONDS = 10.0


@contextmanager
def guarded(folder: Path) -> Generator[None]:
    """Guard the folder in the block: what else uses it after that, or after the end of this process, is ended.

    A guard that is not done within `_END_SECONDS` of the block is ended too.
    """
    command = [sys.executable, "-I", "-S", __file__, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as guard:  # noqa: S603  # our own
        try:
            yield
        finally:
            try:
                guard.communicate(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                guard.kill()  # what it has not removed stays; the result of the session counts


def users_of(folder: str) -> Iterator[int]:
    """Give the processes that hold a file below the folder open; none where there is no ``/proc``."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(os.readlink(link).startswith(f"{folder}/") for link in (process / "fd").iterdir()):  # noqa: PTH115  # no path
                yield int(process.name)


def main() -> None:
    """Wait, and clean up."""
    folder, driver = sys.argv[1], os.getppid()
    sys.stdin.buffer.read()
    for process in users_of(folder):
        if process != driver:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
