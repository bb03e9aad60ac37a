"""A store in a folder: what lies where, what is refused, and what outlives what."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from oneml.habitats.errors import CorruptArtifactError, InvalidDocumentError, InvalidStoreKeyError, StoreError
from oneml.habitats.ports.artifact_store import Blob
from oneml.habitats.stores import store_root
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.publishing import Publisher

LIMIT = 1 << 20
LARGE = b"0123456789abcdef" * 512


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(tmp_path / "state" / "store")


def stored(store: LocalArtifactStore, data: bytes = LARGE) -> tuple[Blob, Path]:
    blob = store.write_blob(lambda stream: stream.write(data) and None)
    return blob, store.folder / "blobs" / blob.digest[:2] / blob.digest


def temporaries(store: LocalArtifactStore) -> list[str]:
    return [path.name for path in (store.folder / "tmp").iterdir() if path.name != store_root.SWEPT]


def test_nothing_is_made_before_something_is_written(store: LocalArtifactStore) -> None:
    store.delete_tree("sessions")
    assert store.read("sessions/x", limit_bytes=LIMIT) is None
    assert list(store.children("sessions")) == []
    store.write_blob(lambda stream: stream.write(b"inline") and None)
    assert not store.folder.parent.exists()


def test_a_folder_that_the_store_makes_is_private_and_marked(store: LocalArtifactStore) -> None:
    store.create_if_absent("a/b", b"")
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert json.loads((store.folder / "oneml-store.json").read_bytes()) == {"schema": 1}
    assert sorted(path.name for path in store.folder.iterdir()) == ["a", "oneml-store.json", "tmp"]


def test_a_folder_that_is_given_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    LocalArtifactStore(tmp_path).create_if_absent("a/b", b"")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_the_url_of_a_strange_folder_opens_it_again(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20 é#?"
    store = LocalArtifactStore(folder)
    assert store.url == folder.as_uri()
    assert store.shared
    assert store.create_if_absent("a/b", b"1")
    assert (folder / "a" / "b").read_bytes() == b"1"


@pytest.mark.parametrize("schema", [2, 999])
def test_a_store_of_a_newer_schema_is_refused(store: LocalArtifactStore, schema: int) -> None:
    store.create_if_absent("a/b", b"")
    (store.folder / "oneml-store.json").write_text(f'{{"schema": {schema}}}')
    with pytest.raises(StoreError, match=f"schema {schema}, and this version knows 1. Upgrade"):
        LocalArtifactStore(store.folder).read("a/b", limit_bytes=LIMIT)
    with pytest.raises(StoreError, match="Upgrade"):
        LocalArtifactStore(store.folder).create_if_absent("a/c", b"")


@pytest.mark.parametrize("marker", ["", "{", "[]", "{}", '{"schema": "1"}', '{"schema": 0}', '{"schema": true}'])
def test_a_marker_that_says_nothing_is_refused(store: LocalArtifactStore, marker: str) -> None:
    store.create_if_absent("a/b", b"")
    (store.folder / "oneml-store.json").write_text(marker)
    with pytest.raises(InvalidDocumentError, match="marker"):
        LocalArtifactStore(store.folder).create_if_absent("a/c", b"")


def test_a_marker_may_say_more_than_its_schema(store: LocalArtifactStore) -> None:
    store.create_if_absent("a/b", b"1")
    (store.folder / "oneml-store.json").write_text('{"schema": 1, "name": "ours"}')
    assert LocalArtifactStore(store.folder).read("a/b", limit_bytes=LIMIT) == b"1"


def test_a_store_whose_folder_was_removed_is_made_anew(store: LocalArtifactStore) -> None:
    store.create_if_absent("a/b", b"1")
    subprocess.run(["rm", "-r", store.folder], check=True)
    assert store.read("a/b", limit_bytes=LIMIT) is None
    assert store.create_if_absent("a/b", b"2")
    assert (store.folder / "oneml-store.json").exists()


@pytest.mark.parametrize("key", ["blobs/aa/x", "tmp/x", "oneml-store.json", "index/x"])
def test_documents_cannot_lie_where_the_store_keeps_its_own(store: LocalArtifactStore, key: str) -> None:
    with pytest.raises(InvalidStoreKeyError):
        store.create_if_absent(key, b"")
    with pytest.raises(InvalidStoreKeyError):
        store.delete_tree(key)


def test_names_that_are_no_keys_are_not_listed(store: LocalArtifactStore) -> None:
    store.create_if_absent("a/b", b"")
    (store.folder / "a" / "NOT ours").touch()
    assert list(store.children("a")) == ["b"]


def test_a_store_may_be_reached_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    LocalArtifactStore(tmp_path / "link").create_if_absent("a/b", b"1")
    assert (tmp_path / "real" / "a" / "b").read_bytes() == b"1"


def test_a_symlink_in_place_of_a_document_is_refused(store: LocalArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"secret")
    store.create_if_absent("a/b", b"1")
    (store.folder / "a" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"a/link.*symbolic links.*move it away"):
        store.read("a/link", limit_bytes=LIMIT)
    assert not store.create_if_absent("a/link", b"2")
    assert (tmp_path / "elsewhere").read_bytes() == b"secret"


def test_a_symlink_in_place_of_a_folder_is_not_followed(store: LocalArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b").write_bytes(b"secret")
    store.create_if_absent("a/b", b"1")
    (store.folder / "link").symlink_to(tmp_path / "elsewhere")
    for act in (
        lambda: store.read("link/b", limit_bytes=LIMIT),
        lambda: store.create_if_absent("link/c", b""),
        lambda: store.children("link"),
        lambda: store.delete_tree("link/b"),
    ):
        with pytest.raises(StoreError, match="link"):
            act()
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["b"]


def test_deleting_a_symlink_deletes_what_it_is_and_not_what_it_means(store: LocalArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b").touch()
    store.create_if_absent("a/b", b"1")
    (store.folder / "a" / "link").symlink_to(tmp_path / "elsewhere")
    store.delete_tree("a")
    assert (tmp_path / "elsewhere" / "b").exists()
    assert temporaries(store) == []


def test_a_pipe_in_place_of_a_document_is_refused_and_not_waited_for(store: LocalArtifactStore) -> None:
    store.create_if_absent("a/b", b"1")
    os.mkfifo(store.folder / "a" / "pipe")
    with pytest.raises(StoreError, match="a/pipe"):
        store.read("a/pipe", limit_bytes=LIMIT)


def test_a_document_with_a_second_name_is_refused(store: LocalArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"1")
    store.create_if_absent("a/b", b"1")
    os.link(tmp_path / "elsewhere", store.folder / "a" / "hard")
    with pytest.raises(StoreError, match=r"a/hard: has a second name \(a hard link\)"):
        store.read("a/hard", limit_bytes=LIMIT)


def test_a_file_in_place_of_the_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        LocalArtifactStore(tmp_path / "store").create_if_absent("a/b", b"")


def test_every_flipped_bit_and_every_truncation_of_an_artifact_is_refused(store: LocalArtifactStore) -> None:
    blob, path = stored(store, LARGE[:4100])
    intact = path.read_bytes()
    refused = 0
    for offset in range(len(intact)):
        damaged = bytearray(intact)
        damaged[offset] ^= 1 << offset % 8
        path.write_bytes(damaged)
        with pytest.raises(CorruptArtifactError, match="SHA-256"), store.open_blob(blob):
            pass
        refused += 1
    for size in range(0, len(intact), 7):
        os.truncate(path, size)
        with pytest.raises(CorruptArtifactError, match=f"has {size} bytes, and 4100 were stored"):
            store.open_blob(blob).__enter__()
        path.write_bytes(intact)
    assert refused == 4100


def test_a_damaged_artifact_is_healed_by_writing_it_again(store: LocalArtifactStore) -> None:
    blob, path = stored(store)
    os.truncate(path, 10)
    assert stored(store) == (blob, path)
    with store.open_blob(blob) as stream:
        assert stream.read() == LARGE


@pytest.mark.parametrize("kind", ["symlink", "pipe", "folder", "hard link"])
def test_an_artifact_that_is_no_plain_file_is_refused(store: LocalArtifactStore, tmp_path: Path, kind: str) -> None:
    blob, path = stored(store)
    path.rename(tmp_path / "same content")
    if kind == "symlink":
        path.symlink_to(tmp_path / "same content")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        os.link(tmp_path / "same content", path)
    with pytest.raises(StoreError, match=blob.digest), store.open_blob(blob):
        pass


def test_an_artifact_that_is_swapped_while_it_is_read_is_still_the_checked_one(store: LocalArtifactStore) -> None:
    blob, path = stored(store)
    with store.open_blob(blob) as stream:
        path.unlink()
        path.write_bytes(b"evil" * 2048)
        assert stream.read() == LARGE


def test_an_artifact_that_is_changed_in_place_while_it_is_read_is_told(store: LocalArtifactStore) -> None:
    blob, path = stored(store)
    with pytest.raises(CorruptArtifactError, match="changed while it was read"), store.open_blob(blob):
        os.truncate(path, 10)


@pytest.mark.parametrize("digest", ["../../../etc/passwd", "", "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_a_digest_that_is_none_never_becomes_a_path(store: LocalArtifactStore, digest: str) -> None:
    store.create_if_absent("a/b", b"")
    with pytest.raises(CorruptArtifactError, match="is no SHA-256"), store.open_blob(Blob(digest, 5)):
        pass


def test_what_died_long_ago_is_swept_once_a_day(store: LocalArtifactStore) -> None:
    store.create_if_absent("a/b", b"")
    folder = store.folder / "tmp"
    old, fresh = folder / "new-1-aa", folder / "new-2-bb"
    tree = folder / "new-3-cc"
    for path in (old, fresh, folder / "not ours"):
        path.touch()
    (tree / "inner").mkdir(parents=True)
    for path in (old, tree, folder / "not ours"):
        os.utime(path, (0, 0), follow_symlinks=False)
    LocalArtifactStore(store.folder).create_if_absent("a/c", b"")
    assert old.exists()
    os.utime(folder / store_root.SWEPT, (0, 0))
    LocalArtifactStore(store.folder).create_if_absent("a/d", b"")
    assert sorted(temporaries(store)) == ["new-2-bb", "not ours"]


def test_no_temporary_stays_after_any_success(store: LocalArtifactStore) -> None:
    named = LocalArtifactStore(store.folder, publisher=Publisher(anonymous=False))
    for one in (store, named):
        stored(one)
        one.create_if_absent("a/b", b"")
        one.create_if_absent("a/c/d", b"")
        one.delete_tree("a/c")
    assert temporaries(store) == []


def test_a_store_works_where_files_without_a_name_do_not(
    store: LocalArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def no_proc(source: str, *args: object, **options: object) -> None:
        if source.startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", source)
        link(source, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", no_proc)
    assert store.create_if_absent("a/b", b"1")
    assert not store.create_if_absent("a/b", b"2")
    assert store.read("a/b", limit_bytes=LIMIT) == b"1"


def test_the_store_imports_nothing_heavy() -> None:
    code = "import sys; before = set(sys.modules); import oneml.habitats.stores.local; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"fsspec", "shutil", "sqlite3", "tempfile", "platformdirs", "pydantic", "secrets"} & set(loaded)


def test_a_hash_is_of_all_that_was_written(store: LocalArtifactStore) -> None:
    blob, path = stored(store)
    assert path.name == hashlib.sha256(LARGE).hexdigest() == blob.digest
