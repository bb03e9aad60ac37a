"""Runs the body of a node under the debugger of the standard library."""

import pdb
from collections.abc import Callable
from typing import cast

from typing_extensions import override


class _Debugger(pdb.Pdb):
    """Knows whether it was left with ``quit``: then it returns None, as if the body had."""

    was_left = False

    @override
    def set_quit(self) -> None:
        self.was_left = True
        super().set_quit()


def debugged(body: Callable[..., object], /, **arguments: object) -> object:
    """Call a body, stopping at its first line, and where it raises something.

    Raises:
        KeyboardInterrupt: The debugger was left with ``quit``.
        Exception: What the body raised.
    """
    debugger = _Debugger(nosigint=True)
    try:
        result = cast("object", debugger.runcall(body, **arguments))
    except Exception as raised:
        debugger.message(f"{type(raised).__name__}: {raised}")
        pdb.post_mortem(raised.__traceback__)
        raise
    if debugger.was_left:
        raise KeyboardInterrupt
    return result
