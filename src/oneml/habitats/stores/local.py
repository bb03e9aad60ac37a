"""An artifact store in a folder: of this machine, or of a file system that several machines share.

    oneml-store.json      what this folder is
    <key>                 documents: each appears whole, is never replaced
    blobs/<aa>/<sha-256>  artifacts, by content
    tmp/                  what has no name yet, and what has none any more

Plain calls of the operating system, because every worker pays for what is imported here.
"""

import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from oneml.habitats.errors import InvalidStoreKeyError
from oneml.habitats.ports.artifact_store import Blob
from oneml.habitats.stores import blobs
from oneml.habitats.stores.blob_spool import BlobSpool
from oneml.habitats.stores.durability import FolderPath, UnsyncedFolders, sync
from oneml.habitats.stores.failures import store_failures, strange
from oneml.habitats.stores.folders import find_folder, make_folder, open_plain_file, read_to_end, size_of_plain_file
from oneml.habitats.stores.keys import is_segment, split_key
from oneml.habitats.stores.pending_blob import BLOBS, PendingBlob
from oneml.habitats.stores.publishing import TEMPORARIES, Publisher, open_temporaries, remove_temporary, temporary_name
from oneml.habitats.stores.store_root import MARKER, StoreRoot, remove_tree

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_WRITERS = 16

INDEX = "index"
"""Where the session store of this artifact store lies."""

RESERVED = frozenset({BLOBS, INDEX, MARKER, TEMPORARIES})
"""First segments that no document may have."""


