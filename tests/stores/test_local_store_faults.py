"""A store in a folder under failing disks, dying writers and rivals."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from oneml.habitats.errors import StoreError
from oneml.habitats.stores import pending_blob, publishing
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.publishing import Publisher

LIMIT = 1 << 20
LARGE = b"0123456789abcdef" * 512

OPEN = """
import os, sys, time
from pathlib import Path
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.publishing import Publisher
store = LocalArtifactStore(Path(sys.argv[1]), publisher=Publisher(anonymous=sys.argv[2] == "anonymous"))
def hang(*args, **options):
    print("here", flush=True)
    time.sleep(60)
"""


def start(code: str, *arguments: object, wrapper: Sequence[str] = ()) -> subprocess.Popen[str]:
    command = [*wrapper, sys.executable, "-c", OPEN + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def without_privileges() -> Sequence[str]:
    """Return what makes root obey permissions like everybody else."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root, and no setpriv to lay its privileges down")
    return ("setpriv", "--inh-caps=-all", "--bounding-set=-all")


def killed_where_it_hangs(code: str, *arguments: object) -> None:
    with start(code, *arguments) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL


def left_behind(folder: Path) -> list[Path]:
    return [path for path in (folder / "tmp").iterdir() if path.name.startswith("new-")]


@pytest.mark.parametrize("how", ["anonymous", "named"])
def test_one_of_several_processes_creates_each_document(tmp_path: Path, how: str) -> None:
    code = """
print("ready", flush=True)
sys.stdin.readline()
print(*[n for n in range(100) if store.create_if_absent(f"race/{n}", sys.argv[3].encode(), durable=False)])
"""
    processes = [start(code, tmp_path, how, number) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [list(map(int, process.communicate()[0].split())) for process in processes]
    assert sorted(key for keys in won for key in keys) == list(range(100))
    store = LocalArtifactStore(tmp_path)
    for number, keys in enumerate(won):
        assert all(store.read(f"race/{key}", limit_bytes=LIMIT) == str(number).encode() for key in keys)
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("how", ["anonymous", "named"])
def test_a_writer_killed_before_the_name_leaves_no_document(tmp_path: Path, how: str) -> None:
    code = "store.create_if_absent('a/first', b''); os.link = hang; store.create_if_absent('a/b', b'half')"
    killed_where_it_hangs(code, tmp_path, how)
    assert len(left_behind(tmp_path)) == (0 if how == "anonymous" else 1)
    store = LocalArtifactStore(tmp_path)
    assert store.read("a/b", limit_bytes=LIMIT) is None
    assert store.create_if_absent("a/b", b"whole")
    assert store.read("a/b", limit_bytes=LIMIT) == b"whole"


def test_a_writer_killed_right_after_the_name_has_created_the_document(tmp_path: Path) -> None:
    code = "store.create_if_absent('a/first', b''); os.unlink = hang; store.create_if_absent('a/b', b'whole')"
    killed_where_it_hangs(code, tmp_path, "named")
    assert (tmp_path / "a" / "b").stat().st_nlink == 2
    store = LocalArtifactStore(tmp_path)
    assert not store.create_if_absent("a/b", b"another")
    assert store.read("a/b", limit_bytes=LIMIT) == b"whole"
    assert left_behind(tmp_path) == []


def test_a_writer_killed_within_an_artifact_leaves_a_temporary_that_is_swept(tmp_path: Path) -> None:
    code = "store.write_blob(lambda stream: (stream.write(b'x' * 10_000), hang()))"
    killed_where_it_hangs(code, tmp_path, "anonymous")
    (remains,) = left_behind(tmp_path)
    assert not (tmp_path / "blobs").exists()
    os.utime(remains, (0, 0))
    os.utime(tmp_path / "tmp" / "swept", (0, 0))
    LocalArtifactStore(tmp_path).create_if_absent("a/b", b"")
    assert left_behind(tmp_path) == []


def test_an_interrupt_within_an_artifact_leaves_nothing(tmp_path: Path) -> None:
    store = LocalArtifactStore(tmp_path)

    def interrupted(stream: object) -> None:
        stream.write(LARGE)  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_blob(interrupted)
    assert left_behind(tmp_path) == []


def failing(code: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("how", ["anonymous", "named"])
@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "Free space"),
        (errno.EDQUOT, "Free space"),
        (errno.EIO, "Look after the disk"),
        (errno.EROFS, "Make it readable and writable"),
        (errno.EFBIG, "Raise the limit on file sizes"),
    ],
)
def test_a_failing_disk_is_an_error_with_a_remedy_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, code: int, remedy: str
) -> None:
    store = LocalArtifactStore(tmp_path, publisher=Publisher(anonymous=how == "anonymous"))
    store.create_if_absent("a/old", b"1")
    monkeypatch.setattr(os, "write", failing(code))
    for act in (
        lambda: store.create_if_absent("a/b", b"2"),
        lambda: store.write_blob(lambda stream: stream.write(LARGE) and None),
    ):
        with pytest.raises(StoreError, match=f"{os.strerror(code)}. {remedy}"):
            act()
    monkeypatch.undo()
    assert left_behind(tmp_path) == []
    assert list(store.children("a")) == ["old"]
    assert store.read("a/old", limit_bytes=LIMIT) == b"1"


