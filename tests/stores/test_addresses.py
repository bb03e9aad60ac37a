"""Which store is meant."""

from pathlib import Path

import pytest

from oneml.habitats.errors import UnknownStoreError
from oneml.habitats.stores.addresses import default_store_url, open_artifact_store, open_session_store
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.session_id import SessionId


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///var/store", "/var/store"),
        ("file:/var/store", "/var/store"),
        ("file://localhost/var/store", "/var/store"),
        ("file:///var/a%20b%25/%C3%A9", "/var/a b%/é"),
        ("/var/a b%20", "/var/a b%20"),
        ("/var/store/", "/var/store"),
    ],
)
def test_a_folder_is_named_by_url_or_path(url: str, folder: str) -> None:
    store = open_artifact_store(url)
    assert isinstance(store, LocalArtifactStore)
    assert store.folder == Path(folder)


def test_the_url_of_a_store_opens_the_same_store(tmp_path: Path) -> None:
    store = open_artifact_store(str(tmp_path / "a %41 ü"))
    store.create_if_absent("a/b", b"1")
    assert open_artifact_store(store.url).read("a/b", limit_bytes=10) == b"1"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s3://bucket/x", "no such kind of store"),
        ("memory:x", "no such kind of store"),
        ("FILE:/x", "no such kind of store"),
        ("relative/folder", "has to be absolute"),
        ("~/store", "has to be absolute"),
        ("", "has to be absolute"),
        ("file:relative", "has to be absolute"),
        ("file://", "has to be absolute"),
        ("file://other/x", "'other' would be another machine"),
        ("/a\0b", "NUL"),
        ("file:///a%00b", "NUL"),
    ],
)
def test_anything_else_is_refused_with_what_is_known(url: str, reason: str) -> None:
    with pytest.raises(UnknownStoreError, match=f"{reason}.*Known: file:///folder, /folder, memory:"):
        open_artifact_store(url)


def test_memory_is_one_store_for_the_process_with_one_index() -> None:
    store = open_artifact_store("memory:")
    assert isinstance(store, MemoryArtifactStore)
    assert open_artifact_store("memory:") is store
    assert open_session_store(store) is open_session_store(open_artifact_store("memory:"))
    assert open_session_store(store) is not open_session_store(MemoryArtifactStore())


def test_the_index_of_a_folder_lies_in_it(tmp_path: Path) -> None:
    index = open_session_store(open_artifact_store(str(tmp_path)))
    index.remove(SessionId("never"))
    index.close()
    assert (tmp_path / "index" / "sessions.sqlite3").exists()


def test_the_variable_comes_before_the_setting_and_the_setting_before_the_default() -> None:
    environ = {"ONEML_STORE_URL": "memory:", "XDG_STATE_HOME": "/state"}
    assert default_store_url(environ, setting="file:///set") == "memory:"
    assert default_store_url({"ONEML_STORE_URL": ""}, setting="file:///set") == "file:///set"
    assert default_store_url(environ | {"ONEML_STORE_URL": ""}, setting="") == "file:///state/oneml/store"


def test_the_default_is_a_folder_of_the_user_and_never_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for environ in ({}, {"XDG_STATE_HOME": "relative"}, {"XDG_STATE_HOME": ""}):
        url = default_store_url(environ)
        assert url.startswith("file:///home/somebody/")
        assert url.endswith("/oneml/store")
