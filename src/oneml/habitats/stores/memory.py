"""An artifact store in the memory of this process."""

import io
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, TypeAlias

from oneml.habitats.ports.artifact_store import Blob
from oneml.habitats.stores import blobs
from oneml.habitats.stores.blob_spool import BlobSpool
from oneml.habitats.stores.failures import strange
from oneml.habitats.stores.keys import split_key

URL = "memory:"

_Folder: TypeAlias = "dict[str, _Folder | bytes]"


class MemoryArtifactStore:
    """A store that nobody else can open, and that is gone with its last reference."""

    def __init__(self) -> None:
        self._documents: _Folder = {}
        self._blobs: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """``memory:``."""
        return URL

    @property
    def shared(self) -> bool:
        """No other process can open it."""
        return False

    def create_if_absent(self, key: str, data: bytes, *, durable: bool = True) -> bool:
        """Create a document; see `ArtifactStore`.

        Raises:
            InvalidStoreKeyError: ``key`` is no key.
            StoreError: A document lies on the way there.
        """
        *above, name = split_key(key)
        with self._lock:
            folder = self._documents
            for segment in above:
                inner = folder.setdefault(segment, {})
                if isinstance(inner, bytes):
                    raise strange(URL + key, "a document lies on the way")
                folder = inner
            if name in folder:
                return False
            folder[name] = bytes(data)
            return True

    def create_each_if_absent(self, documents: Sequence[tuple[str, bytes]]) -> Sequence[bool]:
        """Create documents; see `ArtifactStore`.

        Raises:
            InvalidStoreKeyError: A key is none.
            StoreError: A document lies on the way to one.
        """
        return [self.create_if_absent(key, data) for key, data in documents]

    def read(self, key: str, *, limit_bytes: int) -> bytes | None:
        """Return a document; see `ArtifactStore`.

        Raises:
            InvalidStoreKeyError: ``key`` is no key.
            StoreError: It is no document, or too large.
        """
        with self._lock:
            found = self._find(split_key(key))
        if isinstance(found, dict):
            raise strange(URL + key, "is a folder")
        if found is not None and len(found) > limit_bytes:
            raise strange(URL + key, f"has {len(found)} bytes; at most {limit_bytes} are read")
        return found

    def children(self, prefix: str) -> Sequence[str]:
        """Return the sorted names directly below ``prefix``; see `ArtifactStore`.

        Raises:
            InvalidStoreKeyError: ``prefix`` is no key.
            StoreError: ``prefix`` is a document.
        """
        with self._lock:
            found = self._find(split_key(prefix))
            if isinstance(found, bytes):
                raise strange(URL + prefix, "is a document")
            return sorted(found or ())

    def delete_tree(self, prefix: str) -> None:
        """Delete every document below ``prefix``, and one that lies there.

        Raises:
            InvalidStoreKeyError: ``prefix`` is no key.
        """
        *above, name = split_key(prefix)
        with self._lock:
            folder = self._find(above)
            if isinstance(folder, dict):
                folder.pop(name, None)

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Blob:
        """Store what ``write`` writes; see `ArtifactStore`. What ``write`` raises passes through."""
        large = io.BytesIO()
        blob = BlobSpool(lambda: large).filled_by(write)
        if blob.inline is None:
            with self._lock:
                self._blobs.setdefault(blob.digest, large.getvalue())
        return blob

    def has_blob(self, blob: Blob) -> bool:
        """Tell whether an artifact is there; see `ArtifactStore`.

        Raises:
            CorruptArtifactError: Its digest is none.
        """
        blobs.check_digest(blob.digest, f"{URL}blobs/{blob.digest}")
        data = self._blobs.get(blob.digest) if blob.inline is None else blob.inline
        return data is not None and len(data) == blob.size

    @contextmanager
    def open_blob(self, blob: Blob) -> Generator[BinaryIO]:
        """Open an artifact; see `ArtifactStore`.

        Raises:
            CorruptArtifactError: It is not what was stored.
            StoreError: It is missing.
        """
        place = f"{URL}blobs/{blob.digest}"
        data = blob.inline if blob.inline is not None else self._blobs.get(blob.digest)
        if data is None:
            raise blobs.missing(place)
        yield blobs.check_bytes(data, blob, place)

    def _find(self, segments: Sequence[str]) -> "_Folder | bytes | None":
        found: _Folder | bytes | None = self._documents
        for segment in segments:
            if not isinstance(found, dict):
                return None
            found = found.get(segment)
        return found
