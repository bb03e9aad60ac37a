"""Putting files in place: written aside first, then given their name in one step."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress

from typing_extensions import Buffer

from oneml.habitats.stores.durability import sync
from oneml.habitats.stores.folders import make_folder

TEMPORARIES = "tmp"
TEMPORARY_PREFIX = "new-"

_ANONYMOUS: int = getattr(os, "O_TMPFILE", 0)
_NAMED_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o666
_NO_ANONYMOUS_FILES = frozenset(
    {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EXDEV, errno.EPERM, errno.EACCES}
)
"""What is said where files without a name (O_TMPFILE) are unknown, or there is no /proc to give them one."""


class Publisher:
    """Creates documents, each for one caller only: `os.link` fails where there is one already.

    On Linux the content is written to a file without a name, which the system itself drops if the process dies;
    elsewhere to a temporary one.
    """

    def __init__(self, *, anonymous: bool = _ANONYMOUS != 0) -> None:
        self._anonymous = anonymous

    def publish(self, data: bytes, folder: int, name: str, root: int, *, durable: bool) -> bool:
        """Create a document and tell whether it was this call that did.

        Args:
            data: The document.
            folder: Where, an open folder.
            name: Its name there.
            root: The open root of the store.
            durable: Whether its content is to be on the disk before its name appears.

        Raises:
            OSError: The system refuses; this call created nothing.
        """
        if not self._anonymous:
            return _publish_named(data, folder, name, root, durable=durable)
        try:
            return _publish_anonymous(data, folder, name, durable=durable)
        except OSError as error:
            if error.errno not in _NO_ANONYMOUS_FILES:
                raise
        published = _publish_named(data, folder, name, root, durable=durable)
        self._anonymous = False
        return published


@contextmanager
def open_temporaries(root: int) -> Generator[int]:
    """Have the folder of temporary files open, made if need be.

    Raises:
        OSError: The system refuses.
    """
    folder = make_folder(root, (TEMPORARIES,), lambda _depth: None)
    try:
        yield folder
    finally:
        os.close(folder)


def open_temporary(temporaries: int) -> tuple[int, str]:
    """Open a new temporary file, and return its descriptor and its name.

    Raises:
        OSError: The system refuses.
    """
    name = temporary_name()
    return os.open(name, _NAMED_FLAGS, _MODE, dir_fd=temporaries), name


def write_all(file: int, data: Buffer) -> None:
    """Write all of ``data``, however often the system stops halfway.

    Raises:
        OSError: The system refuses.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def remove_temporary(temporaries: int, name: str) -> None:
    """Remove a temporary file, if it is still there.

    Raises:
        OSError: The system refuses.
    """
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=temporaries)


def temporary_name() -> str:
    """Return a name that nobody else uses for something temporary."""
    return f"{TEMPORARY_PREFIX}{os.getpid()}-{os.urandom(8).hex()}"


def _publish_anonymous(data: bytes, folder: int, name: str, *, durable: bool) -> bool:
    file = os.open(".", os.O_WRONLY | _ANONYMOUS | os.O_CLOEXEC, _MODE, dir_fd=folder)
    try:
        _fill(file, data, durable=durable)
        return _link(f"/proc/self/fd/{file}", name, folder, folder, follow=True)
    finally:
        os.close(file)


def _publish_named(data: bytes, folder: int, name: str, root: int, *, durable: bool) -> bool:
    with open_temporaries(root) as temporaries:
        file, temporary = open_temporary(temporaries)
        try:
            try:
                _fill(file, data, durable=durable)
            finally:
                os.close(file)
            return _link(temporary, name, temporaries, folder, follow=False)
        finally:
            remove_temporary(temporaries, temporary)


def _fill(file: int, data: bytes, *, durable: bool) -> None:
    write_all(file, data)
    if durable:
        sync(file)


def _link(source: str, name: str, source_folder: int, folder: int, *, follow: bool) -> bool:
    try:
        os.link(source, name, src_dir_fd=source_folder, dst_dir_fd=folder, follow_symlinks=follow)
    except FileExistsError:
        return False
    return True
