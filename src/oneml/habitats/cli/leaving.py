"""Bodies that end the process in which a command runs them: that is never a success."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from oneml.habitats.cli.failures import EXIT_FAILED
from oneml.habitats.cli.printing import remark


@contextmanager
def leaving_fails(told: str) -> Generator[None]:
    """Have ``os._exit(0)`` in the block, which ends this process before anything is published, end it with a failure.

    Processes that bodies fork may leave as they like.

    Args:
        told: What is said then.
    """
    process_id, leave = os.getpid(), os._exit

    def leave_failing(status: int) -> None:
        if status & 0xFF == 0 and os.getpid() == process_id:  # all that the system keeps of it
            from oneml.habitats.engines.task_lines import printed_as_it_is  # noqa: PLC0415  # seldom needed

            with printed_as_it_is():
                remark(told)
            status = EXIT_FAILED
        leave(status)

    os._exit = leave_failing  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave
