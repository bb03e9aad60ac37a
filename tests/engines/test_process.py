"""Warm workers: reused over nodes, bounded in time, memory and output, replaced and buried whatever happens to them."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from oneml.habitats.engines.process import ProcessEngine
from oneml.habitats.engines.worker_output import LOG_MAX_BYTES
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import NodeNeeds, NodeTask
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState
from process_engines import A, B, C, Store, ended, ends, lives, number_in, ran, text_of

SUPPORT = Path(__file__).parents[1] / "support"
SHOW_PID = "print(os.getpid())"
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel must know of subreapers")


@pytest.fixture(autouse=True)
def _entries_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))


def outcome_of(body: str, *, timeout_seconds: float | None = None, grace: float = 0.5) -> NodeOutcome:
    store = Store({A: body})
    with ProcessEngine(grace_seconds=grace).open(store.context()) as run:
        return ran(run, timeout_seconds=timeout_seconds)


def test_a_worker_runs_one_node_after_the_other() -> None:
    store = Store({A: SHOW_PID, B: SHOW_PID})
    with ProcessEngine().open(store.context()) as run:
        assert [ran(run, A).state, ran(run, B).state] == [NodeState.SUCCEEDED] * 2
    (_, first), (_, second) = store.lines
    assert first == second != str(os.getpid())


def test_what_all_need_is_loaded_once_and_not_by_each_worker() -> None:
    body = "print(LOADED, os.getppid())"
    store = Store({A: body + "; time.sleep(0.5)", B: body + "; time.sleep(0.5)"})
    with ProcessEngine().open(store.context(workers=2)) as run:
        run.submit(NodeTask(A, None))
        run.submit(NodeTask(B, None))
        ended(run, 2)
    assert len(set(store.texts())) == 1
    assert store.texts()[0].startswith("['preload']")


def test_a_server_that_has_threads_starts_workers_afresh() -> None:
    store = Store({A: "print(LOADED, threading.active_count()); print(sys.orig_argv[3])"})
    with ProcessEngine().open(store.context(preload="preload_with_a_thread")) as run:
        assert ran(run).state is NodeState.SUCCEEDED
        assert ran(run).state is NodeState.SUCCEEDED
    assert store.texts()[0] == "['preload'] 2"
    assert "warm_worker" in store.texts()[1]


def test_a_lock_that_the_driver_holds_is_not_copied_into_a_worker() -> None:
    lock = logging.Handler().lock
    assert lock is not None
    logging.lock_of_a_test = lock  # type: ignore[attr-defined]
    with lock:
        body = "import logging; print(hasattr(logging, 'lock_of_a_test')); logging.getLogger('x').warning('free')"
        store = Store({A: body})
        with ProcessEngine().open(store.context()) as run:
            assert ran(run).state is NodeState.SUCCEEDED
    assert sorted(store.texts()) == ["False", "free"]


def test_a_server_that_cannot_load_what_all_need_is_an_engine_error() -> None:
    store = Store({A: "pass"})
    with (
        ProcessEngine().open(store.context(preload="preload_that_fails")) as run,
        pytest.raises(EngineError, match="there is no module of that name"),
    ):
        ran(run)


def test_workers_have_the_environment_of_the_driver_and_are_told_which_session_it_is() -> None:
    store = Store({A: "print(os.environ['ONEML_PIPELINE_SESSION_ID'], os.environ['ONEML_STORE_URL'])"})
    with ProcessEngine().open(store.context(store_url="file:///elsewhere")) as run:
        ran(run)
    assert store.texts() == ["s1 file:///elsewhere"]


def test_the_terminal_reaches_no_worker() -> None:
    store = Store({A: "print(os.getsid(0), os.getpgid(0), os.getpid())"})
    with ProcessEngine().open(store.context()) as run:
        ran(run)
    session, group, pid = map(int, store.texts()[0].split())
    assert session != os.getsid(0)
    assert group == pid


def test_a_worker_that_is_killed_fails_its_node_and_is_replaced(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    store = Store({A: f"note({str(pid_file)!r}); time.sleep(60)", B: SHOW_PID})
    with ProcessEngine().open(store.context()) as run:
        run.submit(NodeTask(A, None))
        killed = number_in(pid_file)
        os.kill(killed, signal.SIGKILL)
        (outcome,) = ended(run)
        assert ran(run, B).state is NodeState.SUCCEEDED
    assert (outcome.state, text_of(outcome)) == (NodeState.FAILED, "its process was killed by SIGKILL")
    assert store.texts() != [str(killed)]


def test_a_worker_that_is_killed_after_its_commit_has_succeeded() -> None:
    store = Store({A: "os.kill(os.getpid(), 9)"})
    store.outcome = NodeOutcome(A, NodeState.SUCCEEDED)
    with ProcessEngine().open(store.context()) as run:
        assert ran(run).state is NodeState.SUCCEEDED


def test_a_worker_that_others_asked_to_end_has_failed() -> None:
    body = "signal.signal(signal.SIGTERM, signal.default_int_handler); os.kill(os.getpid(), 15); time.sleep(60)"
    store = Store({A: body, B: SHOW_PID, C: SHOW_PID})
    with ProcessEngine().open(store.context()) as run:
        ran(run, C)
        outcome = ran(run, A)
        ran(run, B)
    assert outcome.state is NodeState.FAILED
    assert text_of(outcome).startswith("its process was asked to end, though not by this session, or its body")
    assert store.texts()[0] != store.texts()[1]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("os._exit(0)", "its process ended with exit code 0, but published nothing: did the body leave by exit()?"),
        ("print('bye s3cr3t'); os._exit(9)", "its process ended with exit code 9: bye ***"),
        ("ctypes.string_at(0)", "its process was killed by SIGSEGV"),
        ("sys.exit(0)", "0"),
    ],
)
def test_a_body_that_leaves_has_failed(body: str, text: str) -> None:
    outcome = outcome_of(body)
    assert (outcome.state, text_of(outcome)) == (NodeState.FAILED, text)


@pytest.mark.parametrize(
    "answer",
    [
        "answer = {'node': '//a', 'outcome': {'state': {1, 2}}}",
        "answer = {'node': '//a', 'outcome': {'state': 'succeeded'}}",
        "answer = {'node': '//other', 'outcome': {}}",
        "answer = [1]",
        "answer = {'x': float('nan')}",
        "answer = {'x': chr(0xdc80)}",
        "answer = []\nfor _ in range(100_000): answer = [answer]",
        "answer = {'x': 'y' * (65 << 20)}",
        "[os.write(fd, b'garbage of a poison node') for fd in range(3, 40) if is_socket(fd)]; time.sleep(60)",
    ],
)
def test_an_answer_that_cannot_be_read_fails_its_node_alone(answer: str) -> None:
    store = Store({A: answer, B: "pass"})
    with ProcessEngine(grace_seconds=0.5).open(store.context()) as run:
        outcome = ran(run, A)
        assert ran(run, B).state is NodeState.SUCCEEDED
    assert outcome.state is NodeState.FAILED
    assert text_of(outcome).startswith("its worker gave no answer that can be read: ")


def test_a_worker_that_hangs_is_ended_when_its_time_is_over() -> None:
    outcome = outcome_of("time.sleep(60)", timeout_seconds=0.5)
    assert (outcome.state, text_of(outcome)) == (
        NodeState.FAILED,
        "the node was ended after 0.5 s (timeout_seconds). "
        "Correct what it waits for, or give it longer: --set '//a:timeout_seconds=...'",
    )


def test_a_worker_that_ignores_sigterm_is_killed_after_the_grace_period() -> None:
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    assert "ended after" in text_of(outcome_of(body, timeout_seconds=0.5, grace=0.3))


def test_what_a_body_did_to_signals_ends_with_it() -> None:
    store = Store({A: "signal.signal(signal.SIGTERM, signal.SIG_IGN)", B: "time.sleep(60)"})
    with ProcessEngine(grace_seconds=30).open(store.context()) as run:
        ran(run, A)
        started = time.monotonic()
        assert "ended after" in text_of(ran(run, B, timeout_seconds=0.2))
    assert time.monotonic() - started < 20


def test_a_poison_node_fails_each_time_and_spoils_nothing() -> None:
    store = Store({A: "os.kill(os.getpid(), 9)", B: "pass"})
    with ProcessEngine().open(store.context()) as run:
        assert {ran(run, A).state for _ in range(20)} == {NodeState.FAILED}
        assert ran(run, B).state is NodeState.SUCCEEDED


@pytest.mark.parametrize("now", [False, True])
def test_cancelling_ends_what_runs_and_what_waits(*, now: bool, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    store = Store({A: f"note({str(pid_file)!r}); time.sleep(60)", B: "pass"})
    with ProcessEngine().open(store.context()) as run:
        run.submit(NodeTask(A, None))
        run.submit(NodeTask(B, None))
        pid = number_in(pid_file)
        run.cancel(now=now)
        assert [outcome.state for outcome in ended(run, 2)] == [NodeState.CANCELLED] * 2
    assert ends(pid)


def test_leaving_the_engine_ends_what_still_runs(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    store = Store({A: f"note({str(pid_file)!r}); time.sleep(60)"})
    with ProcessEngine().open(store.context()) as run:
        run.submit(NodeTask(A, None))
        pid = number_in(pid_file)
    assert not lives(pid)


def test_a_worker_ends_as_every_program_does(tmp_path: Path) -> None:
    done = tmp_path / "done"
    store = Store({A: f"import atexit; atexit.register(Path({str(done)!r}).touch)"})
    with ProcessEngine().open(store.context()) as run:
        ran(run)
        assert not done.exists()
    assert done.exists()


def test_lines_are_those_of_the_node_that_runs_and_come_at_once(tmp_path: Path) -> None:
    go = tmp_path / "go"
    body = (
        f"print('first')\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nsys.stderr.write('no end of line')"
    )
    store = Store({A: body, B: r"os.write(1, b'caf\xe9 s3cr3t \xff\n')"})
    with ProcessEngine().open(store.context()) as run:
        run.submit(NodeTask(A, None))
        while not store.lines:
            time.sleep(0.01)
        go.touch()
        ended(run)
        ran(run, B)
    assert store.lines == [(A, "first"), (A, "no end of line"), (B, "caf\ufffd *** \ufffd")]


def test_what_libraries_in_c_print_belongs_to_their_node() -> None:
    printed = "ctypes.CDLL(None).puts(b'{}'); print(LOADED and sys.stdout.encoding)"
    store = Store({A: printed.format("one"), B: printed.format("two")})
    with ProcessEngine().open(store.context(preload="preload_that_prints")) as run:
        ran(run, A)
        ran(run, B)
    assert sorted(store.lines) == sorted([(A, "one"), (A, "utf-8"), (B, "two"), (B, "utf-8")])


def test_100_mb_of_output_neither_blocks_nor_is_kept() -> None:
    store = Store({A: "for _ in range(100): sys.stdout.write(('x' * 1023 + chr(10)) * 1024)", B: "print('after')"})
    with ProcessEngine().open(store.context()) as run:
        assert ran(run, A).state is NodeState.SUCCEEDED
        ran(run, B)
    assert sum(len(line) + 1 for line in store.texts()) < LOG_MAX_BYTES + 10_000
    assert store.texts()[-2:] == [f"... output beyond {LOG_MAX_BYTES} bytes is dropped", "after"]


def test_a_body_that_closes_its_output_hurts_only_what_it_prints() -> None:
    store = Store({A: "os.close(1); os.close(2)", B: "pass"})
    with ProcessEngine().open(store.context()) as run:
        assert ran(run, A).state is NodeState.SUCCEEDED
        assert ran(run, B).state is NodeState.SUCCEEDED


def test_the_child_of_a_body_that_forks_gives_no_second_answer() -> None:
    store = Store({A: "os.fork()", B: SHOW_PID, C: SHOW_PID})
    with ProcessEngine().open(store.context()) as run:
        assert [ran(run, path).state for path in (A, B, C)] == [NodeState.SUCCEEDED] * 3
    assert store.texts()[0] == store.texts()[1]


def test_large_messages_and_answers_pass() -> None:
    size = 8 << 20
    body = "answer = None; message = None; print(len(padding))"
    store = Store({A: f"padding = 'y' * {size}; {body} #" + "z" * size})
    with ProcessEngine().open(store.context()) as run:
        assert ran(run).state is NodeState.SUCCEEDED
    assert store.texts() == [str(size)]


def test_a_node_that_needs_two_processors_runs_alone_on_two() -> None:
    span = "print(time.monotonic()); time.sleep(0.3); print(time.monotonic())"
    store = Store({A: span, B: span, C: span})
    with ProcessEngine().open(store.context(workers=2)) as run:
        for path, cpus in ((A, 1.0), (B, 2.0), (C, 64.0)):
            run.submit(NodeTask(path, None, NodeNeeds(cpus=cpus)))
        ended(run, 3)
    assert [path for path, _ in store.lines] == [A, A, B, B, C, C]
    assert store.texts() == sorted(store.texts(), key=float)


@only_linux
def test_a_node_that_takes_more_memory_than_it_may_fails_and_names_the_limit() -> None:
    store = Store({A: "bytearray(300 << 20)"})
    with ProcessEngine().open(store.context()) as run:
        outcome = ran(run, memory_bytes=200 << 20)
        assert ran(run).state is NodeState.SUCCEEDED  # the limit has ended with the node
    assert outcome.error is not None
    assert outcome.error.type == "MemoryError"
    assert text_of(outcome) == f"its process may take {200 << 20} bytes (memory_bytes)"


@only_linux
def test_a_node_under_a_limit_gets_another_worker_where_one_is_full_already() -> None:
    store = Store(
        {A: "sys.hoard = b'x' * (150 << 20); print(os.getpid())", B: "bytearray(150 << 20); print(os.getpid())"}
    )
    with ProcessEngine().open(store.context()) as run:
        ran(run, A)
        assert ran(run, B, memory_bytes=250 << 20).state is NodeState.SUCCEEDED
    assert store.texts()[0] != store.texts()[1]


@only_linux
def test_a_limit_that_an_empty_worker_exceeds_is_named() -> None:
    store = Store({A: "pass"})
    with ProcessEngine().open(store.context()) as run:
        outcome = ran(run, memory_bytes=1 << 20)
    assert "bytes before the node starts; it may take 1048576 bytes (memory_bytes)" in text_of(outcome)


@only_linux
@pytest.mark.parametrize("end", ["os._exit(1)", "time.sleep(60)", "pass"])
def test_a_process_that_left_its_session_ends_with_the_worker(end: str, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    store = Store({A: f"daemon({str(pid_file)!r}); {end}"})
    with ProcessEngine(grace_seconds=0.5).open(store.context()) as run:
        ran(run, timeout_seconds=2)
    assert not lives(number_in(pid_file))


@only_linux
def test_a_process_of_another_worker_is_left_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    store = Store({A: f"daemon({str(pid_file)!r}); time.sleep(60)", B: "os._exit(1)", C: "pass"})
    with ProcessEngine().open(store.context(workers=2)) as run:
        run.submit(NodeTask(A, None))
        pid = number_in(pid_file)
        ran(run, B)
        ran(run, C)
        assert lives(pid)
    assert not lives(pid)


@only_linux
@pytest.mark.parametrize("isolated", [False, True])
def test_nothing_outlives_a_driver_that_is_killed(*, isolated: bool, tmp_path: Path) -> None:
    worker, stray = tmp_path / "worker", tmp_path / "stray"
    body = f"daemon({str(stray)!r}); note({str(worker)!r}); time.sleep(600)"
    script = f"""
        import sys
        from process_engines import A, Store, ended
        from oneml.habitats.engines.process import ProcessEngine
        from oneml.habitats.ports.engine import NodeTask
        body = {body!r}
        command = [sys.executable, "-c", "import time; from process_entries import *; " + body]
        with ProcessEngine(command=lambda _: command).open(Store({{A: body}}).context(isolated={isolated})) as run:
            run.submit(NodeTask(A, None))
            ended(run, seconds=600)
    """
    driver = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    pids = [number_in(stray), number_in(worker)]
    driver.kill()
    driver.wait()
    assert all(map(ends, pids))


@only_linux
def test_a_fork_server_that_is_killed_fails_what_runs_and_is_replaced(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    store = Store({A: f"note({str(pid_file)!r}); time.sleep(60)", B: "print(os.getppid())"})
    with ProcessEngine().open(store.context()) as run:
        ran(run, B)
        run.submit(NodeTask(A, None))
        pid = number_in(pid_file)
        os.kill(int(store.texts()[0]), signal.SIGKILL)
        (outcome,) = ended(run)
        assert ends(pid)
        assert ran(run, B).state is NodeState.SUCCEEDED
    assert text_of(outcome) == "the process that starts workers was killed by SIGKILL, and its workers with it"


def test_threads_and_descriptors_of_the_engine_end_with_it() -> None:
    def descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    outcome_of("pass")
    threads, before = threading.active_count(), descriptors()
    outcome_of("os._exit(3)")
    assert (threading.active_count(), descriptors()) == (threads, before)


def test_an_engine_that_runs_nothing_ends_at_once() -> None:
    started = time.monotonic()
    with ProcessEngine().open(Store().context()) as run:
        assert run.wait(10) == ()
    assert time.monotonic() - started < 5
