"""Nothing that is unchanged is refused: some of the runs of ``make drift``."""

from pathlib import Path

from false_alarms import measure

RUNS = 20


def test_unchanged_runs_raise_no_alarm(tmp_path: Path) -> None:
    batches = measure(RUNS, tmp_path, workers=1)
    assert sum(batch.runs for batch in batches) >= RUNS
    assert [batch.said for batch in batches if batch.said] == []
