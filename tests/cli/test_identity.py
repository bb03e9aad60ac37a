"""``prove``, ``fingerprint`` and ``sessions revise``: what is the same, what differs, and what a change comes to."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from forked import Forks

Invoke = Callable[..., Result]
Process = Callable[..., subprocess.CompletedProcess[bytes]]
SITE = Path(__file__).parent / "site"
CREATE = ("sessions", "create", "probe", "--input", 'name="me"', "--session-id", "mine")


@pytest.fixture
def process(environment: Path, forks: Forks) -> Process:
    """Run the command line where the package has not been imported yet."""

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        done = forks.run(arguments, os.environ, environment)
        return subprocess.CompletedProcess(arguments, done.returncode, done.stdout.encode(), done.stderr.encode())

    return run


@pytest.fixture
def edit(tmp_path: Path, environment: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Replace something in the package, which processes see from then on."""
    del environment
    copy = tmp_path / "site"
    shutil.copytree(SITE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(copy))

    def replace(before: str, after: str) -> None:
        module = copy / "probe" / "__init__.py"
        text = module.read_text()
        assert before in text
        module.write_text(text.replace(before, after))

    return replace


def test_proof_says_what_was_compared_and_runs_nothing(invoke: Invoke) -> None:
    assert invoke(*CREATE).exit_code == 0
    result = invoke("prove", "mine", "//make")
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[0]) == (0, "//make of session mine is proven here.")
    assert lines[2].split() == ["COMPARED", "EXTENT", "RESULT"]
    assert {"python", "distributions", "code", "settings"} <= {line.split()[0] for line in lines[3:] if line}
    assert all(line.endswith(" ok") for line in lines[3:9])
    assert "printed by the body" not in result.stdout + result.stderr
    assert json.loads(invoke("sessions", "show", "mine", "--json").stdout)["nodes"]["//make"]["attempt"] == 0


def test_document_of_a_proof_has_the_fingerprint_that_was_promised(invoke: Invoke) -> None:
    promised = invoke("fingerprint", "probe", "//make").stdout.strip()
    assert invoke(*CREATE).exit_code == 0
    document = json.loads(invoke("prove", "mine", "//make", "--json").stdout)
    assert (document["schema"], document["verdict"], document["fingerprint"]) == ("oneml.proof/1", "proven", promised)
    assert (document["drifts"], document["allowed"], document["error"]) == ([], [], None)
    told = ("--pipeline", "probe", "--session-id", "mine", "--json")
    assert json.loads(invoke("run-pipeline-node", "//make", *told).stdout)["fingerprint"] == promised


