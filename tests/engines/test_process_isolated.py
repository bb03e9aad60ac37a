"""A process for each node, bounded in time, memory and output, reaped whatever it does."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from oneml.habitats.engines.isolated import worker_command, worker_environment
from oneml.habitats.engines.process import ProcessEngine
from oneml.habitats.engines.worker_output import LINE_MAX_BYTES, LOG_MAX_BYTES
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.states import NodeState
from process_engines import A, Store, ended, ends, number_in, ran, text_of


@pytest.fixture(autouse=True)
def _entries_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "support"))


def python(source: str) -> Callable[[NodePath], Sequence[str]]:
    return lambda _path: [sys.executable, "-c", source]


def outcome_of(
    store: Store,
    source: str,
    *,
    timeout_seconds: float | None = None,
    grace: float = 0.5,
    memory_bytes: int | None = None,
) -> NodeOutcome:
    engine = ProcessEngine(command=python(source), grace_seconds=grace)
    with engine.open(store.context(isolated=True)) as run:
        return ran(run, timeout_seconds=timeout_seconds, memory_bytes=memory_bytes)


def test_a_worker_is_told_two_variables_and_nothing_else() -> None:
    told = worker_environment(Store().context(), {"PATH": "/bin"})
    assert told == {"PATH": "/bin", "ONEML_HABITATS_PIPELINE": "hello", "ONEML_PIPELINE_SESSION_ID": "s1"}


def test_a_worker_is_told_of_a_store_that_it_would_not_find_by_itself() -> None:
    told = worker_environment(Store().context(store_url="file:///elsewhere"), {"ONEML_STORE_URL": "file:///stale"})
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
    store.attempts = [0, 1, 1]
    assert outcome_of(store, "raise SystemExit(3)").state is NodeState.FAILED


def test_what_a_worker_wrote_is_masked_before_anyone_sees_it() -> None:
    store = Store()
    outcome = outcome_of(store, "import os; print('token=s3cr3t', flush=True); os._exit(9)")
    assert text_of(outcome) == "its process ended with exit code 9: token=***"
    assert store.texts() == ["token=***"]


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
    with ProcessEngine(command=python(handler + source)).open(store.context(isolated=True)) as run:
        run.submit(NodeTask(A, None))
        while not store.lines:
            time.sleep(0.02)
        run.cancel(now=False)
        time.sleep(0.1)
        run.cancel(now=False)
        assert ended(run)
    assert done.exists()


def test_a_killed_worker_names_the_signal() -> None:
    outcome = outcome_of(Store(), "import os; os.kill(os.getpid(), 9)")
    assert (outcome.state, text_of(outcome)) == (NodeState.FAILED, "its process was killed by SIGKILL")


def test_a_hanging_worker_is_ended_when_its_time_is_over() -> None:
    outcome = outcome_of(Store(), "import time; time.sleep(60)", timeout_seconds=0.5)
    assert outcome.state is NodeState.FAILED
    assert text_of(outcome).startswith("the node was ended after 0.5 s (timeout_seconds). Correct")


def test_a_worker_that_ignores_sigterm_is_killed_after_the_grace_period() -> None:
    source = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    assert "ended after" in text_of(outcome_of(Store(), source, timeout_seconds=0.5, grace=0.3))


def test_100_mb_of_output_neither_blocks_nor_is_kept() -> None:
    store = Store()
    source = "import sys\nfor _ in range(100): sys.stdout.write(('x' * 1023 + chr(10)) * 1024)"
    assert outcome_of(store, source).state is NodeState.FAILED
    kept = sum(len(line) + 1 for line in store.texts())
    assert LOG_MAX_BYTES <= kept <= LOG_MAX_BYTES + LINE_MAX_BYTES
    assert store.texts()[-1] == f"... output beyond {LOG_MAX_BYTES} bytes is dropped"


def test_a_line_without_an_end_is_cut_into_pieces() -> None:
    store = Store()
    outcome_of(store, f"import sys; sys.stdout.write('x' * {3 * LINE_MAX_BYTES})")
    assert max(map(len, store.texts())) == LINE_MAX_BYTES


def test_broken_utf_8_is_shown_with_replacements() -> None:
    store = Store()
    outcome_of(store, r"import os; os.write(1, b'caf\xe9 \xff\n')")
    assert store.texts() == ["caf\ufffd \ufffd"]


def test_a_grandchild_that_holds_the_pipe_open_is_not_waited_for(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = (
        "import subprocess, sys, pathlib;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid) + chr(10))"
    )
    started = time.monotonic()
    assert outcome_of(Store(), source).state is NodeState.FAILED
    assert time.monotonic() - started < 30
    assert ends(number_in(pid_file))


def test_leaving_the_engine_ends_what_still_runs(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = (
        "import os, pathlib, time\n"
        + f"pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()) + chr(10)); time.sleep(60)"
    )
    with ProcessEngine(command=python(source), grace_seconds=5).open(Store().context(isolated=True)) as run:
        run.submit(NodeTask(A, None))
        pid = number_in(pid_file)
    assert ends(pid)


def test_cancelling_ends_a_worker_and_says_cancelled() -> None:
    with ProcessEngine(command=python("import time; time.sleep(60)")).open(Store().context(isolated=True)) as run:
        run.submit(NodeTask(A, None))
        run.cancel(now=False)
        assert [outcome.state for outcome in ended(run)] == [NodeState.CANCELLED]


def test_a_worker_that_cannot_be_started_is_an_engine_error() -> None:
    engine = ProcessEngine(command=lambda _path: ["/nonexistent/oneml"])
    with (
        engine.open(Store().context(isolated=True)) as run,
        pytest.raises(EngineError, match=r"a worker for //a cannot be started: .*No such file"),
    ):
        ran(run)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the group is all that can be ended")
def test_a_process_that_left_its_session_ends_with_its_node(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = f"from process_entries import daemon; daemon({str(pid_file)!r})"
    assert outcome_of(Store(), source).state is NodeState.FAILED
    assert ends(number_in(pid_file))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such limit")
def test_a_process_that_takes_more_memory_than_it_may_fails_and_names_the_limit() -> None:
    outcome = outcome_of(Store(), "bytearray(300 << 20)", memory_bytes=100 << 20)
    assert outcome.state is NodeState.FAILED
    assert text_of(outcome).endswith(f"MemoryError; it may take {100 << 20} bytes (memory_bytes)")