def test_a_content_that_cannot_be_synced_never_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalArtifactStore(tmp_path)
    store.create_if_absent("a/old", b"1")
    monkeypatch.setattr(publishing, "sync", failing(errno.EIO))
    monkeypatch.setattr(pending_blob, "sync", failing(errno.EIO))
    with pytest.raises(StoreError, match="Input/output error"):
        store.create_if_absent("a/b", b"2")
    with pytest.raises(StoreError, match="Input/output error"):
        store.write_blob(lambda stream: stream.write(LARGE) and None)
    assert list(store.children("a")) == ["old"]
    assert not list(tmp_path.glob("blobs/*/*"))


def test_a_writer_that_ignores_a_full_disk_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalArtifactStore(tmp_path)
    store.create_if_absent("a/old", b"1")
    monkeypatch.setattr(pending_blob, "write_all", failing(errno.ENOSPC))

    def careless(stream: object) -> None:
        with suppress(StoreError):
            stream.write(LARGE)  # type: ignore[attr-defined]

    with pytest.raises(StoreError, match="No space left"):
        store.write_blob(careless)


def test_a_file_size_limit_is_an_error_and_the_rest_stays_intact(tmp_path: Path) -> None:
    code = """
import resource
from oneml.habitats.errors import StoreError
store.create_if_absent("a/old", b"1")
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try:
    store.write_blob(lambda stream: [stream.write(b"x" * 1000) for _ in range(10)])
except StoreError as error:
    print(error)
print(store.create_if_absent("a/new", b"2"))
"""
    told, created = start(code, tmp_path, "anonymous").communicate()[0].splitlines()
    assert "File too large. Raise the limit on file sizes" in told
    assert created == "True"
    assert left_behind(tmp_path) == []


def test_a_folder_that_may_not_be_written_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    LocalArtifactStore(folder).create_if_absent("a/b", b"1")
    code = """
from oneml.habitats.errors import StoreError
print(store.read("a/b", limit_bytes=100))
for key in ("a/c", "new/c"):
    try:
        store.create_if_absent(key, b"2")
    except StoreError as error:
        print(error)
"""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    output = start(code, folder, "anonymous", wrapper=without_privileges()).communicate()[0].splitlines()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    assert output[0] == "b'1'"
    assert all("Permission denied. Make it readable and writable for this user" in line for line in output[1:])
    assert len(output) == 3


def test_a_huge_artifact_is_streamed_and_memory_stays_bounded(tmp_path: Path) -> None:
    code = """
import resource
piece = b"x" * (1 << 20)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20),) * 2)
blob = store.write_blob(lambda stream: [stream.write(piece) for _ in range(96)])
with store.open_blob(blob) as stream:
    print(blob.size, len(stream.read(10)))
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("no /proc to tell the size of a process")
    assert start(code, tmp_path, "anonymous").communicate()[0].split() == [str(96 << 20), "10"]


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc to tell the names of files")


def opened_as(descriptor: object) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


class Recorder:
    """Records what is done to which file, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, str]] = []
        for name in ("write", "link", "replace", "mkdir", "fsync"):
            monkeypatch.setattr(os, name, self.recording(name.replace("fsync", "sync"), getattr(os, name)))

    def recording(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def record(*args: object, **options: object) -> object:
            folder = options.get("dst_dir_fd", options.get("dir_fd"))
            if name in {"write", "sync"}:
                name_of_it = opened_as(args[0]).name
                where = "content" if name_of_it.startswith(("#", "new-")) else name_of_it
            else:
                where = f"{opened_as(folder).name}/{args[-1]}"
            self.calls.append((name, where))
            return real(*args, **options)

        return record


@pytest.fixture
def opened(tmp_path: Path) -> LocalArtifactStore:
    store = LocalArtifactStore(tmp_path / "store")
    store.create_if_absent("s/first", b"")
    return store


@needs_proc
def test_content_reaches_the_disk_before_its_name_and_the_name_before_the_answer(
    opened: LocalArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    opened.create_if_absent("s/commit.json", b"1")
    assert recorder.calls == [("write", "content"), ("sync", "content"), ("link", "s/commit.json"), ("sync", "s")]


@needs_proc
def test_folders_on_the_way_reach_the_disk_too_even_those_of_earlier_calls(
    opened: LocalArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    opened.create_if_absent("s/n/k/claim", b"", durable=False)
    assert not [where for name, where in recorder.calls if name == "sync"]
    opened.create_if_absent("s/n/k/commit", b"1")
    opened.create_if_absent("s/n/k/other", b"1")
    synced = [where for name, where in recorder.calls if name == "sync"]
    assert synced == ["content", "k", "s", "n", "content", "k"]


@needs_proc
def test_an_artifact_reaches_the_disk_before_its_name(
    opened: LocalArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    blob = opened.write_blob(lambda stream: stream.write(LARGE) and None)
    order = [call for call in recorder.calls if call[0] != "mkdir"]
    prefix = blob.digest[:2]
    assert {call[0] for call in order[:-5]} == {"write"}
    assert order[-5:] == [
        ("sync", "content"),
        ("replace", f"{prefix}/{blob.digest}"),
        ("sync", prefix),
        ("sync", "store"),
        ("sync", "blobs"),
    ]
