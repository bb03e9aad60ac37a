"""Runs the body of a node under the debugger of the standard library."""

import bdb
import pdb
from collections.abc import Callable


def debugged(body: Callable[..., object], /, **arguments: object) -> object:
    """Call a body, stopping at its first line, and where it raises something.

    Raises:
        KeyboardInterrupt: The debugger was left with ``quit``.
        Exception: What the body raised.
    """
    debugger = pdb.Pdb(nosigint=True)
    try:
        return debugger.runcall(body, **arguments)
    except bdb.BdbQuit as left:
        raise KeyboardInterrupt from left
    except Exception as raised:
        debugger.message(f"{type(raised).__name__}: {raised}")
        pdb.post_mortem(raised.__traceback__)
        raise
