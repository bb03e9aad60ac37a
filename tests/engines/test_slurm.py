"""The Slurm engine against programs that play the cluster."""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_slurm import FakeSlurm
from oneml.habitats.engines.slurm import SlurmEngine
from oneml.habitats.engines.slurm_batch import session_prefix
from oneml.habitats.engines.slurm_logs import LogTail
from oneml.habitats.errors import EngineError, SettingsError
from oneml.habitats.ports.engine import Capability, EngineRun, NodeNeeds
from oneml.habitats.values.node_path import NodePath, node_key
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState
from shell_workers import ShellSession, wait_for, wait_until

QUICK = {"poll_seconds": 0.05, "unseen_seconds": 0.2, "grace_seconds": 0.2}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{fake.bin}:{os.environ['PATH']}")
    return fake


@pytest.fixture
def session(tmp_path: Path) -> ShellSession:
    folder = tmp_path / "session"
    folder.mkdir()
    return ShellSession(folder)


@pytest.fixture
def run(slurm: FakeSlurm, session: ShellSession) -> Iterator[EngineRun]:
    with SlurmEngine().open(session.context(**QUICK)) as opened:
        yield opened


def submitted(slurm: FakeSlurm, run: EngineRun, count: int = 1) -> list[list[str]]:
    wait_until(run, lambda: len(slurm.jobs()) >= count)
    return slurm.calls("sbatch")


def error_text(outcome: NodeOutcome) -> str:
    assert outcome.error is not None
    return outcome.error.text


def test_it_says_what_nodes_may_ask_of_it() -> None:
    assert Capability.TAGS in SlurmEngine.capabilities
    assert Capability.SCHEDULES not in SlurmEngine.capabilities


def test_one_node_is_one_job_with_its_needs(slurm: FakeSlurm, session: ShellSession) -> None:
    needs = NodeNeeds(cpus=1.5, memory_bytes=(3 << 20) + 1, gpus=2, image="torch", tags=("big", "ib"))
    options = {"partition": "p", "account": "acc", "qos": "q", "extra_arguments": ["--exclusive"]}
    with SlurmEngine().open(session.context(**QUICK, **options)) as run:
        run.submit(session.node("//a", needs=needs, timeout_seconds=61.0, priority=-5))
        (call,) = submitted(slurm, run)
    assert {
        *("--cpus-per-task=2", "--mem=4M", "--gres=gpu:2", "--constraint=big&ib&image-torch", "--time=2", "--nice=5"),
        *("--partition=p", "--account=acc", "--qos=q", "--exclusive", "--no-requeue", "--export=ALL"),
    } <= set(call)
    (name,) = (part.partition("=")[2] for part in call if part.startswith("--job-name="))
    assert name.startswith(session_prefix(session.context()) + node_key(NodePath("//a")) + ".")


