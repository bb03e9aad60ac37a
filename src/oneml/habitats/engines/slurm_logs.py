"""Follows the output file of a job as it grows on a shared file system."""

import os
from contextlib import suppress
from pathlib import Path

from oneml.habitats.engines.worker_output import LOG_MAX_BYTES, NodeOutput

_END_BYTES = 1 << 16


class LogTail:
    """The output of one job.

    Args:
        path: The file; need not exist yet.
        output: Cuts it into lines and shows them.
    """

    def __init__(self, path: Path, output: NodeOutput) -> None:
        self.path = path
        self._output = output
        self._at = 0

    @property
    def seen(self) -> bool:
        """Whether the file was there."""
        return self._at > 0 or self.path.exists()

    def read(self) -> None:
        """Show what came since; of a file of more than is shown, its end only."""
        with suppress(OSError), self.path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if self._at > LOG_MAX_BYTES:
                self._at = max(self._at, size - _END_BYTES)
            stream.seek(self._at)
            data = stream.read(LOG_MAX_BYTES)
            self._at += len(data)
            if data:
                self._output.write(data)

    def end(self) -> list[str]:
        """Show what is left once nobody writes any more, and return the last lines, masked."""
        self.read()
        self.read()
        self._output.end()
        return self._output.tail()

    def remove(self) -> None:
        """Delete the file."""
        with suppress(OSError):
            self.path.unlink()
