"""The Slurm engine and what can go wrong, on a real cluster; nodes are a few lines of shell."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oneml.habitats.engines.slurm import SlurmEngine
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineRun, NodeNeeds
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState
from shell_workers import ShellSession, wait_for, wait_until
from slurm_cluster import SlurmCluster, eventually

pytestmark = pytest.mark.system

FAILED, SUCCEEDED, CANCELLED = NodeState.FAILED, NodeState.SUCCEEDED, NodeState.CANCELLED


@pytest.fixture
def session(tmp_path: Path) -> ShellSession:
    return ShellSession(tmp_path, f"s{os.urandom(6).hex()}")


@pytest.fixture
def run(session: ShellSession, cluster: object) -> Iterator[EngineRun]:
    with SlurmEngine().open(session.context()) as opened:
        yield opened


def error_text(outcome: NodeOutcome) -> str:
    assert outcome.error is not None
    return outcome.error.text


def jobs_of(cluster: SlurmCluster, run: EngineRun) -> str:
    """What the queue still shows of a session's jobs that has not ended."""
    prefix = run._jobs._prefix
    states = "pending,running,configuring"
    return "\n".join(
        line
        for line in cluster.client("squeue", "-h", "-r", "-t", states, "-O", "Name:120,State").splitlines()
        if line.startswith(prefix)
    )


def test_nodes_that_are_due_together_are_one_array_and_are_told_nothing_but_names(
    cluster: SlurmCluster, session: ShellSession
) -> None:
    tasks = [session.node(f"//fan/{number}", "env") for number in range(6)]
    with SlurmEngine().open(session.context()) as run:
        for task in tasks:
            run.submit(task)
        assert {outcome.state for outcome in wait_for(run, 6).values()} == {SUCCEEDED}
    names = {line.partition("=")[0] for line in session.texts("//fan/3")}
    assert names == {"PATH", "HOME", "PWD", "ONEML_HABITATS_PIPELINE", "ONEML_PIPELINE_SESSION_ID"}
    assert not (session.folder / "logs" / session.session_id).exists()
    told = cluster.client("squeue", "-h", "-r", "-t", "all", "-O", "Name:120,ArrayTaskID:10")
    assert sum(line.startswith(run._jobs._prefix + "array.") for line in told.splitlines()) == 6


def test_features_stand_for_tags_and_images(cluster: SlurmCluster, session: ShellSession, run: EngineRun) -> None:
    needs = {"n1": NodeNeeds(tags=("fast",)), "n2": NodeNeeds(image="b")}
    for machine, needed in needs.items():
        run.submit(session.node(f"//{machine}", needs=needed))
    assert {outcome.state for outcome in wait_for(run, 2).values()} == {SUCCEEDED}
    told = cluster.client("squeue", "-h", "-t", "all", "-O", "Name:120,NodeList:20").splitlines()
    ours = [line.split() for line in told if line.startswith(run._jobs._prefix)]
    where = {name.split(".")[2][:2]: machine for name, machine in ours}
    assert where == {"n1": "n1", "n2": "n2"}


