"""Many workers, few descriptors, and requests that meet each other half-way."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oneml.habitats.engines.fork_server_client import ForkServerClient
from oneml.habitats.engines.frames import read_frame
from oneml.habitats.engines.process import ProcessEngine
from oneml.habitats.engines.worker_output import LINE_MAX_BYTES, NodeOutput
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import NodeNeeds, NodeTask
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState
from process_engines import A, B, C, Store, ended, number_in, ran

SUPPORT = Path(__file__).parents[1] / "support"
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds memory")


@pytest.fixture(autouse=True)
def _entries_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Let this process open but so many descriptors more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = {int(name) for name in os.listdir("/dev/fd")}  # noqa: PTH208  # the folder is closed when this returns
    free = [number for number in range(max(taken) + count + 1) if number not in taken]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[count], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_server_that_tells_much_while_it_is_asked_for_much_is_heard() -> None:
    """As the fork server does: it takes the next request once it has told what became of the last one."""
    echo = "import socket, sys; s = socket.socket(fileno=int(sys.argv[1]))\nwhile d := s.recv(100): s.sendall(d)"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("oneml.habitats.engines.fork_server_client._PROGRAM", echo)
        server = ForkServerClient(dict(os.environ), entry="", preload="")
    count, told = 5000, 0
    for number in range(count):
        assert server.request({"do": "signal", "worker": number, "signal": 0})
    server.control.setblocking(True)
    while told < count:
        told += len(list(server.events() or ()))
    assert server.close(5) == 0


def test_a_server_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneml.habitats.engines.fork_server_client._PROGRAM", "import time; time.sleep(600)")
    monkeypatch.setattr("oneml.habitats.engines.fork_server_client._SEND_SECONDS", 0.2)
    server = ForkServerClient(dict(os.environ), entry="", preload="")
    while server.request({"do": "signal", "worker": 1, "signal": 0}):
        pass
    assert server.close(5) == -signal.SIGKILL


@pytest.mark.parametrize("left", range(9))
def test_too_few_descriptors_are_an_engine_error_and_none_is_kept(left: int) -> None:
    def descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    store = Store(dict.fromkeys((A, B, C), "time.sleep(60)"))
    with ProcessEngine().open(store.context()) as run:
        ran(run, A, timeout_seconds=0.1)
    before = descriptors()
    told = pytest.raises(EngineError, match=r"Too many open files\. Each worker needs two: set fewer")
    with descriptors_left(left), told, ProcessEngine().open(store.context(workers=3)) as run:
        for path in (A, B, C):
            run.submit(NodeTask(path, None))
        ended(run, 3)
    assert descriptors() == before


@only_linux
@pytest.mark.parametrize("how", ["cancelled", "timed out"])
def test_a_node_that_was_to_end_is_given_to_no_other_worker(how: str, tmp_path: Path) -> None:
    """Its worker is too full for it, and says so after the request to end has passed it by."""
    pid_file = tmp_path / "pid"
    hoard = "sys.hoard = b'x' * (150 << 20); signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    store = Store({A: f"note({str(pid_file)!r}); {hoard}", B: "print('it ran')", C: "print('after')"})
    with ProcessEngine(grace_seconds=30).open(store.context()) as run:
        ran(run, A)
        pid = number_in(pid_file)
        os.kill(pid, signal.SIGSTOP)
        run.submit(NodeTask(B, 0.2 if how == "timed out" else None, NodeNeeds(memory_bytes=250 << 20)))
        assert not run.wait(0.7)  # until its worker has been sent it
        if how == "cancelled":
            run.cancel(now=False)
        assert not run.wait(0.3)  # until the request to end has come
        os.kill(pid, signal.SIGCONT)
        (outcome,) = ended(run)
        assert outcome.state is (NodeState.CANCELLED if how == "cancelled" else NodeState.FAILED)
        assert ran(run, C).state is NodeState.SUCCEEDED
    assert store.texts() == ["after"]


def test_a_body_that_takes_its_output_away_hurts_nothing_else() -> None:
    store = Store({A: "sys.stdout = None; sys.stderr = object(); answer = None", B: "print(os.getpid())"})
    with ProcessEngine().open(store.context()) as run:
        assert [ran(run, A).state, ran(run, A).state] == [NodeState.SUCCEEDED] * 2
    script = "from oneml.habitats.engines.warm_worker import _flush; import sys; sys.stdout = None; _flush()"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_message_that_breaks_off_within_its_length_is_the_end() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(b"\0\0")
        assert read_frame(theirs) is None


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("chunk", [1000, 1 << 16])
def test_a_secret_at_the_cut_of_a_long_line_is_hidden_on_both_sides(end: str, chunk: int) -> None:
    secret = "s3cr3t-canary"
    lines: list[str] = []
    for before in range(LINE_MAX_BYTES - len(secret) - 2, LINE_MAX_BYTES + 2):
        output = NodeOutput(lambda text: text.replace(secret, "**********"), lines.append)
        data = ("é" + "." * before + secret + "." * 3 * LINE_MAX_BYTES + secret + "." * 50_000 + end).encode()
        for start in range(0, len(data), chunk):
            output.write(data[start : start + chunk])
        output.end()
        told = "".join([*lines, *output.tail()])
        assert secret[:4] not in told
        assert secret[-6:] not in told
        assert lines[0].startswith("é....")
        lines.clear()


def test_a_secret_that_fills_a_long_line_is_hidden_each_time() -> None:
    """What hides it makes the line shorter, so that more of it is shown."""
    secret = "".join(f"{number:03}" for number in range(500))
    lines: list[str] = []
    output = NodeOutput(lambda text: text.replace(secret, "***"), lines.append)
    output.write((secret * 12 + "\n").encode())
    assert lines == output.tail() == ["***" * 12]


@pytest.mark.parametrize("isolated", [False, True])
def test_bounds_that_are_larger_than_the_system_knows_are_no_bounds(*, isolated: bool) -> None:
    store = Store({A: "print('ran')"}, outcome=NodeOutcome(A, NodeState.SUCCEEDED, 1))
    command = (sys.executable, "-c", "print('ran')")
    with ProcessEngine(command=lambda _: command).open(store.context(isolated=isolated)) as run:
        for bound in (30 * 86_400.0, 1e300):
            assert ran(run, timeout_seconds=bound, memory_bytes=1 << 70).state is NodeState.SUCCEEDED
    assert store.texts() == ["ran"] * 2
