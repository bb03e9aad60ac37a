"""Worker processes, bounded in time and output, reaped whatever they do."""

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from oneml.habitats.engines import process
from oneml.habitats.engines.process import ProcessEngine, worker_command, worker_environment
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineContext, NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

A = NodePath("//a")


class Store:
    """What the artifact store would know, and the lines that came."""

    def __init__(self) -> None:
        self.outcome: NodeOutcome | None = None
        self.lines: list[str] = []
        self.attempts: Iterator[int] = itertools.repeat(1)

    def context(self, store_url: str | None = None) -> EngineContext:
        return EngineContext(
            habitat="hello",
            session_id=SessionId("s1"),
            store_url=store_url,
            workers=1,
            execute=lambda path: NodeOutcome(path, NodeState.FAILED),
            known=lambda _path, _after: self.outcome,
            last_attempt=lambda _path: next(self.attempts),
            mask=lambda text: text.replace("s3cr3t", "***"),
            log=lambda _path, line: self.lines.append(line),
        )


def python(source: str) -> Callable[[NodePath], Sequence[str]]:
    return lambda _path: [sys.executable, "-c", source]


def outcome_of(store: Store, source: str, *, timeout_seconds: float | None = None, grace: float = 0.5) -> NodeOutcome:
    with ProcessEngine(command=python(source), grace_seconds=grace).open(store.context()) as run:
        run.submit(NodeTask(A, timeout_seconds))
        for _ in range(400):
            for outcome in run.wait(0.1):
                return outcome
    raise AssertionError("the worker never ended")


def text_of(outcome: NodeOutcome) -> str:
    assert outcome.error is not None
    return outcome.error.text


def test_a_worker_is_told_two_variables_and_nothing_else() -> None:
    told = worker_environment(Store().context(), {"PATH": "/bin"})
    assert told == {"PATH": "/bin", "ONEML_HABITATS_PIPELINE": "hello", "ONEML_PIPELINE_SESSION_ID": "s1"}


def test_a_worker_is_told_of_a_store_that_it_would_not_find_by_itself() -> None:
    told = worker_environment(Store().context("file:///elsewhere"), {"ONEML_STORE_URL": "file:///stale"})
    assert told["ONEML_STORE_URL"] == "file:///elsewhere"
    assert "ONEML_STORE_URL" not in worker_environment(Store().context(), {"ONEML_STORE_URL": "file:///stale"})


def test_a_worker_runs_the_installed_command() -> None:
    assert worker_command(A)[-4:] == ["-m", "oneml.habitats", "run-pipeline-node", "//a"]


def test_the_commit_in_the_store_decides_and_not_the_exit_code() -> None:
    store = Store()
    store.outcome = NodeOutcome(A, NodeState.SUCCEEDED)
    assert outcome_of(store, "raise SystemExit(7)").state is NodeState.SUCCEEDED


def test_what_the_worker_recorded_of_a_failure_is_told() -> None:
    store = Store()
    store.outcome = NodeOutcome(A, NodeState.FAILED, error=ErrorRecord("ValueError", "bad", ""))
    assert text_of(outcome_of(store, "raise SystemExit(1)")) == "bad"


@pytest.mark.parametrize("leave", ["import sys; sys.exit(0)", "import os; os._exit(0)"])
def test_leaving_with_exit_code_0_without_an_output_is_a_failure(leave: str) -> None:
    outcome = outcome_of(Store(), leave)
    assert outcome.state is NodeState.FAILED
    assert "exit code 0, but published nothing" in text_of(outcome)


def test_a_refusal_is_told_with_its_reason() -> None:
    outcome = outcome_of(Store(), "import sys; print('Error: other code', file=sys.stderr); sys.exit(3)")
    assert (outcome.state, text_of(outcome)) == (NodeState.REFUSED, "other code")


def test_a_body_that_leaves_with_the_code_of_a_refusal_has_failed() -> None:
    store = Store()
    store.attempts = iter([0, 1, 1])
    assert outcome_of(store, "raise SystemExit(3)").state is NodeState.FAILED


def test_what_a_worker_wrote_is_masked_before_anyone_sees_it() -> None:
    store = Store()
    outcome = outcome_of(store, "import os; print('token=s3cr3t', flush=True); os._exit(9)")
    assert text_of(outcome) == "its process ended with exit code 9: token=***"
    assert store.lines == ["token=***"]


