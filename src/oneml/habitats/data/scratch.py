"""Folders for the files that a node takes and makes: made when they are first needed, removed when the node ends."""

import atexit
import os
import stat
from contextlib import AbstractContextManager
from contextvars import ContextVar
from pathlib import Path


class Scratch:
    """A folder of this process among the temporary files of the machine, with a folder in it for each use."""

    def __init__(self) -> None:
        self._path: Path | None = None

    def new_folder(self) -> Path:
        """Return a new, empty folder that nobody else can read.

        Raises:
            OSError: The system refuses.
        """
        import tempfile  # noqa: PLC0415  # few nodes have files

        if self._path is None or not self._path.is_dir():  # somebody may tidy up temporary files
            self._path = Path(tempfile.mkdtemp(prefix="oneml-"))
        return Path(tempfile.mkdtemp(prefix="", dir=self._path))

    def remove(self) -> None:
        """Remove it with all that is in it, also what is read-only; what cannot be removed is left."""
        path, self._path = self._path, None
        if path is None:
            return
        import shutil  # noqa: PLC0415  # few nodes have files

        for folder, _, _ in os.walk(path):
            Path(folder).chmod(stat.S_IRWXU)
        shutil.rmtree(path, ignore_errors=True)


_of_node: ContextVar[Scratch | None] = ContextVar("oneml_scratch", default=None)
_of_process = Scratch()
atexit.register(_of_process.remove)


class _NodeScratch:
    """Has new folders be those of a node inside the block; a class, for it is entered at every node."""

    __slots__ = ("_scratch", "_token")

    def __enter__(self) -> None:
        self._scratch = Scratch()
        self._token = _of_node.set(self._scratch)

    def __exit__(self, *_exception: object) -> None:
        _of_node.reset(self._token)
        self._scratch.remove()


def node_scratch() -> AbstractContextManager[None]:
    """Have new folders removed when the block is left."""
    return _NodeScratch()


def new_folder() -> Path:
    """Return a new, empty folder that is removed when the node that runs here ends, or else the process.

    Raises:
        OSError: The system refuses.
    """
    return (_of_node.get() or _of_process).new_folder()
