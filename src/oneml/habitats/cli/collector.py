"""The garbage collector stands still while modules are imported.

What they make stays, and looking through it again and again takes a good part of a worker's life.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def importing() -> Generator[None]:
    """Keep the collector from running inside the block, and from what is there by its end for good.

    Where it does not run anyway, nothing changes.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # else its first run looks through all of it
        gc.enable()
