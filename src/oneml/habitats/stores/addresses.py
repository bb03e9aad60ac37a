"""Which store a URL means, and which one is meant where nobody says."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from oneml.habitats.errors import UnknownStoreError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.ports.session_store import SessionStore
from oneml.habitats.settings.sources import STORE_VARIABLE
from oneml.habitats.stores.local import INDEX, LocalArtifactStore

if TYPE_CHECKING:
    from oneml.habitats.stores.memory import MemoryArtifactStore
    from oneml.habitats.stores.memory_sessions import MemorySessionStore

MEMORY_URL = "memory:"
_OURS = "oneml"

INDEX_FILE = "sessions.sqlite3"

_memory_lock = threading.Lock()
_memory_stores: "list[MemoryArtifactStore]" = []
_memory_indexes: "WeakKeyDictionary[ArtifactStore, MemorySessionStore]" = WeakKeyDictionary()


def default_store_url(environ: Mapping[str, str], *, setting: str | None = None) -> str:
    """Return the URL of the store to use: the variable, else the setting, else a folder of this user's own.

    Args:
        environ: The environment.
        setting: What the settings say; None or empty where they say nothing.

    Returns:
        A URL, checked by `open_artifact_store` only.
    """
    return environ.get(STORE_VARIABLE) or setting or (_state_folder(environ) / "store").as_uri()


def open_artifact_store(url: str) -> ArtifactStore:
    """Open a store; nothing is made or read before it is used.

    Args:
        url: ``file:///folder``, the absolute path of a folder, or ``memory:``, which is one store for this process.

    Raises:
        UnknownStoreError: It is none of these.
    """
    if url == MEMORY_URL:
        return _of_this_process()
    return LocalArtifactStore(_folder_of(url))


def open_session_store(store: ArtifactStore) -> SessionStore:
    """Open the index of the sessions of an artifact store; nothing is made or read before it is used.

    Args:
        store: Of a store in a folder, the index lies in that folder too; of any other, it lives in this process.
    """
    if isinstance(store, LocalArtifactStore):
        from oneml.habitats.stores.sqlite import SqliteSessionStore  # noqa: PLC0415  # workers never need it

        return SqliteSessionStore(store.folder / INDEX / INDEX_FILE)
    from oneml.habitats.stores.memory_sessions import MemorySessionStore  # noqa: PLC0415  # as above

    with _memory_lock:
        return _memory_indexes.setdefault(store, MemorySessionStore())


def _folder_of(url: str) -> Path:
    if url.startswith("/"):
        text = url
    elif url.startswith("file:"):
        text = _path_of_file_url(url)
    elif ":" in url:
        raise UnknownStoreError(url=url, reason="no such kind of store is known")
    else:
        raise UnknownStoreError(url=url, reason="the path of a folder has to be absolute")
    if "\0" in text:
        raise UnknownStoreError(url=url, reason="it holds a NUL character")
    return Path(text)


def _path_of_file_url(url: str) -> str:
    rest = url.removeprefix("file:")
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host not in {"", "localhost"}:
            raise UnknownStoreError(url=url, reason=f"{host!r} would be another machine")
        rest = slash + path
    if not rest.startswith("/"):
        raise UnknownStoreError(url=url, reason="the path in it has to be absolute")
    return unquote(rest, errors="surrogateescape")


def _of_this_process() -> "MemoryArtifactStore":
    from oneml.habitats.stores.memory import MemoryArtifactStore  # noqa: PLC0415  # workers never need it

    with _memory_lock:
        if not _memory_stores:
            _memory_stores.append(MemoryArtifactStore())
        return _memory_stores[0]


def _state_folder(environ: Mapping[str, str]) -> Path:
    given = Path(environ.get("XDG_STATE_HOME", ""))
    if given.is_absolute():
        return given / _OURS
    from platformdirs import user_state_path  # noqa: PLC0415  # not paid for where the folder is given

    return user_state_path(_OURS, appauthor=False)
