"""Claims, commits and outcomes in an artifact store."""

import threading

import pytest

from oneml.habitats.errors import CorruptArtifactError
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.attempts import AttemptLog, Commit
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath, node_key
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome, PortRecord
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

A = NodePath("//a")
S = SessionId("s1")
ENDED = "2026-01-01T00:00:00.000000Z"
RECORD = PortRecord("json", 1, "0" * 64, 1, b"1")


@pytest.fixture
def store() -> MemoryArtifactStore:
    return MemoryArtifactStore()


def commit(attempt: int) -> Commit:
    return Commit(attempt=attempt, seconds=0.5, ended_at=ENDED, ports={"output": RECORD})


def test_attempts_are_numbered_from_1(store: MemoryArtifactStore) -> None:
    assert [AttemptLog(store, S).claim(A) for _ in range(3)] == [1, 2, 3]


def test_no_two_claims_are_the_same(store: MemoryArtifactStore) -> None:
    together, claims = threading.Barrier(8), list[int]()

    def claim() -> None:
        together.wait(10)
        claims.append(AttemptLog(store, S).claim(A))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(claims) == list(range(1, 9))


def test_the_first_commit_stands_and_the_second_is_told_so(store: MemoryArtifactStore) -> None:
    assert AttemptLog(store, S).commit(A, commit(2)).attempt == 2
    assert AttemptLog(store, S).commit(A, commit(1)).attempt == 2
    assert AttemptLog(store, S).committed(A) == commit(2)


def test_a_commit_stands_above_every_outcome(store: MemoryArtifactStore) -> None:
    log = AttemptLog(store, S)
    log.commit(A, commit(log.claim(A)))
    log.record(NodeOutcome(A, NodeState.FAILED, log.claim(A), ended_at=ENDED))
    outcome = AttemptLog(store, S).outcome(A)
    assert outcome is not None
    assert (outcome.state, outcome.attempt, outcome.ports) == (NodeState.SUCCEEDED, 1, {"output": RECORD})


def test_the_outcome_of_the_last_attempt_is_what_is_known_of_a_failed_node(store: MemoryArtifactStore) -> None:
    log = AttemptLog(store, S)
    for text in ("first", "second"):
        error = ErrorRecord("ValueError", text, "")
        log.record(NodeOutcome(A, NodeState.FAILED, log.claim(A), 1.0, error, ended_at=ENDED))
    outcome = AttemptLog(store, S).outcome(A)
    assert outcome is not None
    assert outcome.error is not None
    assert (outcome.attempt, outcome.error.text) == (2, "second")
    assert AttemptLog(store, S).outcome(A, after_attempt=2) is None


def test_an_attempt_that_never_ended_has_no_outcome(store: MemoryArtifactStore) -> None:
    AttemptLog(store, S).claim(A)
    assert AttemptLog(store, S).outcome(A) is None
    assert AttemptLog(store, S).attempted() == {node_key(A)}


def test_sessions_do_not_see_the_attempts_of_each_other(store: MemoryArtifactStore) -> None:
    AttemptLog(store, S).commit(A, commit(1))
    assert AttemptLog(store, SessionId("s2")).committed(A) is None


@pytest.mark.parametrize(
    "document",
    [
        b"{",
        b"[]",
        b'{"schema":"oneml.commit/2"}',
        b'{"schema":"oneml.commit/1","node":"//b","attempt":1,"seconds":1,"ended_at":"","ports":{}}',
        b'{"schema":"oneml.commit/1","node":"//a","attempt":"1","seconds":1,"ended_at":"","ports":{}}',
        b'{"schema":"oneml.commit/1","node":"//a","attempt":1,"seconds":1,"ended_at":"","ports":[]}',
    ],
)
def test_a_commit_that_is_not_one_of_ours_is_refused(store: MemoryArtifactStore, document: bytes) -> None:
    store.create_if_absent(keys.commit_key(S, A), document)
    said = r"a-\w+\.commit\.json: the commit of //a in session s1 is damaged \(.*Delete it, .* oneml sessions run s1"
    with pytest.raises(CorruptArtifactError, match=said):
        AttemptLog(store, S).committed(A)


def test_what_one_thread_is_told_to_know_stays_known_to_another_when_the_first_forgets_it(
    store: MemoryArtifactStore,
) -> None:
    log = AttemptLog(store, S)
    known, forgotten, seen = threading.Event(), threading.Event(), list[Commit | None]()

    def other() -> None:
        with log.knowing({A: commit(1)}):
            known.set()
            forgotten.wait(10)
            seen.append(log.committed(A))

    thread = threading.Thread(target=other)
    with log.knowing({A: commit(1)}):
        thread.start()
        known.wait(10)
    forgotten.set()
    thread.join(10)
    assert seen == [commit(1)]
    assert log.committed(A) is None
