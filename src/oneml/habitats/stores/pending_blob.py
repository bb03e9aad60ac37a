"""An artifact on its way into a local store: a temporary file, until its hash is known."""

import os
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from typing_extensions import Buffer

from oneml.habitats.stores.durability import sync
from oneml.habitats.stores.failures import store_failures
from oneml.habitats.stores.publishing import open_temporaries, open_temporary, remove_temporary, write_all
from oneml.habitats.stores.store_root import StoreRoot

BLOBS = "blobs"


class PendingBlob:
    """A temporary file of a store, made when it is first needed and gone when the block is left.

    Attributes:
        root: The open root of the store, once there is a file.
    """

    def __init__(self, store: StoreRoot) -> None:
        self._store = store
        self._closing = ExitStack()
        self._file = self._temporaries = self.root = -1
        self._name = ""

    def __enter__(self) -> Self:
        """Have it until the block is left."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Drop the temporary name, unless the file has got its own."""
        self._closing.close()

    def opened(self) -> Self:
        """Make the file.

        Raises:
            StoreError: The system refuses.
        """
        with store_failures("be written", self._place):
            self.root = self._store.open_for_writing()
            self._closing.callback(os.close, self.root)
            self._temporaries = self._closing.enter_context(open_temporaries(self.root))
            self._file, self._name = open_temporary(self._temporaries)
            self._closing.callback(remove_temporary, self._temporaries, self._name)
            self._closing.callback(os.close, self._file)
        return self

    def write(self, data: Buffer, /) -> None:
        """Write some more.

        Raises:
            StoreError: The system refuses.
        """
        with store_failures("be written", self._place):
            write_all(self._file, data)

    def move_into(self, folder: int, name: str) -> None:
        """Put the file in place, once its content is on the disk.

        Whatever had that name is replaced: the name is the hash of the content, so it is the same, or damaged.

        Raises:
            OSError: The system refuses.
        """
        sync(self._file)
        os.replace(self._name, name, src_dir_fd=self._temporaries, dst_dir_fd=folder)

    @property
    def _place(self) -> str:
        return f"{self._store.path}/{BLOBS}"
