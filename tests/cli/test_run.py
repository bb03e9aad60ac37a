"""Running pipelines and nodes from the command line: documents, progress, exit codes, and what is kept apart."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]
Process = Callable[..., subprocess.CompletedProcess[bytes]]
RUN = ("run-pipeline", "probe", "--input", 'name="me"')
STATES = {"//make": "succeeded", "//repeat/0": "succeeded", "//repeat/1": "succeeded"}


def test_run_prints_its_outputs_and_nothing_that_bodies_print(invoke: Invoke) -> None:
    result = invoke(*RUN, "--session-id", "mine")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Session mine succeeded: 5 succeeded.",
        'joined: {"texts": ["Hello, me!", "Hello, me! Hello, me!"]}',
        "raw: bytes, 6 B: oneml output mine //make raw",
        "number: 0.5",
    ]
    assert "printed by the body" in result.stderr
    assert "[5/5] //nothing succeeded" in result.stderr


@pytest.mark.parametrize("engine", ["in-process", "process"])
def test_document_is_all_of_standard_output(process: Process, engine: str) -> None:
    done = process(*RUN, "--json", "--engine", engine, "--session-id", "mine")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["schema"] == "oneml.run/1"
    assert (document["session_id"], document["habitat"], document["state"]) == ("mine", "probe", "succeeded")
    assert document["nodes"] == {**STATES, "//join": "succeeded", "//nothing": "succeeded"}
    assert document["outputs"]["number"]["value"] == 0.5
    assert document["outputs"]["raw"]["value"] is None
    assert b"printed by the body" in done.stderr
    assert b"printed by a child" in done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


def test_a_body_that_ends_the_process_of_the_command_has_failed(
    process: Process, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (environment / "leave").touch()
    done = process(*RUN, "--session-id", "mine")
    assert done.returncode == 1
    assert b"A body has ended this process by os._exit(0). Run what is left: oneml sessions run mine" in done.stderr
    monkeypatch.setenv("ONEML_HABITATS_PIPELINE", "probe")
    monkeypatch.setenv("ONEML_PIPELINE_SESSION_ID", "mine")
    done = process("run-pipeline-node", "//repeat/1")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"//repeat/1 failed: its body has ended this process by os._exit(0)" in done.stderr
    done = process("reproduce", "mine", "//repeat/1")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"//repeat/1 was not reproduced: its body has ended this process by os._exit(0)" in done.stderr
    (environment / "leave").unlink()
    assert process("sessions", "run", "mine").returncode == 0


@pytest.mark.parametrize(
    ("engine", "option", "told"),
    [
        ("dask", "adress=tcp://x:1", "engines.dask.adress: the engine has no such option. Known: address"),
        ("process", "grace=1", "engines.process.grace: the engine has no such option. It has none."),
        ("ray", 'images={"a": 3}', "engines.ray.images.a has to be a table, not 3."),
        ("slurm", "log_folder=logs", 'engines.slurm.log_folder has to be an absolute path, not "logs".'),
    ],
)
def test_options_that_an_engine_cannot_take_are_refused_before_there_is_a_session(
    invoke: Invoke, engine: str, option: str, told: str
) -> None:
    result = invoke(*RUN, "--engine", engine, "--set", f"engines.{engine}.{option}")
    assert result.exit_code == 2
    assert told in result.stderr
    assert f"(--set engines.{engine}.{option})" in result.stderr
    result = invoke(*RUN, "--set", f"engines.{engine}.{option}")  # also where no node runs on it
    assert result.exit_code == 2
    assert told in result.stderr
    assert json.loads(invoke("sessions", "list", "--json").stdout)["sessions"] == []


def test_quiet_shows_no_progress(invoke: Invoke) -> None:
    assert "succeeded" not in invoke(*RUN, "--quiet").stderr


def test_failure_ends_with_1_and_shows_what_was_raised_and_where(invoke: Invoke) -> None:
    result = invoke(*RUN, "--set", "fail=true", "--session-id", "mine", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["state"] == "failed"
    assert document["nodes"] == {**STATES, "//join": "failed", "//nothing": "skipped"}
    assert document["details"] == {
        "//join": "ValueError: asked to fail",
        "//nothing": "because //join failed",
    }
    assert document["outputs"]["joined"] is None
    assert "//join raised in attempt 1:\nTraceback (most recent call last):" in result.stderr
    assert result.stderr.endswith(
        "Error: session mine failed: 3 succeeded, 1 failed, 1 skipped.\n"
        "  //join failed: ValueError: asked to fail\n"
        "See more: oneml sessions show mine\n"
        "Run again what failed: oneml sessions run mine\n"
        "After a change of code or settings: oneml run-pipeline probe --reuse\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run-pipeline"], "Name a habitat, or set ONEML_HABITATS_PIPELINE."),
        (["run-pipeline", "prob"], 'No habitat "prob".'),
        (["run-pipeline", "absent"], "No module named 'probe.absent'. Install probe (again)"),
        (["run-pipeline", "cyclic"], "A cycle: //one -> //two -> //one. Take one edge of it out."),
        (
            ["run-pipeline", "probe"],
            'Input "name" (str) is missing. Give it with --input name=\'"some text"\', --input name=@FILE',
        ),
        (["run-pipeline", "probe", "--input", "name=[1]"], 'Input "name" takes str'),
        ([*RUN, "--input", "nam=1"], 'There is no input "nam". Known: name. Did you mean "name"?'),
        ([*RUN, "--set", "greting=x"], 'Did you mean "greeting"?'),
        ([*RUN, "--set", "//no:greeting=x"], 'Settings are given for "//no", which is no node.'),
        (
            [*RUN, "--engine", "proces"],
            'No engine "proces". Known: dask, in-process, process, ray, slurm. Did you mean "process"?',
        ),
        ([*RUN, "--workers", "0"], "Invalid value for '--workers'"),
        ([*RUN, "--settings", "no.toml"], "File 'no.toml' does not exist."),
        ([*RUN, "--session-id", "a b"], "'a b' is not a session id."),
        (["output", "nosuch", "//a"], 'There is no session "nosuch"'),
        (["sessions", "show", "nosuch"], 'There is no session "nosuch"'),
        (["sessions", "run", "nosuch"], 'There is no session "nosuch"'),
        (["sessions", "rm", "nosuch"], 'There is no session "nosuch"'),
        (["settings", "show", "probe", "//no"], 'There is no node "//no". Known: //join, //make'),
        (["settings", "show", "probe", "no"], "'no' is not a node path."),
        (["run-pipeline-node", "//make"], "Name the habitat: --pipeline, or the variable ONEML_HABITATS_PIPELINE."),
        (["run-pipeline-node", "//make", "--pipeline", "probe"], "Name the session: --session-id, or the variable"),
    ],
)
def test_wrong_usage_ends_with_2_says_why_and_leaves_no_session(
    invoke: Invoke, arguments: list[str], message: str
) -> None:
    result = invoke(*arguments)
    assert message in result.stderr
    assert (result.exit_code, result.stdout) == (2, "")
    assert json.loads(invoke("sessions", "list", "--json").stdout)["sessions"] == []


def test_used_session_id_is_refused(invoke: Invoke) -> None:
    assert invoke(*RUN, "--session-id", "mine").exit_code == 0
    again = invoke(*RUN, "--session-id", "mine")
    assert again.exit_code == 2
    assert "mine" in again.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_dry_run_shows_the_plan_and_writes_nothing(invoke: Invoke, tmp_path: Path, as_json: bool) -> None:
    result = invoke(*RUN, "--dry-run", "--set", "greeting=Ho", *(["--json"] if as_json else []))
    assert result.exit_code == 0
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    if as_json:
        document = json.loads(result.stdout)
        assert document["schema"] == "oneml.dry-run/1"
        assert [node["path"] for node in document["nodes"]] == [*STATES, "//join", "//nothing"]
        given = next(row for row in document["settings"] if row["name"] == "greeting")
        assert given == {
            "name": "greeting",
            "value": "Ho",
            "layer": "--set",
            "source": "--set greeting=Ho",
            "secret": False,
        }
    else:
        assert result.stdout.startswith("probe would run 5 nodes. Nothing was written.\n")
        assert 'greeting  "Ho"   --set greeting=Ho' in result.stdout


def test_dry_run_refuses_what_a_run_would(invoke: Invoke) -> None:
    assert invoke("run-pipeline", "probe", "--dry-run").exit_code == 2


def test_nodes_run_alone_in_processes_that_know_two_variables(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = json.loads(process("sessions", "create", "probe", "--input", 'name="me"', "--json").stdout)
    assert created["state"] == "created"
    monkeypatch.setenv("ONEML_HABITATS_PIPELINE", "probe")
    monkeypatch.setenv("ONEML_PIPELINE_SESSION_ID", created["session_id"])
    early = process("run-pipeline-node", "//join")
    assert early.returncode == 2
    assert b"//join cannot run yet: //repeat/0, //repeat/1 have published nothing." in early.stderr
    assert process("run-pipeline-node", "//make").returncode == 0
    again = process("run-pipeline-node", "//make")
    assert again.returncode == 0
    assert b"its outputs are committed already." in again.stderr
    unknown = process("run-pipeline-node", "//nope")
    assert (unknown.returncode, b'There is no node "//nope".' in unknown.stderr) == (2, True)
    assert process("output", created["session_id"], "//make", "text").stdout == b"Hello, me!\n"


def test_worker_of_another_habitat_is_refused(invoke: Invoke) -> None:
    session = invoke("sessions", "create", "probe", "--input", 'name="me"').stdout.strip()
    result = invoke("run-pipeline-node", "//make", "--pipeline", "other", "--session-id", session)
    assert result.exit_code == 3
    assert f'Session {session} is one of habitat "probe", not of "other".' in result.stderr


def test_node_that_fails_alone_ends_with_1(invoke: Invoke) -> None:
    session = invoke("sessions", "create", "probe", "--input", 'name="me"', "--set", "fail=true").stdout.strip()
    told = ("--pipeline", "probe", "--session-id", session)
    for node in STATES:
        assert invoke("run-pipeline-node", node, *told).exit_code == 0
    result = invoke("run-pipeline-node", "//join", *told)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: //join failed: ValueError: asked to fail\nSee more: oneml sessions show {session} //join\n"
    )


def test_document_of_a_node_that_ran_is_all_of_standard_output(process: Process) -> None:
    session = process("sessions", "create", "probe", "--input", 'name="me"').stdout.decode().strip()
    told = ("--pipeline", "probe", "--session-id", session, "--json")
    done = process("run-pipeline-node", "//make", *told)
    document = json.loads(done.stdout)
    assert document["seconds"] >= 0
    assert {**document, "seconds": None, "fingerprint": None} == {
        "schema": "oneml.node/1",
        "session_id": session,
        "habitat": "probe",
        "node": "//make",
        "state": "succeeded",
        "attempt": 1,
        "seconds": None,
        "error": None,
        "reused_from": None,
        "fingerprint": None,
    }
    assert b"printed by the body" in done.stderr
    assert b"printed by a child" in done.stderr
    again = process("run-pipeline-node", "//make", *told)
    assert (again.returncode, json.loads(again.stdout)) == (0, document)


def test_a_worker_loads_nothing_of_drivers(process: Process) -> None:
    session = process("sessions", "create", "probe", "--input", 'name="me"').stdout.decode().strip()
    told = ("--pipeline", "probe", "--session-id", session)
    done = process("run-pipeline-node", "//make", *told, code=("-X", "importtime", "-m", "oneml.habitats"))
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if "oneml.habitats" in line}
    assert "oneml.habitats.sessions.node_runner" in loaded
    drivers = {"cli.progress", "engines.task_lines", "sessions.driving", "sessions.recorder", "sessions.run_loop"}
    assert loaded.isdisjoint(f"oneml.habitats.{name}" for name in drivers)


def test_document_of_a_node_that_failed_has_what_it_raised(invoke: Invoke) -> None:
    session = invoke("sessions", "create", "probe", "--input", 'name="me"', "--set", "fail=true").stdout.strip()
    told = ("--pipeline", "probe", "--session-id", session, "--json")
    early = json.loads(invoke("run-pipeline-node", "//join", *told).stdout)
    assert (early["type"], early["fields"]["node"]) == ("InputsMissingError", "//join")
    for node in STATES:
        assert invoke("run-pipeline-node", node, *told).exit_code == 0
    result = invoke("run-pipeline-node", "//join", *told)
    document = json.loads(result.stdout)
    assert (result.exit_code, document["state"]) == (1, "failed")
    assert (document["error"]["type"], document["error"]["text"]) == ("ValueError", "asked to fail")


def test_reuse_takes_over_what_another_session_computed_and_says_from_which(invoke: Invoke) -> None:
    assert invoke(*RUN, "--session-id", "first").exit_code == 0
    result = invoke(*RUN, "--session-id", "second", "--reuse")
    assert result.exit_code == 0
    assert result.stdout.startswith("Session second succeeded: 5 succeeded (5 reused).\n")
    assert "printed by the body" not in result.stderr
    assert "[1/5] //make reused from first\n" in result.stderr
    shown = invoke("sessions", "show", "second")
    assert shown.stdout.endswith("\n5 succeeded (5 reused)\n")
    assert "reused from first\n" in shown.stdout
    assert invoke("sessions", "show", "second", "//make").stdout.startswith(
        "//make of session second: succeeded, reused from first, "
    )
    nodes = json.loads(invoke("sessions", "show", "second", "--json").stdout)["nodes"]
    assert {node["reused_from"] for node in nodes.values()} == {"first"}


def test_reuse_computes_what_differs(invoke: Invoke) -> None:
    assert invoke(*RUN, "--session-id", "first").exit_code == 0
    created = invoke("sessions", "create", "probe", "--input", 'name="me"', "--set", "times=[2,3]", "--session-id", "b")
    assert created.exit_code == 0
    document = json.loads(invoke("sessions", "run", "b", "--reuse", "--json").stdout)
    assert document["state"] == "succeeded"
    assert document["reused_from"]["//make"] == "first"
    assert "//join" not in document["reused_from"]


def test_interrupted_session_ends_with_130_and_goes_on_later(process: Process) -> None:
    done = process(*RUN, "--set", "hang=true", "--session-id", "mine")
    assert done.returncode == 130
    assert done.stderr.endswith(b"Error: session mine was interrupted. Run what is left: oneml sessions run mine\n")
    shown = json.loads(process("sessions", "show", "mine", "--json").stdout)
    assert shown["state"] == "stopped"
    assert {path: node["state"] for path, node in shown["nodes"].items()} == {
        **STATES,
        "//join": "cancelled",
        "//nothing": "cancelled",
    }
    again = process("sessions", "run", "mine")
    assert again.returncode == 130
    assert b"//make" not in again.stderr
    assert b"[4/5] //join cancelled" in again.stderr


@pytest.mark.parametrize("engine", ["in-process", "process"])
def test_ctrl_c_from_outside_ends_the_run_and_its_workers(environment: Path, engine: str) -> None:
    command = [sys.executable, "-m", "oneml.habitats", *RUN, "--set", "wait=true", "--engine", engine]
    marker = environment / "waiting"
    with subprocess.Popen(command, cwd=environment, stderr=subprocess.PIPE, start_new_session=True) as driver:
        deadline = time.monotonic() + 30
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert marker.exists()
        driver.send_signal(signal.SIGINT)
        _, errors = driver.communicate(timeout=30)
    assert driver.returncode == 130
    assert b"was interrupted. Run what is left: oneml sessions run " in errors
    assert b"Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


def test_resumed_session_runs_what_is_left_and_says_it_succeeded(invoke: Invoke) -> None:
    session = invoke("sessions", "create", "probe", "--input", 'name="me"').stdout.strip()
    assert invoke("run-pipeline-node", "//make", "--pipeline", "probe", "--session-id", session).exit_code == 0
    result = invoke("sessions", "run", session[:13])
    assert result.exit_code == 0
    assert "//make" not in result.stderr
    assert "[2/5] //repeat/0 succeeded" in result.stderr
    assert result.stdout.startswith(f"Session {session} succeeded: 5 succeeded.\n")
    assert invoke("sessions", "run", session).exit_code == 0
