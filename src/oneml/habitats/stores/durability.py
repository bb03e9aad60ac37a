"""Getting files and names onto the disk, so that they outlive a crash of the machine."""

import fcntl
import os
import sys
import threading
from collections.abc import Sequence
from typing import TypeAlias

FolderPath: TypeAlias = tuple[str, ...]
"""Segments of a folder below the root of a store; empty for the root itself."""

UNSYNCED_MAX = 4096


def sync(descriptor: int) -> None:
    """Return once the content of a file, or the names in a folder, are on the disk.

    Raises:
        OSError: The system cannot promise it.
    """
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync there leaves data in the cache of the drive
    else:
        os.fsync(descriptor)


class UnsyncedFolders:
    """Folders that this process put new folders into without waiting for the disk.

    Something durable below such a folder is only as durable as the folders on the way to it. The oldest entries are
    forgotten beyond `UNSYNCED_MAX`; by then whatever was to be durable below them has long been created.
    """

    def __init__(self) -> None:
        self._folders: dict[FolderPath, None] = {}
        self._lock = threading.Lock()

    def add(self, folder: FolderPath) -> None:
        """A folder was made in ``folder``."""
        with self._lock:
            self._folders[folder] = None
            if len(self._folders) > UNSYNCED_MAX:
                del self._folders[next(iter(self._folders))]

    def above(self, folder: FolderPath) -> Sequence[FolderPath]:
        """Return those among the folders above ``folder``, outermost first."""
        return [folder[:depth] for depth in range(len(folder)) if folder[:depth] in self._folders]

    def discard(self, folder: FolderPath) -> None:
        """The names in ``folder`` are on the disk."""
        with self._lock:
            self._folders.pop(folder, None)
