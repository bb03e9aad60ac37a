"""Files that somebody named on the command line, and that cannot be written."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from oneml.habitats.cli.failures import EXIT_USAGE, ReportedError


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Write the file ``path`` in the block.

    Raises:
        ReportedError: The system refused.
    """
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}."
        raise ReportedError(message, exit_code=EXIT_USAGE) from error
