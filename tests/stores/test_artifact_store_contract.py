"""What every artifact store promises."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneml.habitats.errors import CorruptArtifactError, InvalidStoreKeyError, StoreError
from oneml.habitats.ports.artifact_store import INLINE_MAX_BYTES, ArtifactStore, Blob

LIMIT = 1 << 20
HOSTILE = ["", "/", "a/", "/a", "a//b", "..", "a/..", "a/./b", "A", "a b", "a\0b", "é", "%2e%2e/%41", "a\\b", "a\n"]
HOSTILE += ["x" * 129, "/".join(["abcdefgh"] * 120), "a/\udcff"]


def test_a_document_is_read_as_it_was_created(store: ArtifactStore) -> None:
    assert store.create_if_absent("sessions/x/recipe.json", b"{}")
    assert store.read("sessions/x/recipe.json", limit_bytes=LIMIT) == b"{}"


def test_an_empty_document_is_a_document(store: ArtifactStore) -> None:
    assert store.create_if_absent("sessions/x/claim", b"", durable=False)
    assert store.read("sessions/x/claim", limit_bytes=LIMIT) == b""


def test_a_document_is_never_replaced(store: ArtifactStore) -> None:
    assert store.create_if_absent("a/b", b"first")
    assert not store.create_if_absent("a/b", b"second")
    assert not store.create_if_absent("a/b", b"third", durable=False)
    assert store.read("a/b", limit_bytes=LIMIT) == b"first"


def test_several_documents_are_created_at_the_same_time_each_once(store: ArtifactStore) -> None:
    assert store.create_if_absent("s/one/a", b"first")
    given = [("s/one/a", b"x"), ("s/one/b", b"b"), ("s/two/c", b"c"), ("s/one/b", b"again"), ("d", b"d")]
    told = store.create_each_if_absent(given)
    assert (told[0], told[2], told[4]) == (False, True, True)
    assert sorted((told[1], told[3])) == [False, True]
    assert store.read("s/one/a", limit_bytes=9) == b"first"
    assert store.read("s/one/b", limit_bytes=9) == (b"b" if told[1] else b"again")
    assert (store.read("s/two/c", limit_bytes=9), store.read("d", limit_bytes=9)) == (b"c", b"d")
    assert list(store.create_each_if_absent([])) == []


def test_what_is_not_there_is_none(store: ArtifactStore) -> None:
    assert store.read("a/b", limit_bytes=LIMIT) is None
    store.create_if_absent("a/b", b"")
    assert store.read("a/c", limit_bytes=LIMIT) is None


def test_one_of_many_threads_creates_a_document(store: ArtifactStore) -> None:
    start = threading.Barrier(8)

    def create(number: int) -> bool:
        start.wait()
        return store.create_if_absent("race/one", f"{number}".encode(), durable=False)

    with ThreadPoolExecutor(8) as threads:
        created = list(threads.map(create, range(8)))
    assert created.count(True) == 1
    assert store.read("race/one", limit_bytes=LIMIT) == f"{created.index(True)}".encode()


def test_a_larger_document_than_asked_for_is_refused(store: ArtifactStore) -> None:
    store.create_if_absent("a/b", b"12345")
    assert store.read("a/b", limit_bytes=5) == b"12345"
    with pytest.raises(StoreError, match="has 5 bytes; at most 4 are read"):
        store.read("a/b", limit_bytes=4)


def test_children_are_sorted_and_one_level_deep(store: ArtifactStore) -> None:
    for key in ("a/c/x", "a/b", "a/10/y", "a/9/y", "d/e"):
        store.create_if_absent(key, b"", durable=False)
    assert list(store.children("a")) == ["10", "9", "b", "c"]
    assert list(store.children("a/c")) == ["x"]
    assert list(store.children("nothing/there")) == []


def test_a_deleted_tree_is_gone_and_can_grow_again(store: ArtifactStore) -> None:
    for key in ("a/b/c", "a/b/d/e", "a/f"):
        store.create_if_absent(key, b"1", durable=False)
    store.delete_tree("a/b")
    assert list(store.children("a")) == ["f"]
    assert store.read("a/b/d/e", limit_bytes=LIMIT) is None
    assert store.create_if_absent("a/b/c", b"2")


def test_a_single_document_can_be_deleted(store: ArtifactStore) -> None:
    store.create_if_absent("a/b", b"")
    store.delete_tree("a/b")
    assert store.read("a/b", limit_bytes=LIMIT) is None


def test_deleting_what_is_not_there_is_fine(store: ArtifactStore) -> None:
    store.delete_tree("a/b")
    store.create_if_absent("a/b", b"")
    store.delete_tree("a/c/d")
    assert list(store.children("a")) == ["b"]


def test_a_document_is_no_folder_for_others(store: ArtifactStore) -> None:
    store.create_if_absent("a/b", b"")
    with pytest.raises(StoreError, match="a/b"):
        store.create_if_absent("a/b/c", b"")
    with pytest.raises(StoreError, match="a/b"):
        store.children("a/b")
    with pytest.raises(StoreError, match="a"):
        store.read("a", limit_bytes=LIMIT)


@pytest.mark.parametrize("key", HOSTILE)
def test_hostile_keys_are_refused_everywhere(store: ArtifactStore, key: str) -> None:
    with pytest.raises(InvalidStoreKeyError):
        store.create_if_absent(key, b"")
    with pytest.raises(InvalidStoreKeyError):
        store.read(key, limit_bytes=LIMIT)
    with pytest.raises(InvalidStoreKeyError):
        store.children(key)
    with pytest.raises(InvalidStoreKeyError):
        store.delete_tree(key)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.text("ab.-_0", min_size=1, max_size=4), min_size=1, max_size=3, unique=True))
def test_different_keys_never_meet(store: ArtifactStore, names: list[str]) -> None:
    keys = [f"k/{name}" for name in names if name not in {".", ".."}]
    store.delete_tree("k")
    for key in keys:
        assert store.create_if_absent(key, key.encode(), durable=False)
    assert [store.read(key, limit_bytes=LIMIT) for key in keys] == [key.encode() for key in keys]


@pytest.mark.parametrize("size", [0, 1, INLINE_MAX_BYTES, INLINE_MAX_BYTES + 1, 3 << 20])
def test_an_artifact_comes_back_whatever_its_size(store: ArtifactStore, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    blob = store.write_blob(lambda stream: stream.write(data) and None)
    assert blob.digest == hashlib.sha256(data).hexdigest()
    assert blob.size == size
    assert blob.inline == (data if size <= INLINE_MAX_BYTES else None)
    with store.open_blob(blob) as stream:
        assert stream.read() == data
        stream.seek(0)
        assert stream.read(1) == data[:1]


def test_pieces_of_an_artifact_are_one_artifact(store: ArtifactStore) -> None:
    def write(stream: BinaryIO) -> None:
        for piece in (b"ab", memoryview(b"cd"), bytearray(b"e" * INLINE_MAX_BYTES), b"", b"f"):
            assert stream.write(piece) == len(piece)
        assert stream.tell() == INLINE_MAX_BYTES + 5

    with store.open_blob(store.write_blob(write)) as stream:
        assert stream.read() == b"abcd" + b"e" * INLINE_MAX_BYTES + b"f"


def test_an_artifact_that_is_written_twice_is_one(store: ArtifactStore) -> None:
    data = b"x" * 10_000
    assert store.write_blob(lambda stream: stream.write(data) and None) == store.write_blob(
        lambda stream: stream.write(data) and None
    )


@pytest.mark.parametrize("size", [3, 10_000])
def test_what_a_writer_raises_passes_through_and_nothing_is_stored(store: ArtifactStore, size: int) -> None:
    def write(stream: BinaryIO) -> None:
        stream.write(b"x" * size)
        raise LookupError("halfway")

    with pytest.raises(LookupError, match="halfway"):
        store.write_blob(write)
    with pytest.raises(StoreError), store.open_blob(Blob(hashlib.sha256(b"x" * size).hexdigest(), size)):
        pass


def test_a_missing_artifact_is_an_error_that_says_where(store: ArtifactStore) -> None:
    with pytest.raises(StoreError, match=f"{'0' * 64}.*no such artifact"), store.open_blob(Blob("0" * 64, 5)):
        pass


@pytest.mark.parametrize("size", [-1, 1])
def test_another_size_is_refused(store: ArtifactStore, size: int) -> None:
    blob = store.write_blob(lambda stream: stream.write(b"x" * 10_000) and None)
    with pytest.raises(CorruptArtifactError, match="bytes"), store.open_blob(blob._replace(size=blob.size + size)):
        pass


def test_inline_bytes_are_checked_like_stored_ones(store: ArtifactStore) -> None:
    blob = store.write_blob(lambda stream: stream.write(b"abc") and None)
    with pytest.raises(CorruptArtifactError, match="SHA-256"), store.open_blob(blob._replace(inline=b"abd")):
        pass
    with pytest.raises(CorruptArtifactError, match="4 bytes"), store.open_blob(blob._replace(inline=b"abcd")):
        pass


def test_what_the_reader_raises_passes_through(store: ArtifactStore) -> None:
    blob = store.write_blob(lambda stream: stream.write(b"x" * 10_000) and None)
    with pytest.raises(LookupError), store.open_blob(blob):
        raise LookupError


@pytest.mark.parametrize("size", [10, INLINE_MAX_BYTES + 1])
def test_an_artifact_is_there_with_its_own_size_only(store: ArtifactStore, size: int) -> None:
    blob = store.write_blob(lambda stream: stream.write(b"x" * size) and None)
    assert store.has_blob(blob)
    assert not store.has_blob(blob._replace(size=size + 1))
    assert not store.has_blob(Blob("0" * 64, size))


def test_no_artifact_is_there_in_a_store_that_holds_nothing(store: ArtifactStore) -> None:
    assert not store.has_blob(Blob("0" * 64, 5))


def test_what_is_no_digest_is_no_artifact(store: ArtifactStore) -> None:
    with pytest.raises(CorruptArtifactError, match="no SHA-256"):
        store.has_blob(Blob("../x", 5))
