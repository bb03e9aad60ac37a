"""Whether a store can be used: made where it is not there yet, and written.

What the system allows is tried, since permissions do not tell it of every file system; nothing is left behind.
"""

import uuid
from pathlib import Path

from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.stores.failures import store_failures
from oneml.habitats.stores.local import LocalArtifactStore


def check_usable(store: ArtifactStore) -> None:
    """Let pass a store that exists, or that the first document would make.

    An empty list would hide a URL that leads nowhere.

    Raises:
        StoreError: Its folder can neither be found nor made.
    """
    if not isinstance(store, LocalArtifactStore):
        return
    folder = store.folder
    with store_failures("be made", str(folder)):
        if folder.exists():
            return
        _probe(next(upper for upper in folder.parents if upper.exists()))


def is_read_only(store: ArtifactStore) -> bool:
    """Tell whether a store exists in which nothing can be written: its sessions can be looked at, no more."""
    if not isinstance(store, LocalArtifactStore) or not store.folder.exists():
        return False
    try:
        _probe(store.folder)
    except OSError:
        return True
    return False


def _probe(folder: Path) -> None:
    probe = folder / f".oneml-probe-{uuid.uuid4().hex}"  # process ids are those of one container
    probe.mkdir()
    probe.rmdir()
