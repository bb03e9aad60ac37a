"""What others can do to whole sessions on the process engine; see docs/engines/faults.md."""

from pathlib import Path

import pytest

from fault_pipelines import gate, runs_of
from fault_sessions import Driven, FaultSessions, states, wait_for_runs
from oneml.habitats.values.node_path import NodePath

pytestmark = pytest.mark.system


SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaultSessions:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    return FaultSessions(tmp_path)


def test_sigterm_from_outside_is_no_success_and_is_tried_again_as_often_as_asked(sessions: FaultSessions) -> None:
    """Row 42."""
    retries = {"//sleep": {"retries": 1}}
    with sessions("sleep", "gate", engine="process", workers=2, nodes=retries) as session:
        driven = Driven(session)
        for node in ("sleep", "gate"):
            wait_for_runs(sessions.folder, node)[0].terminate()
        assert not driven.end().succeeded
        assert states(session) == {
            "first": "succeeded", "sleep": "succeeded", "after_sleep": "succeeded",
            "gate": "failed", "after_gate": "skipped",
        }  # fmt: skip
        detail = session.node_rows()[NodePath("//gate")].detail
    assert "its process was asked to end, though not by this session" in detail
    assert len(runs_of(sessions.folder, "sleep")) == 2


def test_a_worker_that_is_paused_is_killed_when_its_time_is_over_and_its_node_runs_elsewhere(
    sessions: FaultSessions,
) -> None:
    """Row 21: it does not wake any more."""
    with sessions("gate", engine="process", workers=1, retries=1, timeout_seconds=2) as session:
        driven = Driven(session)
        (paused,) = wait_for_runs(sessions.folder, "gate")
        paused.suspend()
        gate(sessions.folder, 2).touch()
        assert driven.end().succeeded
        assert session.output("//gate") == 3  # of the second run
        assert not paused.is_running()
    assert len(runs_of(sessions.folder, "gate")) == 2