def test_environment_that_differs_is_a_notice_and_no_refusal(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoke(*CREATE).exit_code == 0
    monkeypatch.setenv("PROBE_GREETING", "x")
    assert "Differs without effect:\n  PROBE_GREETING " in invoke("prove", "mine", "//make").stdout
    document = json.loads(invoke("prove", "mine", "//make", "--json").stdout)
    assert (document["verdict"], len(document["notices"])) == ("proven", 1)


def test_changed_code_is_refused_everywhere_and_drawn(process: Process, edit: Callable[[str, str], None]) -> None:
    assert process(*CREATE).returncode == 0
    edit('f"{self.greeting}, {name}!"', 'f"{self.greeting}; {name}!"')
    proof = process("prove", "mine", "//make")
    assert proof.returncode == 3
    assert proof.stdout.startswith(b"code probe:Make.__call__, body:\n  recorded  return Parts(")
    assert b"//make of session mine is refused: a difference. Restore what was recorded" in proof.stderr
    document = json.loads(process("prove", "mine", "//make", "--json").stdout)
    assert (document["verdict"], document["error"]["type"]) == ("refused", "DriftError")
    (drift,) = document["drifts"]
    assert (drift["kind"], drift["subject"]) == ("code", "probe:Make.__call__")
    assert drift["found_source"].endswith("/probe/__init__.py:47")
    for command in (["sessions", "run", "mine"], ["reproduce", "mine", "//make"]):
        refused = process(*command, "--json")
        assert refused.returncode == 3
        assert json.loads(refused.stdout)["fields"]["drifts"] == document["drifts"]
    worker = process("run-pipeline-node", "//make", "--pipeline", "probe", "--session-id", "mine")
    assert worker.returncode == 3
    assert b"  recorded  return Parts(" in worker.stderr
    assert b"printed by the body" not in worker.stderr


def test_what_is_unproven_has_no_fingerprint_and_says_why(invoke: Invoke) -> None:
    whole = invoke("fingerprint", "loose")
    assert (whole.exit_code, whole.stdout) == (0, "unproven\n")
    assert whole.stderr.startswith("unproven: ")
    document = json.loads(invoke("fingerprint", "loose", "//said", "--json").stdout)
    assert (document["fingerprint"], document["nodes"]) == (None, {"//said": None})
    assert "lambda" in document["unproven"][0]
    assert len(invoke("fingerprint", "loose", "//plain").stdout) == 65
    assert "unproven" in invoke("describe", "loose").stdout


def test_what_is_unproven_is_refused_by_another_process(process: Process) -> None:
    assert process("sessions", "create", "loose", "--session-id", "loose").returncode == 0
    proof = process("prove", "loose", "//said", "--json")
    document = json.loads(proof.stdout)
    assert (proof.returncode, document["verdict"], document["error"]["type"]) == (3, "unproven", "UnprovenError")
    assert process("prove", "loose", "//plain").returncode == 0


def test_comment_refuses_nothing(process: Process, edit: Callable[[str, str], None]) -> None:
    assert process(*CREATE).returncode == 0
    edit("class Nothing:", "# A remark.\nclass Nothing:")
    assert process("prove", "mine", "//make").returncode == 0


def test_warning_policy_proves_nothing_but_lets_pass(process: Process, edit: Callable[[str, str], None]) -> None:
    assert process(*CREATE, "--set", "verification.mode=warn").returncode == 0
    edit('f"{self.greeting}, {name}!"', 'f"{self.greeting}; {name}!"')
    proof = process("prove", "mine", "//make")
    assert proof.returncode == 0
    assert b"is unproven here, and the session allows that" in proof.stdout
    assert b"Differs, as the session allows:\ncode probe:Make.__call__, body:\n" in proof.stdout
    document = json.loads(process("prove", "mine", "//make", "--json").stdout)
    assert (document["verdict"], len(document["allowed"]) > 0) == ("unproven", True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prove", "mine", "//nope"], 'There is no node "//nope". Known: //join, //make'),
        (["prove", "mine", "//mak"], 'Did you mean "//make"?'),
        (["reproduce", "mine", "//mak"], 'Did you mean "//make"?'),
        (["run-pipeline-node", "//mak", "--pipeline", "probe", "--session-id", "mine"], 'Did you mean "//make"?'),
        (["run-pipeline-node", "//repeat", "--pipeline", "probe", "--session-id", "mine"], '"//repeat" is a fan-out'),
        (["prove", "nosuch", "//make"], 'There is no session "nosuch"'),
        (["fingerprint", "probe", "//nope"], 'There is no node "//nope".'),
        (["fingerprint", "prob"], 'No habitat "prob".'),
        (["sessions", "revise", "mine"], "Missing option '--set'"),
        (["sessions", "revise", "mine", "--set", "greting=x"], 'Did you mean "greeting"?'),
        (["sessions", "revise", "mine", "--set", "//make:greeting=x"], "//make: a revision is of the whole session"),
    ],
)
def test_wrong_usage_says_why(invoke: Invoke, arguments: list[str], message: str) -> None:
    assert invoke(*CREATE).exit_code == 0
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_revision_that_gives_a_secret_itself_does_not_show_it(invoke: Invoke) -> None:
    assert invoke(*CREATE).exit_code == 0
    for more in ((), ("--json",)):
        result = invoke("sessions", "revise", "mine", "--set", "token=hunter2", *more)
        assert (result.exit_code, "hunter2" in result.output) == (2, False)
    assert "token: is a secret: give a reference to it" in result.output


def test_fingerprint_of_a_node_follows_what_it_reads_alone(invoke: Invoke) -> None:
    def digests(*arguments: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(invoke("fingerprint", "probe", "--json", *arguments).stdout)["nodes"]
        return found

    plain, changed = digests(), digests("--set", "greeting=Hi")
    assert {path for path in plain if plain[path] != changed[path]} == {"//make"}
    assert digests("--set", "//join:fail=true")["//make"] == plain["//make"]
    assert json.loads(invoke("fingerprint", "probe", "//make", "--json").stdout)["nodes"] == {"//make": plain["//make"]}


def test_revision_says_its_number_and_the_nodes_that_change(invoke: Invoke) -> None:
    assert invoke(*CREATE).exit_code == 0
    result = invoke("sessions", "revise", "mine", "--set", "greeting=Hi")
    assert (result.exit_code, result.stdout) == (0, "Revision 1 of session mine changes //make.\n")
    document = json.loads(invoke("sessions", "revise", "mine", "--set", "fail=true", "--json").stdout)
    assert (document["schema"], document["number"]) == ("oneml.revision/1", 2)
    assert set(document["nodes"]) == {"//join"}
    assert json.loads(invoke("prove", "mine", "//make", "--json").stdout)["revision"] == 2
    assert invoke("sessions", "run", "mine", "-q").exit_code == 1
    assert invoke("output", "mine", "//make", "text").stdout == "Hi, me!\n"


def test_revision_that_changes_nothing_says_so(invoke: Invoke) -> None:
    assert invoke(*CREATE).exit_code == 0
    result = invoke("sessions", "revise", "mine", "--set", "greeting=Hello")
    assert result.stdout == "Revision 0 of session mine changes no node that is left to run.\n"