def test_nodes_with_equal_needs_are_one_array_and_those_of_higher_priority_come_first(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    for number in range(3):
        run.submit(session.node(f"//fan/{number}"))
    run.submit(session.node("//urgent", priority=7))
    run.submit(session.node("//big", needs=NodeNeeds(cpus=4)))
    calls = submitted(slurm, run, 5)
    arrays = [[part for part in call if part.startswith(("--array", "--nice", "--cpus"))] for call in calls]
    assert arrays == [["--cpus-per-task=1", "--nice=-7"], ["--array=0-2", "--cpus-per-task=1"], ["--cpus-per-task=4"]]


def test_an_array_is_no_longer_than_the_cluster_takes(slurm: FakeSlurm, session: ShellSession) -> None:
    with SlurmEngine().open(session.context(**QUICK, array_jobs=2)) as run:
        for number in range(5):
            run.submit(session.node(f"//fan/{number}"))
        calls = submitted(slurm, run, 5)
    assert [part for call in calls for part in call if part.startswith("--array")] == ["--array=0-1", "--array=0-1"]


def test_the_script_runs_the_worker_with_nothing_but_names_and_hides_values_from_lists_of_processes(
    slurm: FakeSlurm, session: ShellSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t two words")
    monkeypatch.setenv("ONEML_CONFIG_DIR", str(tmp_path))
    store = (tmp_path / "it's here").as_uri()
    context = session.context(**QUICK, store_url=store, pass_environment=["TOKEN"])
    with SlurmEngine().open(context) as run:
        for number in (0, 1):
            run.submit(session.node(f"//fan/{number}", 'env; echo "$@"'))
        (call,) = submitted(slurm, run, 2)
    assert "--export=ALL" in call
    given = {"PATH", "HOME", "TOKEN", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "ONEML_CONFIG_DIR"}
    assert (
        {"PATH", "TOKEN", "ONEML_CONFIG_DIR"} <= set(slurm.environ("sbatch")) - {"LC_CTYPE"} <= given
    )  # which Python sets
    assert "s3cr3t" not in slurm.script() + str(call)
    environ = {"PATH": os.environ["PATH"], "SLURM_ARRAY_TASK_ID": "1", "TOKEN": "s3cr3t two words", "NOISE": "x\ny=*"}
    environ["ONEML_CONFIG_DIR"] = "/configured"
    ran = subprocess.run(["/bin/sh"], input=slurm.script(), env=environ, capture_output=True, text=True, check=True)
    told = dict(line.partition("=")[::2] for line in ran.stdout.splitlines() if "=" in line)
    assert told["TOKEN"] == "s3cr3t two words"
    assert told["ONEML_STORE_URL"] == store
    assert "run-pipeline-node //fan/1" in ran.stdout.splitlines()
    assert set(told) - {"PWD"} == {
        *(
            "PATH",
            "TOKEN",
            "ONEML_CONFIG_DIR",
            "ONEML_HABITATS_PIPELINE",
            "ONEML_PIPELINE_SESSION_ID",
            "ONEML_STORE_URL",
        ),
    }


def test_variables_that_change_what_commands_do_are_kept_from_them(
    slurm: FakeSlurm, session: ShellSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_ARRAY_INX", "1-9")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_CONF", "/etc/elsewhere")
    with SlurmEngine().open(session.context(**QUICK)) as run:
        run.submit(session.node("//a"))
        submitted(slurm, run)
    assert [name for name in slurm.environ("sbatch") if name.startswith(("SBATCH_", "SLURM_"))] == ["SLURM_CONF"]


def test_the_store_decides_and_the_output_goes(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a"))
    (call,) = submitted(slurm, run)
    (output,) = (Path(part.partition("=")[2]) for part in call if part.startswith("--output="))
    output.write_text("half s3cr3t\nrest")
    (session.folder / "done.a").touch()
    slurm.show("FAILED", status=9)
    assert wait_for(run)["//a"].state is NodeState.SUCCEEDED
    give_up_at = time.monotonic() + 5
    while output.exists():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    assert session.texts("//a") == ["half ***", "rest"]


def test_the_output_goes_also_where_the_node_succeeded_although_its_job_was_ended(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    run.submit(session.node("//a"))
    (call,) = submitted(slurm, run)
    (output,) = (Path(part.partition("=")[2]) for part in call if part.startswith("--output="))
    output.write_text("written\n")
    (session.folder / "done.a").touch()
    run.cancel(now=False)
    assert wait_for(run)["//a"].state is NodeState.SUCCEEDED
    give_up_at = time.monotonic() + 5
    while output.exists():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_output_is_shown_while_the_job_runs(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a"))
    (call,) = submitted(slurm, run)
    (output,) = (Path(part.partition("=")[2]) for part in call if part.startswith("--output="))
    output.write_text("first\nsec")
    slurm.show("RUNNING")
    wait_until(run, lambda: session.texts("//a") == ["first"])


@pytest.mark.parametrize(
    ("state", "status", "told"),
    [
        ("FAILED", 9, "killed by SIGKILL on n1"),
        ("FAILED", 7 << 8, "exit code 7 on n1: last words"),
        ("NODE_FAIL", 0, "its machine failed on n1"),
        ("OUT_OF_MEMORY", 0, "more memory than it may"),
        ("TIMEOUT", 0, "time limit of Slurm"),
        ("CANCELLED", 0, "cancelled, though not by this session"),
        ("COMPLETED", 0, "published nothing"),
    ],
)
def test_how_a_job_ended_is_told(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun, state: str, status: int, told: str
) -> None:
    run.submit(session.node("//a"))
    (call,) = submitted(slurm, run)
    (output,) = (Path(part.partition("=")[2]) for part in call if part.startswith("--output="))
    output.write_text("Error: first words\nlast words\n" if status == 9 else "last words\n")
    slurm.show(state, status=status)
    outcome = wait_for(run)["//a"]
    assert outcome.state is NodeState.FAILED
    assert told in error_text(outcome)
    assert outcome.error is not None
    assert str(output) in outcome.error.traceback


def test_a_refusal_is_told_with_its_reason(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a"))
    (call,) = submitted(slurm, run)
    (output,) = (Path(part.partition("=")[2]) for part in call if part.startswith("--output="))
    output.write_text("Error: other code\n")
    slurm.show("FAILED", status=3 << 8)
    outcome = wait_for(run)["//a"]
    assert (outcome.state, error_text(outcome)) == (NodeState.REFUSED, "other code")


def test_a_job_that_wrote_no_output_file_points_at_the_folder(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    run.submit(session.node("//a"))
    submitted(slurm, run)
    slurm.show("FAILED", status=4021, reason="JobLaunchFailure")
    assert "no output file was written" in error_text(wait_for(run)["//a"])


def test_a_job_that_vanished_fails_after_a_while(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a"))
    submitted(slurm, run)
    slurm.show("RUNNING")
    looks = len(slurm.calls("squeue"))
    wait_until(run, lambda: len(slurm.calls("squeue")) > looks + 2)  # each once the one before it was taken in
    slurm.forget()
    assert "gone from the queue, last seen RUNNING" in error_text(wait_for(run)["//a"])


def test_an_id_that_is_given_to_another_job_is_not_mistaken(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    run.submit(session.node("//a"))
    submitted(slurm, run)
    job_id = slurm.jobs()[0].read_text().split("\x1f")[0]
    slurm.forget()
    slurm.add(job_id, "N/A", "somebody-elses", "RUNNING")
    assert wait_for(run)["//a"].state is NodeState.FAILED
    assert not any(job_id in call for call in slurm.calls("scancel"))


def test_what_slurm_does_not_take_fails_at_once(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    slurm.say("sbatch", "Batch job submission failed: Invalid feature specification")
    run.submit(session.node("//a", needs=NodeNeeds(tags=("moon",))))
    text = error_text(wait_for(run, seconds=5)["//a"])
    assert "Invalid feature specification" in text
    assert "--constraint=moon" in text


def test_a_tag_that_is_no_feature_fails_in_words(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a", needs=NodeNeeds(tags=("a|b",))))
    assert '"a|b" cannot be a feature' in error_text(wait_for(run)["//a"])
    assert not slurm.calls("sbatch")


def test_a_job_that_never_starts_is_cancelled_and_told(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a"))
    submitted(slurm, run)
    slurm.show("PENDING", reason="PartitionConfig", nodes="")
    assert "does not start it: PartitionConfig" in error_text(wait_for(run)["//a"])
    assert slurm.calls("scancel")


def test_a_job_that_never_starts_is_cancelled_again_where_that_failed(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    run.submit(session.node("//a"))
    submitted(slurm, run)
    slurm.say("scancel", "Kill job error: Unable to contact slurm controller (connect failure)")
    slurm.show("PENDING", reason="PartitionConfig", nodes="")
    wait_until(run, lambda: len(slurm.calls("scancel")) > 1)
    slurm.say("scancel", None)
    assert "does not start it: PartitionConfig" in error_text(wait_for(run)["//a"])
    assert slurm.states() == ["CANCELLED"]


def test_a_job_that_waits_for_others_is_left_to_wait(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a"))
    submitted(slurm, run)
    slurm.show("PENDING", reason="Resources", nodes="")
    began = time.monotonic()
    wait_until(run, lambda: time.monotonic() - began > 0.6)


def test_time_is_counted_from_when_the_job_runs(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    run.submit(session.node("//a", timeout_seconds=0.3))
    submitted(slurm, run)
    began = time.monotonic()
    wait_until(run, lambda: time.monotonic() - began > 0.6)
    slurm.show("RUNNING")
    outcome = wait_for(run)["//a"]
    assert outcome.error is not None
    assert outcome.error.type == "TimeoutError"


def test_one_member_of_an_array_is_ended_by_id_and_place(slurm: FakeSlurm, session: ShellSession) -> None:
    with SlurmEngine().open(session.context(**QUICK)) as run:
        for number in (0, 1):
            run.submit(session.node(f"//fan/{number}", timeout_seconds=0.3))
        submitted(slurm, run, 2)
        first = slurm.jobs()[0]
        fields = first.read_text().split("\x1f")
        first.write_text("\x1f".join([*fields[:3], "RUNNING", *fields[4:]]))
        assert list(wait_for(run)) == ["//fan/0"]
        (call,) = slurm.calls("scancel")
    assert call[1:] == [f"{fields[0]}_0"]


def test_cancelling_ends_every_node_once(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    for number in range(3):
        run.submit(session.node(f"//fan/{number}"))
    submitted(slurm, run, 3)
    run.cancel(now=False)
    assert {outcome.state for outcome in wait_for(run, 3).values()} == {NodeState.CANCELLED}
    assert not run.wait(0.1)


def test_a_job_that_does_not_end_is_given_up_but_asked_once_more_on_leaving(
    slurm: FakeSlurm, session: ShellSession
) -> None:
    with SlurmEngine().open(session.context(**QUICK, command_seconds=1.0)) as run:
        run.submit(session.node("//a"))
        run.submit(session.node("//late", timeout_seconds=0.1))
        submitted(slurm, run, 2)
        slurm.say("scancel", "Kill job error on job id 101: Access/permission denied")
        slurm.show("RUNNING")
        wait_until(run, lambda: bool(slurm.calls("scancel")))
        run.cancel(now=True)
        outcomes = wait_for(run, 2)
        assert slurm.states() == ["RUNNING", "RUNNING"]
        slurm.say("scancel", None)
    assert slurm.states() == ["CANCELLED", "CANCELLED"]
    assert [outcomes[path].state for path in ("//a", "//late")] == [NodeState.CANCELLED, NodeState.FAILED]
    assert "(timeout_seconds)" in error_text(outcomes["//late"])
    assert all("it may still run: scancel --name=" in error_text(outcome) for outcome in outcomes.values())


def test_jobs_of_an_earlier_driver_are_attached_to(slurm: FakeSlurm, session: ShellSession) -> None:
    context = session.context(**QUICK)
    prefix = session_prefix(context)
    slurm.add("7", "N/A", f"{prefix}{node_key(NodePath('//one'))}.cafe", "RUNNING")
    slurm.add("8", "0", f"{prefix}array.beef", "PENDING")
    slurm.add("8", "1", f"{prefix}array.beef", "COMPLETED")
    slurm.add("9", "N/A", f"{prefix}{node_key(NodePath('//skipped'))}.f00d", "PENDING")
    slurm.folder.joinpath("script.8").write_text("0) node=//fan/0 ;;\n1) node=//fan/1 ;;\n")
    with SlurmEngine().open(context) as run:
        for path in ("//one", "//fan/0"):
            run.submit(session.node(path))
            (session.folder / f"done.{path.replace('/', '')}").touch()
        slurm.show("COMPLETED")
        slurm.add("9", "N/A", f"{prefix}{node_key(NodePath('//skipped'))}.f00d", "PENDING")
        assert {outcome.state for outcome in wait_for(run, 2).values()} == {NodeState.SUCCEEDED}
    assert not slurm.calls("sbatch")
    assert [call[1:] for call in slurm.calls("scancel")] == [["9"]]


def test_many_single_jobs_are_ended_by_one_command_whether_asked_for_or_left(
    slurm: FakeSlurm, session: ShellSession
) -> None:
    context = session.context(**QUICK)
    for number in range(20):
        key = node_key(NodePath(f"//left/{number}"))
        slurm.add(str(number + 1), "N/A", f"{session_prefix(context)}{key}.cafe", "RUNNING")
    with SlurmEngine().open(context) as run:
        for number in range(12):
            run.submit(session.node(f"//left/{number}"))
        run.cancel(now=False)
        wait_for(run, 12)
    assert [len(call) - 1 for call in slurm.calls("scancel")] == [12, 8]


def test_what_cannot_be_ended_is_told(
    slurm: FakeSlurm, session: ShellSession, caplog: pytest.LogCaptureFixture
) -> None:
    context = session.context(**QUICK)
    with SlurmEngine().open(context) as run:
        run.submit(session.node("//a"))
        submitted(slurm, run)
        slurm.say("scancel", "Unable to contact slurm controller (connect failure)")
    assert "Unable to contact slurm controller (connect failure)" in caplog.text
    assert session_prefix(context) in caplog.text


def test_what_is_left_is_ended_also_after_the_thread_met_one_error_upon_another(
    slurm: FakeSlurm, session: ShellSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(self: LogTail) -> None:
        raise RuntimeError(str(self.path))

    monkeypatch.setattr(LogTail, "remove", cannot)
    context = session.context(**QUICK)
    left = "77", "N/A", f"{session_prefix(context)}{node_key(NodePath('//left'))}.cafe", "RUNNING"
    slurm.add(*left)
    with SlurmEngine().open(context) as run:
        for number in (0, 1):
            run.submit(session.node(f"//fan/{number}"))
            (session.folder / f"done.fan{number}").touch()
        submitted(slurm, run, 3)
        slurm.show("COMPLETED")
        slurm.add(*left)
        wait_for(run, 2)
    assert [call[1:] for call in slurm.calls("scancel")] == [["77"]]


def test_a_submission_without_an_answer_is_not_made_twice_where_it_arrived(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    slurm.say("sbatch", "Unable to contact slurm controller (connect failure)")
    slurm.say("sbatch", "yes", ".lost")
    run.submit(session.node("//a"))
    wait_until(run, lambda: len(slurm.calls("squeue")) > 4)
    assert len(slurm.calls("sbatch")) == 1
    (session.folder / "done.a").touch()
    slurm.show("COMPLETED")
    assert wait_for(run)["//a"].state is NodeState.SUCCEEDED


def test_a_submission_that_did_not_arrive_is_made_again_under_the_same_name(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    slurm.say("sbatch", "Unable to contact slurm controller (connect failure)")
    run.submit(session.node("//a"))
    wait_until(run, lambda: bool(slurm.calls("sbatch")))
    slurm.say("sbatch", None)
    calls = submitted(slurm, run)
    assert len({part for call in calls for part in call if part.startswith("--job-name")}) == 1


def test_what_the_store_tells_counts_while_the_controller_does_not_answer(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    run.submit(session.node("//a"))
    submitted(slurm, run)
    slurm.say("squeue", "Unable to contact slurm controller (connect failure)")
    (session.folder / "done.a").touch()
    assert wait_for(run)["//a"].state is NodeState.SUCCEEDED


def test_a_controller_that_stays_away_ends_the_run(slurm: FakeSlurm, session: ShellSession) -> None:
    context = session.context(**QUICK, controller_seconds=0.5, command_seconds=0.3)
    with pytest.raises(EngineError, match="has not answered for"), SlurmEngine().open(context) as run:  # noqa: PT012
        run.submit(session.node("//a"))
        submitted(slurm, run)
        slurm.say("squeue", "60", ".sleep")
        wait_for(run, seconds=10)


def test_a_limit_of_jobs_is_waited_for(slurm: FakeSlurm, session: ShellSession, run: EngineRun) -> None:
    slurm.say("sbatch", "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)")
    run.submit(session.node("//a"))
    wait_until(run, lambda: len(slurm.calls("sbatch")) > 1)
    slurm.say("sbatch", None)
    submitted(slurm, run)


def test_a_user_who_may_not_raise_priorities_is_told_so(
    slurm: FakeSlurm, session: ShellSession, run: EngineRun
) -> None:
    slurm.say("sbatch", "Batch job submission failed: Invalid nice value")
    run.submit(session.node("//a", priority=3))
    wait_for(run)
    assert [any(part.startswith("--nice") for part in call) for call in slurm.calls("sbatch")] == [True, False]
    assert "may not raise priorities" in session.texts("//a")[0]


def test_missing_commands_are_named(session: ShellSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"squeue cannot be run.*install"), SlurmEngine().open(session.context()):
        pass


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"partitoin": "p"}, 'partitoin: the engine has no such option.*Did you mean "partition"'),
        ({"poll_seconds": 0}, "poll_seconds has to be a number above 0"),
        ({"array_jobs": 1.5}, "array_jobs has to be a whole number"),
        ({"command": "oneml"}, "command has to be a list of texts"),
        ({"keep_logs": "no"}, "keep_logs has to be true or false"),
        ({"partition": 3}, "partition has to be a text"),
        ({"log_folder": "logs"}, "absolute path"),
        ({"pass_environment": ["A B"]}, "cannot be a variable"),
    ],
)
def test_options_are_checked(slurm: FakeSlurm, session: ShellSession, options: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        SlurmEngine().preflight(options)
    with pytest.raises(SettingsError, match=told), SlurmEngine().open(session.context(**options)):
        pass


def test_a_log_folder_that_cannot_be_made_is_told(slurm: FakeSlurm, session: ShellSession) -> None:
    context = session.context(log_folder="/dev/null/x")
    with pytest.raises(EngineError, match="cannot be made"), SlurmEngine().open(context):
        pass


def test_a_store_that_is_no_folder_wants_a_log_folder(slurm: FakeSlurm, session: ShellSession) -> None:
    context = session.context(store_url="s3://bucket/store", log_folder="")
    with pytest.raises(EngineError, match="option log_folder"), SlurmEngine().open(context):
        pass


def test_commands_are_quoted(slurm: FakeSlurm, session: ShellSession) -> None:
    with SlurmEngine().open(session.context(**QUICK, command=["/opt/a b/oneml", "$x"])) as run:
        run.submit(session.node("//a"))
        submitted(slurm, run)
    assert f"{shlex.quote('/opt/a b/oneml')} '$x' run-pipeline-node" in slurm.script()
