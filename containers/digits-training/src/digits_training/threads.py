"""How many threads linear algebra uses, for their number decides how results are rounded."""

from collections.abc import Iterator

from threadpoolctl import threadpool_limits


def one_thread() -> Iterator[int]:
    """Have linear algebra use one thread in this process, whatever the machine, the engine or the environment say.

    Yields:
        How many there are: one.
    """
    with threadpool_limits(limits=1):
        yield 1