def test_a_feature_that_no_machine_has_is_an_error_at_once(session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a", needs=NodeNeeds(tags=("teleport",))))
    outcome = wait_for(run, seconds=5)["//a"]
    assert outcome.state is FAILED
    assert "Invalid feature" in error_text(outcome)


@pytest.mark.parametrize(
    ("needs", "told"), [(NodeNeeds(cpus=64), "Slurm does not start it"), (NodeNeeds(gpus=1), "does not take it")]
)
def test_what_no_machine_can_give_is_an_error_within_a_set_time(
    session: ShellSession, run: EngineRun, needs: NodeNeeds, told: str
) -> None:
    run.submit(session.node("//a", needs=needs))
    assert told in error_text(wait_for(run)["//a"])


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_a_worker_that_is_killed_or_crashes_fails_its_node_and_names_the_signal(
    session: ShellSession, run: EngineRun, name: str
) -> None:
    run.submit(session.node("//a", f"echo working s3cr3t; kill -{name.removeprefix('SIG')} $$"))
    outcome = wait_for(run)["//a"]
    assert outcome.state is FAILED
    assert f"killed by {name}" in error_text(outcome)
    assert session.texts("//a") == ["working ***"]


def test_a_node_that_takes_more_memory_than_slurm_allows_fails_and_says_so(
    limiting_cluster: SlurmCluster, session: ShellSession
) -> None:
    body = f"exec {sys.executable} -c 'import time; held = bytearray(300 << 20); time.sleep(60)'"
    with SlurmEngine().open(session.context()) as run:
        run.submit(session.node("//a", body, needs=NodeNeeds(memory_bytes=100 << 20)))
        run.submit(session.node("//b", needs=NodeNeeds(memory_bytes=100 << 20)))
        outcomes = wait_for(run, 2)
    assert [outcomes[path].state for path in ("//a", "//b")] == [FAILED, SUCCEEDED]
    assert "killed by SIGKILL" in error_text(outcomes["//a"])
    assert "exceeded memory limit" in error_text(outcomes["//a"])


def test_processes_that_a_body_left_hold_up_neither_its_node_nor_others(
    cluster: SlurmCluster, session: ShellSession, run: EngineRun
) -> None:
    left = f"setsid {sys.executable} -c 'import time; time.sleep(322)' &"
    try:
        run.submit(session.node("//a", left))
        assert wait_for(run)["//a"].state is SUCCEEDED
        run.submit(session.node("//b"))
        assert wait_for(run)["//b"].state is SUCCEEDED
        eventually(lambda: jobs_of(cluster, run) == "")
    finally:
        for pid in cluster.pids_of("sleep(322)"):
            os.kill(pid, signal.SIGKILL)  # this cluster follows parents alone, and so lets it live


def test_a_poison_node_fails_each_time_it_is_tried(session: ShellSession, run: EngineRun) -> None:
    for attempt in (1, 2):
        run.submit(session.node("//a", "kill -9 $$", attempt=attempt))
        assert wait_for(run)["//a"].state is FAILED
    assert session.runs("//a") == 2


def test_leaving_with_exit_code_0_without_an_output_is_a_failure(session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a", "exit 0"))
    assert "published nothing" in error_text(wait_for(run)["//a"])


def test_a_node_that_is_killed_after_it_published_has_succeeded(session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a", f"touch {session.folder}/done.a; kill -9 $$"))
    assert wait_for(run)["//a"].state is SUCCEEDED


def test_a_node_that_hangs_and_ignores_sigterm_or_is_paused_is_ended(
    cluster: SlurmCluster, session: ShellSession, run: EngineRun
) -> None:
    python = f"exec {sys.executable} -c"
    bodies = {
        "//deaf": f"trap '' TERM; {python} 'import time; print(\"up\", flush=True); time.sleep(333)'",
        "//paused": f"{python} 'import os, signal, time; os.kill(os.getpid(), signal.SIGSTOP); time.sleep(333)'",
    }
    for path, body in bodies.items():
        run.submit(session.node(path, body, timeout_seconds=1.0))
    for outcome in wait_for(run, 2).values():
        assert outcome.state is FAILED
        assert "after 1 s (timeout_seconds)" in error_text(outcome)
    eventually(lambda: not cluster.pids_of("sleep(333)"))


@pytest.mark.parametrize("now", [False, True])
def test_cancel_ends_jobs_that_run_and_jobs_that_wait(
    cluster: SlurmCluster, session: ShellSession, *, now: bool
) -> None:
    with SlurmEngine().open(session.context(unseen_seconds=60.0)) as run:
        run.submit(session.node("//a", "sleep 100"))
        run.submit(session.node("//b", "sleep 100", needs=NodeNeeds(cpus=64)))
        wait_until(run, lambda: session.runs("//a") == 1)
        run.cancel(now=now)
        assert [outcome.state for outcome in wait_for(run, 2).values()] == [CANCELLED, CANCELLED]
        assert jobs_of(cluster, run) == ""


def test_leaving_cancels_what_is_left(cluster: SlurmCluster, session: ShellSession) -> None:
    with SlurmEngine().open(session.context()) as run:
        run.submit(session.node("//a", "sleep 100"))
        wait_until(run, lambda: session.runs("//a") == 1)
    assert jobs_of(cluster, run) == ""


def test_a_flood_is_capped_and_does_not_hold_up_the_node(session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a", "head -c 20000000 /dev/urandom; echo; echo last words; exit 7"))
    outcome = wait_for(run)["//a"]
    assert error_text(outcome).endswith("last words")
    assert sum(len(line) for line in session.texts("//a")) < 2 << 20


def test_a_driver_that_comes_back_attaches_to_its_jobs(
    cluster: SlurmCluster, session: ShellSession, tmp_path: Path
) -> None:
    tasks = [session.node("//one", "sleep 6"), *(session.node(f"//fan/{n}", "sleep 6") for n in (0, 1))]
    program = (
        "import sys\nfrom pathlib import Path\nfrom shell_workers import ShellSession\n"
        "from oneml.habitats.engines.slurm import SlurmEngine\n"
        f"session = ShellSession(Path({str(tmp_path)!r}), {session.session_id!r})\n"
        "with SlurmEngine().open(session.context()) as run:\n"
        "    run.submit(session.node('//one', 'sleep 6'))\n    run.wait(1)\n"
        "    for n in (0, 1): run.submit(session.node(f'//fan/{n}', 'sleep 6'))\n"
        "    run.wait(100)\n"
    )
    support = Path(__file__).parents[1] / "support"
    driver = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(support)})
    try:
        eventually(lambda: all(session.runs(task.path) for task in tasks))
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    with SlurmEngine().open(session.context()) as run:
        for task in tasks:
            run.submit(task)
        assert {outcome.state for outcome in wait_for(run, 3).values()} == {SUCCEEDED}
    assert [session.runs(task.path) for task in tasks] == [1, 1, 1]


def test_a_machine_that_is_lost_fails_its_node_and_says_so(own_cluster: SlurmCluster, session: ShellSession) -> None:
    with SlurmEngine().open(session.context()) as run:
        run.submit(session.node("//a", "sleep 100"))
        wait_until(run, lambda: session.runs("//a") == 1)
        own_cluster.client("scontrol", "update", "nodename=n1,n2", "state=down", "reason=lost")
        outcome = wait_for(run)["//a"]
    assert outcome.state is FAILED
    assert "its machine failed" in error_text(outcome) or "was cancelled" in error_text(outcome)


def test_a_job_that_the_controller_lost_is_told_and_its_id_is_nobodys(
    own_cluster: SlurmCluster, session: ShellSession
) -> None:
    with SlurmEngine().open(session.context(controller_seconds=30.0, command_seconds=3.0)) as run:
        run.submit(session.node("//a", "sleep 100"))
        wait_until(run, lambda: bool(jobs_of(own_cluster, run)))
        own_cluster.kill("slurmctld")
        for path in (own_cluster.folder / "state").glob("job_state*"):
            path.unlink()
        own_cluster.start_controller("-c")
        eventually(lambda: bool(own_cluster.client("sbatch", "--parsable", "--job-name=other", "--wrap=sleep 50")))
        outcome = wait_for(run)["//a"]
        assert outcome.state is FAILED
        assert "queue" in error_text(outcome)
    others = own_cluster.client("squeue", "-h", "-n", "other", "-O", "State")
    assert others.split() in (["PENDING"], ["RUNNING"])


@pytest.mark.parametrize("how", [SlurmCluster.kill, SlurmCluster.pause])
def test_a_controller_that_is_dead_or_hangs_ends_the_session_within_a_set_time_but_not_what_the_store_knows(
    own_cluster: SlurmCluster, session: ShellSession, how: Callable[[SlurmCluster, str], None]
) -> None:
    context = session.context(controller_seconds=4.0, command_seconds=1.0)
    began = time.monotonic()
    with pytest.raises(EngineError, match="controller has not answered"), SlurmEngine().open(context) as run:  # noqa: PT012
        run.submit(session.node("//a", "sleep 3"))
        run.submit(session.node("//b", "sleep 100", timeout_seconds=200))
        wait_until(run, lambda: session.runs("//a") == session.runs("//b") == 1)
        how(own_cluster, "slurmctld")
        began = time.monotonic()
        assert wait_for(run, seconds=10)["//a"].state is SUCCEEDED
        wait_for(run, seconds=20)
    assert time.monotonic() - began < 30


def test_without_a_controller_it_does_not_open_and_says_why(own_cluster: SlurmCluster, session: ShellSession) -> None:
    own_cluster.kill("slurmctld")
    with (
        pytest.raises(EngineError, match="squeue"),
        SlurmEngine().open(session.context(command_seconds=2.0)),
    ):
        pass