def test_a_worker_that_others_ended_has_failed_and_may_be_tried_again() -> None:
    store = Store()
    store.outcome = NodeOutcome(A, NodeState.CANCELLED)
    assert outcome_of(store, "raise SystemExit(130)").state is NodeState.FAILED


def test_a_second_polite_request_does_not_disturb_the_cleaning_up(tmp_path: Path) -> None:
    done = tmp_path / "done"
    source = (
        "import pathlib, time\n"
        "try: print('up', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt: pass\n"
        f"time.sleep(0.5); pathlib.Path({str(done)!r}).touch()"
    )
    handler = "import signal; signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
    store = Store()
    with ProcessEngine(command=python(handler + source)).open(store.context()) as run:
        run.submit(NodeTask(A, None))
        while not store.lines:
            time.sleep(0.02)
        run.cancel(now=False)
        time.sleep(0.1)
        run.cancel(now=False)
        assert run.wait(10)
    assert done.exists()


def test_a_killed_worker_names_the_signal() -> None:
    outcome = outcome_of(Store(), "import os; os.kill(os.getpid(), 9)")
    assert (outcome.state, text_of(outcome)) == (NodeState.FAILED, "its process was killed by SIGKILL")


def test_a_hanging_worker_is_ended_when_its_time_is_over() -> None:
    outcome = outcome_of(Store(), "import time; time.sleep(60)", timeout_seconds=0.5)
    assert outcome.state is NodeState.FAILED
    assert text_of(outcome) == "the node was ended after 0.5 s (timeout_seconds)"


def test_a_worker_that_ignores_sigterm_is_killed_after_the_grace_period() -> None:
    source = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    assert "ended after" in text_of(outcome_of(Store(), source, timeout_seconds=0.5, grace=0.3))


def test_100_mb_of_output_neither_blocks_nor_is_kept() -> None:
    store = Store()
    source = "import sys\nfor _ in range(100): sys.stdout.write(('x' * 1023 + chr(10)) * 1024)"
    assert outcome_of(store, source).state is NodeState.FAILED
    kept = sum(len(line) + 1 for line in store.lines)
    assert process.LOG_MAX_BYTES <= kept <= process.LOG_MAX_BYTES + process.LINE_MAX_BYTES
    assert store.lines[-1] == f"... output beyond {process.LOG_MAX_BYTES} bytes is dropped"


def test_a_line_without_an_end_is_cut_into_pieces() -> None:
    store = Store()
    outcome_of(store, f"import sys; sys.stdout.write('x' * {3 * process.LINE_MAX_BYTES})")
    assert max(map(len, store.lines)) == process.LINE_MAX_BYTES


def test_broken_utf_8_is_shown_with_replacements() -> None:
    store = Store()
    outcome_of(store, r"import os; os.write(1, b'caf\xe9 \xff\n')")
    assert store.lines == ["caf\ufffd \ufffd"]


def test_a_grandchild_that_holds_the_pipe_open_is_not_waited_for(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = (
        "import subprocess, sys, pathlib;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid))"
    )
    started = time.monotonic()
    assert outcome_of(Store(), source).state is NodeState.FAILED
    assert time.monotonic() - started < 30
    assert ends(int(pid_file.read_text()))


def test_leaving_the_engine_ends_what_still_runs(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(60)"
    with ProcessEngine(command=python(source), grace_seconds=5).open(Store().context()) as run:
        run.submit(NodeTask(A, None))
        while not (pid_file.exists() and pid_file.read_text()):
            time.sleep(0.02)
    assert ends(int(pid_file.read_text()))


def test_cancelling_ends_a_worker_and_says_cancelled() -> None:
    with ProcessEngine(command=python("import time; time.sleep(60)")).open(Store().context()) as run:
        run.submit(NodeTask(A, None))
        run.cancel(now=False)
        assert [outcome.state for outcome in run.wait(10)] == [NodeState.CANCELLED]


def test_a_worker_that_cannot_be_started_is_an_engine_error() -> None:
    with (
        ProcessEngine(command=lambda _path: ["/nonexistent/oneml"]).open(Store().context()) as run,
        pytest.raises(EngineError, match="a worker for //a cannot be started"),
    ):
        run.submit(NodeTask(A, None))


def ends(pid: int) -> bool:
    """Tell whether a process is gone, or only waits to be reaped, within ten seconds."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
