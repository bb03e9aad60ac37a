"""Files and folders: in bounded memory, without links and pipes, and never outside of their folder."""

import copy
import io
import os
import socket
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.files import File, Folder
from oneml.habitats.data.scratch import node_scratch
from oneml.habitats.data.serializers.tar import TarSerializer
from oneml.habitats.data.streams import YieldedItems
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import OutputTooLargeError, SerializationError
from oneml.habitats.stores.hashing import HashingBlobStore
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath

NODE = NodePath("//n")
SPARSE_BYTES = 64 << 20


def written(value: object) -> bytes:
    stream = io.BytesIO()
    TarSerializer().write(value, stream)
    return stream.getvalue()


def archive(*members: tuple[str, bytes], data: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for name, kind in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            member.size = len(data) if kind == tarfile.REGTYPE else 0
            made.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def test_a_large_file_travels_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, SPARSE_BYTES)
    tracemalloc.start()
    try:
        record = DataClient(HashingBlobStore(MemoryArtifactStore())).publish(NODE, "out", File(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert record.size > SPARSE_BYTES
    assert peak < 4 << 20


def test_reading_a_large_file_takes_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path, stored = tmp_path / "large", tmp_path / "stored"
    path.touch()
    os.truncate(path, SPARSE_BYTES // 4)
    with stored.open("wb") as stream:
        TarSerializer().write(File(path), stream)
    tracemalloc.start()
    try:
        with stored.open("rb") as stream, node_scratch():
            returned = TarSerializer().read(stream, File)
            assert isinstance(returned, File)
            assert returned.path.stat().st_size == SPARSE_BYTES // 4
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
    assert not returned.path.exists()


def test_what_is_read_is_read_only_and_keeps_whether_it_can_be_run(tmp_path: Path) -> None:
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    run = tmp_path / "tree" / "inner" / "run"
    run.write_text("#!/bin/sh\n")
    run.chmod(0o750)
    (tmp_path / "tree" / "plain").write_text("x")
    with node_scratch():
        returned = TarSerializer().read(io.BytesIO(written(Folder(tmp_path / "tree"))), Folder)
        assert isinstance(returned, Folder)
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (returned.path, *returned.path.rglob("*"))}
    assert modes == {"tree": "0o555", "inner": "0o555", "run": "0o555", "plain": "0o444"}
    assert not returned.path.exists()


def test_times_and_owners_and_the_order_of_names_do_not_count(tmp_path: Path) -> None:
    for folder, names in (("one", "abc"), ("two", "cba")):
        (tmp_path / folder).mkdir()
        for time, name in enumerate(names):
            (tmp_path / folder / name).write_text(name)
            os.utime(tmp_path / folder / name, (time, time))
    assert written(Folder(tmp_path / "one", name="x")) == written(Folder(tmp_path / "two", name="x"))
    assert written(Folder(tmp_path / "one")) != written(Folder(tmp_path / "two"))


def linked(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    ("make", "told"), [(linked, "a symbolic link: give what"), (os.mkfifo, "a pipe"), (listening, "a socket")]
)
def test_links_pipes_and_sockets_are_refused_wherever_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    make(tmp_path / "inner" / "odd")
    client = DataClient(MemoryArtifactStore())
    with pytest.raises(SerializationError, match=f"out/inner/odd is {tmp_path}/inner/odd, which is {told}"):
        client.publish(NODE, "out", Folder(tmp_path))
    with pytest.raises(SerializationError, match=f"out is {tmp_path}/inner/odd, which is {told}"):
        client.publish(NODE, "out", File(tmp_path / "inner" / "odd"))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (File("/dev/null"), "a device"),
        (File("/nowhere/at/all"), "does not exist"),
        (File("/etc"), r"a folder: return Folder\(path\)"),
        (Folder("/etc/passwd"), r"a file: return File\(path\)"),
        (File("/etc/passwd", name="../x"), "has the name '../x'"),
        (File("/etc/passwd", name=".."), r"has the name '\.\.'"),
        (File("/"), "has the name ''"),
    ],
)
def test_what_is_no_file_is_refused(value: object, told: str) -> None:
    with pytest.raises(UnwritableError, match=told):
        written(value)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 100_000)

    class Growing(io.BytesIO):
        def write(self, data: object, /) -> int:
            with path.open("ab") as file:
                file.write(b"y")
            return super().write(data)  # type: ignore[arg-type]

    with pytest.raises(UnwritableError, match="was changed while it was read"):
        TarSerializer().write(File(path), Growing())


REGULAR, LINK, DIRECTORY = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE


@pytest.mark.parametrize(
    "data",
    [
        archive(("../x", REGULAR)),
        archive(("/x", REGULAR)),
        archive(("x", LINK)),
        archive(("x", tarfile.LNKTYPE)),
        archive(("x", tarfile.FIFOTYPE)),
        archive(("x", tarfile.CHRTYPE)),
        archive(("x", DIRECTORY), ("x/../../y", REGULAR)),
        archive(("x", DIRECTORY), ("y", REGULAR)),
        archive(("x", DIRECTORY), ("x/l", LINK)),
        archive(("x", DIRECTORY), ("x/l", REGULAR), ("x/l", REGULAR)),
        archive(("x", DIRECTORY), ("x/l/m", REGULAR)),
        archive(("x", REGULAR), ("x", REGULAR)),
        archive(),
    ],
)
def test_an_archive_that_this_serializer_would_not_write_is_refused(data: bytes) -> None:
    with node_scratch(), pytest.raises(ValueError, match="."):  # noqa: RUF043  # whichever way it is found
        TarSerializer().read(io.BytesIO(data), object)


def test_paths_do_not_travel_inside_other_values(tmp_path: Path) -> None:
    file = File(tmp_path / "x")
    for allow_pickle in (False, True):
        with pytest.raises(SerializationError, match=r"File"):
            DataClient(MemoryArtifactStore(), allow_pickle=allow_pickle).publish(NODE, "out", [file])
    with pytest.raises(TypeError, match="give it a port of its own"):
        copy.copy(file)


@pytest.mark.parametrize("limit_bytes", [1, 9_999, 10_000, 10_001])
def test_a_limit_holds_to_the_byte(limit_bytes: int) -> None:
    client = DataClient(MemoryArtifactStore()).limited_to(limit_bytes)
    publish = partial(client.publish, NODE, "out", b"x" * 10_000)
    if limit_bytes >= 10_000:
        assert publish().size == 10_000
        return
    with pytest.raises(OutputTooLargeError, match=f"at least 10,000 bytes .* allows {limit_bytes:,}") as caught:
        publish()
    assert (caught.value.node, caught.value.port, caught.value.written_bytes) == ("//n", "out", 10_000)


def test_a_limit_holds_for_streams_and_files(tmp_path: Path) -> None:
    client = DataClient(MemoryArtifactStore()).limited_to(10_000)
    given: list[int] = []

    def items() -> Iterator[str]:
        for number in range(100):
            given.append(number)
            yield "x" * 1000

    with pytest.raises(OutputTooLargeError, match=r'at least 10,\d{3} bytes on port "out"'):
        client.publish(NODE, "out", YieldedItems(items()))
    assert len(given) == 10
    (tmp_path / "large").write_bytes(b"x" * 20_000)
    with pytest.raises(OutputTooLargeError, match='bytes on port "curve"'):
        client.publish_file(NODE, "curve", tmp_path / "large")
