"""The standard streams of a command, also where whoever started it closed some."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def open_missing_streams() -> None:
    """Open the null device in place of every standard stream that is closed.

    Else the next file that is opened, perhaps the session database, would be standard output to child processes.
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for number, name in ((_STDOUT, "stdout"), (_STDERR, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))


@contextmanager
def stdout_kept_for_data() -> Generator[None]:
    """Let everything that is written to standard output in the block, also by child processes, go to standard error.

    What nodes print must not stand inside the one document of a command.
    """
    sys.stdout.flush()
    saved = os.dup(_STDOUT)
    try:
        os.dup2(_STDERR, _STDOUT)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, _STDOUT)
        os.close(saved)
