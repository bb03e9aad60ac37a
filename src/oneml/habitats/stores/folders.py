"""Folders of a local store, opened one below the other so that no symlink inside the store is ever followed."""

import errno
import os
import stat
from collections.abc import Callable, Iterable

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_INNER_FLAGS = FOLDER_FLAGS | os.O_NOFOLLOW
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE_BYTES = 1 << 20


def find_folder(root: int, segments: Iterable[str]) -> int | None:
    """Open the folder at ``segments`` below the open folder ``root``; None where there is none.

    Returns:
        A descriptor, the caller's to close.

    Raises:
        OSError: A symlink or a file is on the way, or the system refuses.
    """
    try:
        return _descend(root, segments, _open_folder)
    except FileNotFoundError:
        return None


def make_folder(root: int, segments: Iterable[str], made: Callable[[int], None]) -> int:
    """Open the folder at ``segments`` below the open folder ``root``, making what is missing.

    Args:
        root: An open folder.
        segments: The names on the way down.
        made: Told for each folder that was made, with how many segments lie above it.

    Returns:
        A descriptor, the caller's to close.

    Raises:
        OSError: A symlink or a file is on the way, or the system refuses.
    """
    depth = -1

    def open_or_make(name: str, above: int) -> int:
        nonlocal depth
        depth += 1
        try:
            return _open_folder(name, above)
        except FileNotFoundError:
            try:
                os.mkdir(name, dir_fd=above)
            except FileExistsError:
                pass
            else:
                made(depth)
            return _open_folder(name, above)

    return _descend(root, segments, open_or_make)


def open_plain_file(folder: int, name: str) -> tuple[int, os.stat_result] | None:
    """Open a file of a folder for reading, and tell what it is; None where there is none.

    Returns:
        A descriptor, the caller's to close, and its status.

    Raises:
        OSError: It is a symlink, or no plain file, or the system refuses.
    """
    try:
        file = os.open(name, _FILE_FLAGS, dir_fd=folder)
    except FileNotFoundError:
        return None
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode):
        return file, status
    os.close(file)
    raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))


def size_of_plain_file(folder: int, name: str) -> int | None:
    """Return the size of a file of a folder; None where there is no plain file of that name.

    Raises:
        OSError: The system refuses.
    """
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def read_to_end(file: int, size: int) -> bytes:
    """Return what an open file holds, which should be ``size`` bytes."""
    pieces = [os.read(file, size + 1)]
    while pieces[-1]:
        pieces.append(os.read(file, _PIECE_BYTES))
    return pieces[0] if len(pieces) == 2 else b"".join(pieces)  # noqa: PLR2004  # the second is the empty end


def _descend(root: int, segments: Iterable[str], step: Callable[[str, int], int]) -> int:
    folder = root
    for segment in segments:
        try:
            inner = step(segment, folder)
        finally:
            if folder != root:
                os.close(folder)
        folder = inner
    return os.dup(root) if folder == root else folder


def _open_folder(name: str, above: int) -> int:
    return os.open(name, _INNER_FLAGS, dir_fd=above)
