"""The folder of a local store: made at its first document, known by its marker, cleared of what dead writers left."""

import os
import time
from contextlib import suppress
from pathlib import Path

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.stores.durability import sync
from oneml.habitats.stores.failures import UPGRADE, strange
from oneml.habitats.stores.folders import FOLDER_FLAGS, open_plain_file, read_to_end
from oneml.habitats.stores.publishing import TEMPORARY_PREFIX, Publisher, open_temporaries
from oneml.habitats.values.json_value import canonical_json, json_object

SCHEMA = 1
MARKER = "oneml-store.json"
TEMPORARY_MAX_SECONDS = 86_400
"""What is older than this in the folder of temporaries was left by a writer that died."""

SWEPT = "swept"
"""Its time tells when the folder of temporaries was last looked through."""

_SWEEP_MOST = 1000
_MARKER_MAX_BYTES = 65_536


class StoreRoot:
    """The root folder of a store.

    Args:
        path: Absolute; need not exist.
        publisher: Creates the marker.
    """

    def __init__(self, path: str, publisher: Publisher) -> None:
        self.path = path
        self._publisher = publisher
        self._recognised = False
        self._prepared = False

    def open(self) -> int | None:
        """Open the folder for reading; None where there is no store yet.

        Raises:
            StoreError: It is a store of another format.
            OSError: The system refuses.
        """
        try:
            root = os.open(self.path, FOLDER_FLAGS)
        except FileNotFoundError:
            self._recognised = self._prepared = False
            return None
        try:
            self._recognised = self._recognised or self._recognise(root)
        except BaseException:
            os.close(root)
            raise
        return root

    def open_for_writing(self) -> int:
        """Open the folder, made and marked if need be; private to this user where it is made here.

        Raises:
            StoreError: It is a store of another format.
            OSError: The system refuses.
        """
        root = self.open()
        if root is None:
            root = self._make()
        try:
            if not self._prepared:
                self._prepare(root)
        except BaseException:
            os.close(root)
            raise
        return root

    def _make(self) -> int:
        path = Path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        above = os.open(path.parent, FOLDER_FLAGS)
        try:
            sync(above)
        finally:
            os.close(above)
        return os.open(self.path, FOLDER_FLAGS)

    def _prepare(self, root: int) -> None:
        if not self._recognised:
            marker = canonical_json({"schema": SCHEMA})
            self._publisher.publish(marker, root, MARKER, root, durable=True)
            sync(root)
            self._recognised = self._recognise(root)
        with open_temporaries(root) as temporaries:
            sweep(temporaries)
        self._prepared = True

    def _recognise(self, root: int) -> bool:
        opened = open_plain_file(root, MARKER)
        if opened is None:
            return False
        file, status = opened
        try:
            data = read_to_end(file, status.st_size)
        finally:
            os.close(file)
        what = f"marker {self.path}/{MARKER}"
        schema = json_object(data, what=what, limit_bytes=_MARKER_MAX_BYTES).get("schema")
        if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
            raise InvalidDocumentError(what=what, reason="it names no schema")
        if schema > SCHEMA:
            raise strange(self.path, f"is a store of schema {schema}, and this version knows {SCHEMA}", UPGRADE)
        return True


def sweep(temporaries: int) -> None:
    """Remove what writers left that died more than a day ago: a bounded number, at most once a day.

    Args:
        temporaries: The folder of temporaries, open.

    Raises:
        OSError: The system refuses.
    """
    now = time.time()
    try:
        if now - os.stat(SWEPT, dir_fd=temporaries, follow_symlinks=False).st_mtime < TEMPORARY_MAX_SECONDS:
            return
    except FileNotFoundError:
        pass
    os.close(os.open(SWEPT, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=temporaries))
    os.utime(SWEPT, dir_fd=temporaries, follow_symlinks=False)
    removed = 0
    with os.scandir(temporaries) as entries:
        for entry in entries:
            if removed < _SWEEP_MOST and entry.name.startswith(TEMPORARY_PREFIX) and _is_old(entry, now):
                remove_tree(temporaries, entry.name)
                removed += 1


def remove_tree(folder: int, name: str) -> None:
    """Remove a file, or a folder with all that is in it, without following symlinks; a missing one is fine.

    Raises:
        OSError: The system refuses.
    """
    with suppress(FileNotFoundError):
        try:
            os.unlink(name, dir_fd=folder)
        except (IsADirectoryError, PermissionError):  # Linux and macOS say it differently of a folder
            from shutil import rmtree  # noqa: PLC0415  # it loads every kind of compression

            rmtree(name, dir_fd=folder)


def _is_old(entry: os.DirEntry[str], now: float) -> bool:
    try:
        return now - entry.stat(follow_symlinks=False).st_mtime > TEMPORARY_MAX_SECONDS
    except FileNotFoundError:
        return False
