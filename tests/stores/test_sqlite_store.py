"""The index in SQLite: what it refuses, and what it never does."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from oneml.habitats.errors import SessionBusyError, StoreError
from oneml.habitats.ports.session_store import NodeRow, SessionRow
from oneml.habitats.stores import driver_locks, sqlite, sqlite_schema
from oneml.habitats.stores.sqlite import SqliteSessionStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ABC = SessionId("abc")
ROW = SessionRow(ABC, "demo", SessionState.CREATED, NOON, NOON, 2)


def nodes(count: int) -> list[NodeRow]:
    return [NodeRow(NodePath(f"//n{i}"), NodeState.SUCCEEDED, 1, NOON, 0.5, "x" * 50) for i in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "sessions.sqlite3"


@pytest.fixture
def index(path: Path) -> Iterator[SqliteSessionStore]:
    opened = SqliteSessionStore(path, busy_seconds=0.05)
    yield opened
    opened.close()


def filled(index: SqliteSessionStore, count: int = 500) -> SqliteSessionStore:
    index.put_session(ROW)
    index.record(ABC, SessionState.RUNNING, nodes(count), NOON)
    index.close()
    return index


def test_reading_makes_nothing(index: SqliteSessionStore, path: Path) -> None:
    assert list(index.sessions()) == []
    assert not index.is_driven(ABC)
    assert not path.parent.exists()


def test_what_one_process_recorded_another_reads(index: SqliteSessionStore, path: Path) -> None:
    filled(index, 3)
    code = "import sys; from pathlib import Path; from oneml.habitats.stores.sqlite import SqliteSessionStore as S\n"
    code += "s = S(Path(sys.argv[1])); print(s.sessions()[0].state, len(s.nodes('abc'))); s.close()"
    output = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["running", "3"]


def test_an_empty_file_becomes_an_index(index: SqliteSessionStore, path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    index.put_session(ROW)
    assert index.session(ABC) == ROW


def test_two_connections_that_make_the_index_at_once_agree(path: Path) -> None:
    code = "import sys; from pathlib import Path; from oneml.habitats.stores.sqlite import SqliteSessionStore as S\n"
    code += "sys.stdin.readline(); s = S(Path(sys.argv[1])); s.remove('x'); s.close()"
    both = [subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE) for _ in range(2)]
    for process in both:
        process.communicate(b"go\n")
    assert [process.returncode for process in both] == [0, 0]


@pytest.mark.parametrize("page", [0, 1, 2, 5])
def test_a_corrupt_index_is_refused_and_never_made_anew(index: SqliteSessionStore, path: Path, page: int) -> None:
    filled(index)
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)
    damaged = path.read_bytes()
    for act in (index.sessions, lambda: index.nodes(ABC), lambda: index.put_session(ROW)):
        with pytest.raises(StoreError, match=r"sessions\.sqlite3.*Move that file away: the index is then rebuilt"):
            act()
    index.close()
    assert path.read_bytes() == damaged


def test_a_corrupt_page_of_a_large_index_is_found_when_it_is_read(
    index: SqliteSessionStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(index)
    monkeypatch.setattr(sqlite_schema, "CHECK_MAX_BYTES", 0)
    with path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xa5" * 4096)
    assert index.sessions()[0].session_id == ABC
    with pytest.raises(StoreError, match="malformed"):
        index.nodes(ABC)


def test_a_truncated_index_is_refused(index: SqliteSessionStore, path: Path) -> None:
    filled(index)
    os.truncate(path, path.stat().st_size - 4096 * 3)
    with pytest.raises(StoreError, match="Move that file away"):
        index.nodes(ABC)


def test_a_file_that_is_no_database_is_refused(index: SqliteSessionStore, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"hello " * 1000)
    with pytest.raises(StoreError, match="file is not a database"):
        index.put_session(ROW)
    assert path.read_bytes() == b"hello " * 1000


def test_a_database_of_something_else_is_refused(index: SqliteSessionStore, path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreError, match="is a database of something else"):
        index.put_session(ROW)


def test_an_older_index_is_brought_to_this_version_with_what_it_holds(
    index: SqliteSessionStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = "session_id, path, state, attempt, changed_at, seconds, detail"
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        with monkeypatch.context() as patch:
            patch.setattr(sqlite_schema, "_MIGRATIONS", sqlite_schema._MIGRATIONS[:1])
            sqlite_schema.open_schema(other, path)
        noon = "2026-01-02T12:00:00.000000Z"
        other.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)", (ABC, "demo", "created", noon, noon, 2))
        values = (ABC, "//a", "succeeded", 1, "2026-01-02T12:00:00.000000Z", 0.5, "")
        other.execute(f"INSERT INTO nodes ({older}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608  # our own
    other.close()
    assert index.nodes(ABC) == [NodeRow(NodePath("//a"), NodeState.SUCCEEDED, 1, NOON, 0.5, "")]
    assert index.session(ABC) == ROW
    keyed = NodeRow(NodePath("//a"), NodeState.SUCCEEDED, 1, NOON, 0.5, "", "d" * 64, SessionId("older"))
    index.record(ABC, SessionState.SUCCEEDED, [keyed], NOON)
    assert index.nodes(ABC) == [keyed]
    assert index.computed("d" * 64) == [ABC]


def test_sources_are_found_by_an_index(index: SqliteSessionStore, path: Path) -> None:
    filled(index, 1)
    with sqlite3.connect(path) as other:
        plan = other.execute(f"EXPLAIN QUERY PLAN {sqlite._COMPUTED}", ("d" * 64, "succeeded", 8)).fetchall()
    other.close()
    assert "nodes_by_reuse_key" in str(plan)
    assert "SCAN" not in str(plan)


def test_a_newer_index_is_refused_untouched(index: SqliteSessionStore, path: Path) -> None:
    filled(index)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is of version 99, and this one knows 3\. Upgrade"):
        index.put_session(ROW)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sessions SET state = 'exploded'",
        "UPDATE sessions SET created_at = 'yesterday'",
        "UPDATE sessions SET node_count = 'many'",
        "UPDATE sessions SET session_id = '../x'",
    ],
)
def test_a_row_that_means_nothing_is_corruption(index: SqliteSessionStore, path: Path, statement: str) -> None:
    filled(index)
    with sqlite3.connect(path) as other:
        other.execute(statement)
    other.close()
    with pytest.raises(StoreError, match="is corrupt"):
        index.sessions()


def test_a_locked_index_is_an_error_after_a_bounded_wait(index: SqliteSessionStore, path: Path) -> None:
    filled(index)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"database is locked\. Another process holds it; try again"):
        index.record(ABC, SessionState.FAILED, [], NOON)
    assert index.sessions()[0].state is SessionState.RUNNING
    other.execute("ROLLBACK")
    other.close()
    index.record(ABC, SessionState.FAILED, [], NOON)
    assert index.sessions()[0].state is SessionState.FAILED


def test_a_full_index_is_an_error_and_records_nothing(index: SqliteSessionStore) -> None:
    index.put_session(ROW)
    assert index._connection is not None
    index._connection.execute("PRAGMA max_page_count = 8")
    with pytest.raises(StoreError, match=r"database or disk is full\. Free space"):
        index.record(ABC, SessionState.SUCCEEDED, nodes(1000), NOON)
    assert index.sessions()[0].state is SessionState.CREATED
    assert list(index.nodes(ABC)) == []
    index.record(ABC, SessionState.SUCCEEDED, nodes(1), NOON)


def test_a_failing_disk_is_an_error_and_records_nothing(index: SqliteSessionStore, path: Path) -> None:
    filled(index, 1)
    code = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from oneml.habitats.errors import StoreError
from oneml.habitats.stores.sqlite import NodeRow, SqliteSessionStore
store = SqliteSessionStore(Path(sys.argv[1]))
rows = [NodeRow(f"//m{i}", "running", 1, datetime.now(UTC), None, "") for i in range(5000)]
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    store.record("abc", "succeeded", rows, datetime.now(UTC))
except StoreError as error:
    print(error)
store.close()
"""
    output = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    assert "cannot be written: disk I/O error" in output
    assert (index.sessions()[0].state, len(index.nodes(ABC))) == (SessionState.RUNNING, 1)


