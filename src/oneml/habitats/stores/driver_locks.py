"""Who drives a session: locks on files, which the system drops when their process ends, however it ends."""

import fcntl
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from oneml.habitats.errors import SessionBusyError
from oneml.habitats.stores.failures import store_failures
from oneml.habitats.values.session_id import SessionId, session_key

PROBE_SECONDS = 0.2
"""Whoever asks whether a session is driven holds its lock for a moment; a driver outwaits that."""

_RETRY_SECONDS = 0.005
_HOLDER_MAX_BYTES = 64

_held_here: set[Path] = set()
_held_here_lock = threading.Lock()


class DriverLocks:
    """One lock file a session, in a folder that is made when it is first needed.

    What this process holds is kept in mind as well: some file systems give a process a lock that it has already.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @contextmanager
    def hold(self, session_id: SessionId) -> Generator[None]:
        """Hold the lock of a session until the block is left.

        Raises:
            SessionBusyError: Somebody else holds it.
            StoreError: The system refuses.
        """
        path = self._path(session_id)
        with _held_here_lock:
            if path in _held_here:
                raise SessionBusyError(session_id=session_id, holder="another thread of this process")
            _held_here.add(path)
        try:
            with store_failures("be locked", str(path)):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = self._acquire(path, session_id)
            try:
                yield
            finally:
                with suppress(FileNotFoundError):
                    path.unlink()  # while the lock is held: who waits for it looks again, see _try
                os.close(lock)
        finally:
            with _held_here_lock:
                _held_here.discard(path)

    def is_held(self, session_id: SessionId) -> bool:
        """Tell whether some process holds the lock of a session now.

        Raises:
            StoreError: The system refuses.
        """
        path = self._path(session_id)
        if path in _held_here:
            return True
        with store_failures("be looked at", str(path)):
            try:
                lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                return False
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(lock)
        return False

    def _path(self, session_id: SessionId) -> Path:
        return self._folder / f"{session_key(session_id)}.lock"

    def _acquire(self, path: Path, session_id: SessionId) -> int:
        give_up = time.monotonic() + PROBE_SECONDS
        while True:
            lock = _try(path)
            if lock is not None:
                return lock
            if time.monotonic() > give_up:
                raise SessionBusyError(session_id=session_id, holder=_holder(path))
            time.sleep(_RETRY_SECONDS)


def _try(path: Path) -> int | None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), path.stat()):
            os.ftruncate(lock, 0)
            os.write(lock, str(os.getpid()).encode())
            kept, lock = lock, -1
            return kept
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or removed by its last holder since it was opened
    finally:
        if lock >= 0:
            os.close(lock)
    return None


def _holder(path: Path) -> str:
    try:
        with path.open("rb") as lock:
            pid = lock.read(_HOLDER_MAX_BYTES).decode(errors="replace")
    except FileNotFoundError:
        pid = ""
    return f"process {pid}" if pid.isdigit() else "another process"
