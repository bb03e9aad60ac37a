"""Whether a store that is not there yet could be made: an empty list would hide a URL that leads nowhere."""

import os
from pathlib import Path

from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.stores.failures import store_failures
from oneml.habitats.stores.local import LocalArtifactStore


def check_usable(store: ArtifactStore) -> None:
    """Let pass a store that exists, or that the first document would make.

    What the system allows is tried, since permissions do not tell it of every file system; nothing is left behind.

    Raises:
        StoreError: Its folder can neither be found nor made.
    """
    if not isinstance(store, LocalArtifactStore):
        return
    folder = store.folder
    with store_failures("be made", str(folder)):
        if folder.exists():
            return
        above = next(upper for upper in folder.parents if upper.exists())
        probe = Path(above, f".oneml-probe-{os.getpid()}")
        probe.mkdir()
        probe.rmdir()