def test_every_write_begins_as_a_write(index: SqliteSessionStore) -> None:
    filled(index)
    index.sessions()
    statements: list[str] = []
    assert index._connection is not None
    index._connection.set_trace_callback(statements.append)
    index.put_session(ROW)
    index.record(ABC, SessionState.RUNNING, nodes(3), NOON)
    index.remove(ABC)
    begun = [statement for statement in statements if statement.startswith("BEGIN")]
    assert begun == ["BEGIN IMMEDIATE"] * 3
    assert [statement for statement in statements if statement in {"BEGIN IMMEDIATE", "COMMIT"}] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ] * 3


def test_the_journal_is_never_a_write_ahead_log(index: SqliteSessionStore, path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.close()
    index.put_session(ROW)
    assert index._connection is not None
    assert index._connection.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
    assert {file.name for file in path.parent.iterdir()} <= {"sessions.sqlite3", "sessions.sqlite3-journal"}


def test_a_time_without_its_zone_is_refused(index: SqliteSessionStore) -> None:
    with pytest.raises(ValueError, match="zone"):
        index.put_session(ROW._replace(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001  # the point


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    index = SqliteSessionStore(tmp_path / "file" / "index" / "sessions.sqlite3")
    with pytest.raises(StoreError, match="Not a directory"):
        index.put_session(ROW)
    with pytest.raises(StoreError, match="Not a directory"), index.drive(ABC):
        pass


def test_a_dropped_index_closes_its_connection(path: Path) -> None:
    index = SqliteSessionStore(path)
    index.put_session(ROW)
    connection = index._connection
    del index
    assert connection is not None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


DRIVE = """
import sys, time
from pathlib import Path
from oneml.habitats.stores.sqlite import SqliteSessionStore
store = SqliteSessionStore(Path(sys.argv[1]))
with store.drive("abc"):
    print("driving", flush=True)
    sys.stdin.readline()
"""


def driving(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVE, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "driving\n"
    return process


def test_another_process_cannot_drive_and_is_told_who_does(index: SqliteSessionStore, path: Path) -> None:
    process = driving(path)
    assert index.is_driven(ABC)
    with pytest.raises(SessionBusyError, match=f"driven by process {process.pid}. Wait"), index.drive(ABC):
        pass
    process.communicate("go on\n")
    assert not index.is_driven(ABC)
    with index.drive(ABC):
        pass


def test_a_driver_that_is_killed_drives_no_more(index: SqliteSessionStore, path: Path) -> None:
    process = driving(path)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not index.is_driven(ABC)
    with index.drive(ABC):
        assert index.is_driven(ABC)


def test_who_asks_does_not_keep_a_driver_out(index: SqliteSessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = index._locks._path(ABC)
    lock.parent.mkdir(parents=True)
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_SH); print(1, flush=True)\n"
    code += "sys.stdin.readline()"
    command = [sys.executable, "-c", code, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        asking.stdout.readline()
        stdin = asking.stdin
        monkeypatch.setattr(driver_locks, "PROBE_SECONDS", 10.0)
        monkeypatch.setattr(driver_locks.time, "sleep", lambda _: stdin.close() or asking.wait())
        with index.drive(ABC):
            assert index.is_driven(ABC)


def test_a_lock_whose_file_its_last_holder_removed_is_taken_again(
    index: SqliteSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = index._locks._path(ABC)
    removed: list[int] = []

    def flock(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(descriptor)
            lock.unlink()
        fcntl.flock(descriptor, operation)

    monkeypatch.setattr(driver_locks, "fcntl", SimpleNamespace(**vars(fcntl) | {"flock": flock}))
    with index.drive(ABC), lock.open() as seen_by_others, pytest.raises(BlockingIOError):
        fcntl.flock(seen_by_others, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert removed


def test_no_lock_file_stays_behind(index: SqliteSessionStore, path: Path) -> None:
    with index.drive(ABC):
        assert list((path.parent / "drivers").iterdir())
    assert not list((path.parent / "drivers").iterdir())