class LocalArtifactStore:
    """A store in a folder, which is made at the first document.

    Args:
        folder: Where; private to this user where it is made here.
        publisher: How documents get in place.
    """

    def __init__(self, folder: Path, *, publisher: Publisher | None = None) -> None:
        self._path = str(folder.absolute())
        self._publisher = publisher or Publisher()
        self._root = StoreRoot(self._path, self._publisher)
        self._unsynced = UnsyncedFolders()
        self._writers: ThreadPoolExecutor | None = None

    @property
    def folder(self) -> Path:
        """The folder, which need not exist."""
        return Path(self._path)

    @property
    def url(self) -> str:
        """A ``file:`` URL."""
        return self.folder.as_uri()

    @property
    def shared(self) -> bool:
        """Every process that sees the folder can open it."""
        return True

    def create_if_absent(self, key: str, data: bytes, *, durable: bool = True) -> bool:
        """Create a document; see `ArtifactStore`.

        Raises:
            InvalidStoreKeyError: ``key`` is no key of a document.
            StoreError: The system refuses.
        """
        segments = _document(key)
        above = segments[:-1]
        with store_failures("be created", self._place(key)), self._opened_for_writing() as root:
            folder = self._make(root, above)
            try:
                created = self._publisher.publish(data, folder, segments[-1], root, durable=durable)
                if durable:
                    self._sync_names(root, above, folder)
            finally:
                os.close(folder)
        return created

    def create_each_if_absent(self, documents: Sequence[tuple[str, bytes]]) -> Sequence[bool]:
        """Create documents; see `ArtifactStore`.

        What is brought to the disk at the same time costs one entry of the file system's journal.

        Raises:
            InvalidStoreKeyError: A key is no key of a document.
            StoreError: The system refuses.
        """
        if len(documents) <= 1:
            return [self.create_if_absent(key, data) for key, data in documents]
        by_folder: dict[FolderPath, list[int]] = {}
        for place, (key, _) in enumerate(documents):
            by_folder.setdefault(_document(key)[:-1], []).append(place)
        created = [False] * len(documents)
        for above, places in by_folder.items():
            told = self._create_in(above, [documents[place] for place in places])
            for place, was_created in zip(places, told, strict=True):
                created[place] = was_created
        return created

    def _create_in(self, above: FolderPath, documents: Sequence[tuple[str, bytes]]) -> Sequence[bool]:
        """Create documents of one folder, and bring their names to the disk once they are all there."""
        from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415  # few processes write many at once

        if self._writers is None:
            self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="oneml-store")
        with store_failures("be created", self._place("/".join(above))), self._opened_for_writing() as root:
            folder = self._make(root, above)

            def publish(document: tuple[str, bytes]) -> bool:
                key, data = document
                with store_failures("be created", self._place(key)):
                    return self._publisher.publish(data, folder, key.rpartition("/")[2], root, durable=True)

            writing = [self._writers.submit(publish, document) for document in documents]
            try:
                wait(writing)
                self._sync_names(root, above, folder)
            finally:
                for one in writing:
                    one.cancel()
                wait(writing)
                os.close(folder)
        return [one.result() for one in writing]

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        """Return a document; see `ArtifactStore`.

        Raises:
            InvalidStoreKeyError: ``key`` is no key of a document.
            StoreError: The system refuses, what lies there is no plain document, or it is too large.
        """
        segments = _document(key)
        place = self._place(key)
        with store_failures("be read", place), self._opened(segments[:-1]) as (root, folder):
            opened = None if folder is None else self._open_file(root, folder, segments[-1], place)
            if opened is None:
                return None
            file, size = opened
            try:
                if size > limit_bytes:
                    raise strange(place, f"has {size} bytes; at most {limit_bytes} are read")
                return read_to_end(file, size)
            finally:
                os.close(file)

    def children(self, prefix: str) -> Sequence[str]:
        """Return the sorted names directly below ``prefix``; see `ArtifactStore`.

        Raises:
            InvalidStoreKeyError: ``prefix`` is no key.
            StoreError: The system refuses.
        """
        with store_failures("be listed", self._place(prefix)), self._opened(_document(prefix)) as (_, folder):
            if folder is None:
                return []
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries if is_segment(entry.name))

    def delete_tree(self, prefix: str) -> None:
        """Delete every document below ``prefix``, and one that lies there: all at once to whoever looks.

        Raises:
            InvalidStoreKeyError: ``prefix`` is no key.
            StoreError: The system refuses.
        """
        segments = _document(prefix)
        with store_failures("be deleted", self._place(prefix)), self._opened(segments[:-1]) as (root, above):
            if above is None:
                return
            with open_temporaries(root) as temporaries, suppress(FileNotFoundError):
                aside = temporary_name()
                os.rename(segments[-1], aside, src_dir_fd=above, dst_dir_fd=temporaries)
                remove_tree(temporaries, aside)

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Blob:
        """Store what ``write`` writes; see `ArtifactStore`.

        A blob that lies there already is replaced by the same content, so that a damaged one is healed.

        Raises:
            StoreError: The system refuses. What ``write`` raises passes through.
        """
        with PendingBlob(self._root) as pending:
            blob = BlobSpool(pending.opened).filled_by(write)
            if blob.inline is None:
                above = (BLOBS, blob.digest[:2])
                with store_failures("be written", self._place("/".join(above))):
                    folder = self._make(pending.root, above)
                    try:
                        pending.move_into(folder, blob.digest)
                        self._sync_names(pending.root, above, folder)
                    finally:
                        os.close(folder)
        return blob

    def has_blob(self, blob: Blob) -> bool:
        """Tell whether an artifact is there; see `ArtifactStore`.

        Raises:
            CorruptArtifactError: Its digest is none.
            StoreError: The system refuses.
        """
        above = (BLOBS, blob.digest[:2])
        place = self._place(f"{BLOBS}/{blob.digest[:2]}/{blob.digest}")
        blobs.check_digest(blob.digest, place)
        if blob.inline is not None:
            return len(blob.inline) == blob.size
        with store_failures("be read", place), self._opened(above) as (_, folder):
            return folder is not None and size_of_plain_file(folder, blob.digest) == blob.size

    @contextmanager
    def open_blob(self, blob: Blob) -> Generator[BinaryIO]:
        """Open an artifact; see `ArtifactStore`.

        Raises:
            CorruptArtifactError: It is not what was stored, or was changed while the block was at it.
            StoreError: It is missing, no plain file, or the system refuses.
        """
        if blob.inline is not None:
            yield blobs.check_bytes(blob.inline, blob, f"inline artifact {blob.digest}")
            return
        above = (BLOBS, blob.digest[:2])
        place = self._place(f"{BLOBS}/{blob.digest[:2]}/{blob.digest}")
        blobs.check_digest(blob.digest, place)
        with store_failures("be read", place), self._opened(above) as (root, folder):
            opened = None if folder is None else self._open_file(root, folder, blob.digest, place)
        if opened is None:
            raise blobs.missing(place)
        with os.fdopen(opened[0], "rb") as stream:
            with store_failures("be read", place):
                blobs.check_size(opened[1], blob, place)
                blobs.check_hash(hashlib.file_digest(stream, "sha256").hexdigest(), blob, place)
                stream.seek(0)
            before = os.fstat(stream.fileno())
            yield stream
            after = os.fstat(opened[0])
            if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
                raise blobs.corrupt(place, "it was changed while it was read")

    def _place(self, key: str) -> str:
        return f"{self._path}/{key}"

    @contextmanager
    def _opened_for_writing(self) -> Generator[int]:
        root = self._root.open_for_writing()
        try:
            yield root
        finally:
            os.close(root)

    @contextmanager
    def _opened(self, segments: FolderPath) -> Generator[tuple[int, int | None]]:
        root = self._root.open()
        if root is None:
            yield -1, None
            return
        folder = None
        try:
            folder = find_folder(root, segments)
            yield root, folder
        finally:
            os.close(root)
            if folder is not None:
                os.close(folder)

    def _make(self, root: int, segments: FolderPath) -> int:
        return make_folder(root, segments, lambda depth: self._unsynced.add(segments[:depth]))

    def _sync_names(self, root: int, segments: FolderPath, folder: int) -> None:
        """Bring the names in ``folder`` to the disk, and the names on the way to it that are not there yet."""
        sync(folder)
        self._unsynced.discard(segments)
        for above in self._unsynced.above(segments):
            found = find_folder(root, above)
            if found is not None:
                try:
                    sync(found)
                finally:
                    os.close(found)
            self._unsynced.discard(above)

    def _open_file(self, root: int, folder: int, name: str, place: str) -> tuple[int, int] | None:
        """Open a file that has one name only, and return its descriptor and size."""
        opened = open_plain_file(folder, name)
        if opened is None:
            return None
        file, status = opened
        try:
            names = status.st_nlink if status.st_nlink == 1 else _names_after_settling(root, file)
        except BaseException:
            os.close(file)
            raise
        if names > 1:
            os.close(file)
            raise strange(place, "has a second name (a hard link) somewhere")
        return file, status.st_size


def _names_after_settling(root: int, file: int) -> int:
    """Drop the temporary name of a file whose writer died, or has not come to it yet, and count what remains."""
    inode = os.fstat(file).st_ino
    with open_temporaries(root) as temporaries:
        with os.scandir(temporaries) as entries:
            ours = [entry.name for entry in entries if entry.inode() == inode]
        for name in ours:
            remove_temporary(temporaries, name)
    return os.fstat(file).st_nlink


def _document(key: str) -> FolderPath:
    segments = split_key(key)
    if segments[0] in RESERVED:
        raise InvalidStoreKeyError(key=key)
    return segments
