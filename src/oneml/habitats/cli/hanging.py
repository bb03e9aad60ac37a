"""The end of a command some of whose threads hang inside of a library, where the interpreter would crash."""

import atexit
import os
import sys


def end_at_once_where_something_hangs(code: object) -> None:
    """End the process with its exit code where a thread was left behind, once what is to run at the end has run.

    Args:
        code: Of `SystemExit`.
    """
    left_behind = sys.modules.get("oneml.habitats.engines.left_behind")  # where it is not loaded nothing was
    if left_behind is None or not left_behind.any_left():
        return
    atexit._run_exitfuncs()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # there is no other way
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
