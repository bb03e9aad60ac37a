"""Errors of the operating system as errors of a store, each with what to do about it."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager

from oneml.habitats.errors import StoreError

_ANOTHER = "or let ONEML_STORE_URL name another folder"
_FULL = f"Free space there, {_ANOTHER}."
_DENIED = f"Make it readable and writable for this user, {_ANOTHER}."
_STRANGE = f"Something was put there that is not ours: move it away, {_ANOTHER}."
UPGRADE = "Upgrade oneml-habitats here, or use the version that wrote it."
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
    errno.EFBIG: f"Raise the limit on file sizes (ulimit -f), {_ANOTHER}.",
    errno.EIO: f"Look after the disk, {_ANOTHER}.",
    errno.ELOOP: _STRANGE,
    errno.ENOTDIR: _STRANGE,
    errno.EISDIR: _STRANGE,
    errno.ENXIO: _STRANGE,
    errno.EMFILE: "Raise the limit on open files (ulimit -n).",
    errno.ENFILE: "Close files: the machine has as many open as it allows.",
}


@contextmanager
def store_failures(action: str, place: str) -> Generator[None]:
    """Turn what the operating system refuses inside the block into a `StoreError`.

    Args:
        action: What is being done, for the message: ``be written``.
        place: Where.

    Raises:
        StoreError: Something was refused.
    """
    try:
        yield
    except OSError as error:
        raise refused(action, place, error) from error


def refused(action: str, place: str, error: OSError) -> StoreError:
    """Return the error that says that ``place`` cannot ``action``, and why."""
    code = error.errno or 0
    reason = f"cannot {action}: {os.strerror(code) if code else error}"
    return StoreError(place=place, reason=reason, remedy=_REMEDIES.get(code, f"Look at that folder, {_ANOTHER}."))


def strange(place: str, reason: str, remedy: str = _STRANGE) -> StoreError:
    """Return the error that says that what lies at ``place`` is not what a store holds."""
    return StoreError(place=place, reason=reason, remedy=remedy)
