"""What every session store promises."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from oneml.habitats.errors import SessionBusyError, StoreError
from oneml.habitats.ports.session_store import SOURCES_MAX, NodeRow, SessionRow, SessionStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)


def session_row(
    session_id: str, *, created: datetime = NOON, nodes: int = 2, parent: SessionId | None = None
) -> SessionRow:
    return SessionRow(SessionId(session_id), "demo", SessionState.CREATED, created, created, nodes, parent)


def node_row(path: str, state: NodeState = NodeState.RUNNING, *, seconds: float | None = None) -> NodeRow:
    return NodeRow(NodePath(path), state, 1, NOON, seconds, "because")


def paths(rows: Sequence[NodeRow]) -> list[str]:
    return [row.path for row in rows]


def test_an_index_starts_empty(index: SessionStore) -> None:
    assert list(index.sessions()) == []
    assert index.session(SessionId("abc")) is None
    assert list(index.nodes(SessionId("abc"))) == []
    assert not index.is_driven(SessionId("abc"))


def test_a_session_is_read_as_it_was_put(index: SessionStore) -> None:
    row = session_row("abc", parent=SessionId("upper"))
    index.put_session(row)
    assert index.session(SessionId("abc")) == row
    assert list(index.sessions()) == [row]


def test_ids_that_differ_in_case_are_different_sessions(index: SessionStore) -> None:
    index.put_session(session_row("abc"))
    index.put_session(session_row("ABC", nodes=7))
    assert {row.session_id: row.node_count for row in index.sessions()} == {"abc": 2, "ABC": 7}
    with index.drive(SessionId("abc")), index.drive(SessionId("ABC")):
        assert index.is_driven(SessionId("ABC"))


def test_sessions_are_listed_newest_first_whatever_zone_they_were_told_in(index: SessionStore) -> None:
    east = timezone(timedelta(hours=5))
    index.put_session(session_row("old", created=NOON))
    index.put_session(session_row("new", created=NOON.astimezone(east) + timedelta(seconds=1)))
    index.put_session(session_row("oldest", created=NOON - timedelta(microseconds=1)))
    assert [row.session_id for row in index.sessions()] == ["new", "old", "oldest"]
    assert index.sessions()[0].created_at == NOON + timedelta(seconds=1)


def test_putting_a_session_again_keeps_its_nodes(index: SessionStore) -> None:
    index.put_session(session_row("abc"))
    index.record(SessionId("abc"), SessionState.RUNNING, [node_row("//a")], NOON)
    index.put_session(session_row("abc", nodes=5))
    assert paths(index.nodes(SessionId("abc"))) == ["//a"]
    assert [row.node_count for row in index.sessions()] == [5]


def test_nodes_are_recorded_replaced_and_sorted(index: SessionStore) -> None:
    index.put_session(session_row("abc"))
    done = node_row("//b", NodeState.SUCCEEDED, seconds=0.25)
    index.record(SessionId("abc"), SessionState.RUNNING, [node_row("//b"), node_row("//a")], NOON)
    index.record(SessionId("abc"), SessionState.RUNNING, [done], NOON)
    assert list(index.nodes(SessionId("abc"))) == [node_row("//a"), done]


def test_who_computed_a_key_is_told_newest_first(index: SessionStore) -> None:
    for number in range(10):
        index.put_session(session_row(f"s{number}", created=NOON + timedelta(seconds=number)))
    done = node_row("//a", NodeState.SUCCEEDED)._replace(reuse_key="k1")
    for number in (3, 9, 5):
        index.record(SessionId(f"s{number}"), SessionState.RUNNING, [done], NOON)
    index.record(SessionId("s1"), SessionState.RUNNING, [done._replace(reuse_key="k2")], NOON)
    index.record(SessionId("s2"), SessionState.RUNNING, [done._replace(reuse_key=None)], NOON)
    assert index.computed("k1") == ["s9", "s5", "s3"]
    assert index.computed("k3") == []
    for number in range(10):
        index.record(SessionId(f"s{number}"), SessionState.RUNNING, [done], NOON)
    assert index.computed("k1") == [f"s{number}" for number in range(9, 9 - SOURCES_MAX, -1)]


def test_who_has_not_succeeded_or_is_removed_computed_nothing(index: SessionStore) -> None:
    done = node_row("//a", NodeState.SUCCEEDED)._replace(reuse_key="k1", reused_from=SessionId("old"))
    for name in ("abc", "xyz"):
        index.put_session(session_row(name))
    index.record(SessionId("abc"), SessionState.RUNNING, [done], NOON)
    index.record(SessionId("xyz"), SessionState.RUNNING, [done._replace(state=NodeState.FAILED)], NOON)
    assert list(index.nodes(SessionId("abc"))) == [done]
    assert index.computed("k1") == ["abc"]
    index.remove(SessionId("abc"))
    assert index.computed("k1") == []


def test_the_time_of_a_state_is_that_of_its_last_change(index: SessionStore) -> None:
    index.put_session(session_row("abc"))
    later = NOON + timedelta(seconds=5)
    index.record(SessionId("abc"), SessionState.CREATED, [], later)
    assert index.sessions()[0].changed_at == NOON
    index.record(SessionId("abc"), SessionState.RUNNING, [], later)
    index.record(SessionId("abc"), SessionState.RUNNING, [], later + later.resolution)
    assert (index.sessions()[0].state, index.sessions()[0].changed_at) == (SessionState.RUNNING, later)


def test_recording_for_a_session_that_is_not_there_is_an_error(index: SessionStore) -> None:
    with pytest.raises(StoreError, match="has no session abc"):
        index.record(SessionId("abc"), SessionState.RUNNING, [node_row("//a")], NOON)
    index.put_session(session_row("abc"))
    assert list(index.nodes(SessionId("abc"))) == []


def test_a_removed_session_is_gone_with_its_nodes(index: SessionStore) -> None:
    for session_id in ("abc", "def"):
        index.put_session(session_row(session_id))
        index.record(SessionId(session_id), SessionState.RUNNING, [node_row("//a")], NOON)
    index.remove(SessionId("abc"))
    index.remove(SessionId("never"))
    assert index.session(SessionId("abc")) is None
    assert list(index.nodes(SessionId("abc"))) == []
    assert paths(index.nodes(SessionId("def"))) == ["//a"]


def test_a_session_has_one_driver_at_a_time(index: SessionStore) -> None:
    with index.drive(SessionId("abc")):
        assert index.is_driven(SessionId("abc"))
        assert not index.is_driven(SessionId("def"))
        with pytest.raises(SessionBusyError, match="abc is being driven by"), index.drive(SessionId("abc")):
            pass
        assert index.is_driven(SessionId("abc"))
    assert not index.is_driven(SessionId("abc"))


def test_a_driver_that_raises_lets_go(index: SessionStore) -> None:
    with pytest.raises(LookupError), index.drive(SessionId("abc")):
        raise LookupError
    with index.drive(SessionId("abc")):
        assert index.is_driven(SessionId("abc"))


def test_one_of_many_threads_drives(index: SessionStore) -> None:
    start, end = threading.Barrier(6), threading.Barrier(6)
    busy: list[SessionBusyError] = []

    def drive() -> None:
        start.wait()
        try:
            with index.drive(SessionId("abc")):
                end.wait()
        except SessionBusyError as error:
            busy.append(error)
            end.wait()

    threads = [threading.Thread(target=drive) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(busy) == 5


def test_threads_record_side_by_side(index: SessionStore) -> None:
    index.put_session(session_row("abc"))

    def record(number: int) -> None:
        for step in range(10):
            index.record(SessionId("abc"), SessionState.RUNNING, [node_row(f"//n{number}_{step}")], NOON)

    threads = [threading.Thread(target=record, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(index.nodes(SessionId("abc"))) == 40


def test_a_closed_index_can_be_used_again(index: SessionStore) -> None:
    index.put_session(session_row("abc"))
    index.close()
    index.close()
    assert index.session(SessionId("abc")) == session_row("abc")
