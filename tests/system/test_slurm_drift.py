"""Changes on Slurm, where each node is a process that starts: harmful ones are refused before user code, by name."""

import json
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

import harmless_kinds
from canaries import LEFT_OUT, SETTINGS, found_below, found_in, new_aviary
from harbour_site import CHOSEN, VARIABLES, WORKER, Harbour, copied, installed, session_of, with_sessions
from harmful_kinds import KINDS
from harmless_kinds import brought_about, check_run, check_said
from installed_site import COMMAND
from oneml.habitats.engines.slurm import SlurmEngine
from oneml.habitats.ports.engine import EngineRun
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState
from shell_workers import ShellSession, wait_for
from slurm_cluster import SlurmCluster

pytestmark = pytest.mark.system

SECONDS = 400.0


def job_name(name: str) -> str:
    """Return what a job of a kind can be called."""
    return re.sub(r"\W+", "-", name)


HARMFUL = {job_name(kind.name): kind for kind in KINDS}
HARMLESS = {job_name(kind.name): kind for kind in (*harmless_kinds.KINDS, *harmless_kinds.ALLOWED)}


class Tried(NamedTuple):
    """What came of a job.

    Attributes:
        outcome: As the engine tells it.
        said: What the worker said.
        marks: What user code left.
        committed: What the first node gave, as the store tells it.
    """

    outcome: NodeOutcome
    said: str
    marks: list[str]
    committed: NodeOutcome | None


class Jobs:
    """Jobs that run the first node of sessions of the harbour, each in an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.session = ShellSession(folder, f"drift{folder.parent.name}")
        self._where: dict[str, tuple[Harbour, str]] = {}

    def submit(
        self,
        run: EngineRun,
        name: str,
        harbour: Harbour,
        variant: str,
        variables: Mapping[str, str],
        *,
        attempt: int = 1,
    ) -> None:
        self._where[name] = harbour, variant
        told = {
            **harbour.environment,
            **variables,
            "ONEML_HABITATS_PIPELINE": "harbour-chosen" if variant == CHOSEN else "harbour",
            "ONEML_PIPELINE_SESSION_ID": session_of(variant, WORKER),
        }
        words = ["env", "-i", *(f"{name}={value}" for name, value in told.items()), sys.executable, *COMMAND]
        line = shlex.join([*words, "run-pipeline-node", "//load"])
        said = self._said(name)
        body = f"cd {harbour.working}; {line} 2>{said} || {{ code=$?; cat {said}; exit $code; }}"
        run.submit(self.session.node(f"//{name}", body)._replace(attempt=attempt))

    def wait(self, run: EngineRun, count: int) -> Mapping[str, Tried]:
        """Return what came of jobs, by name."""
        came = wait_for(run, count, seconds=SECONDS)
        return {
            path.removeprefix("//"): self._tried(path.removeprefix("//"), outcome) for path, outcome in came.items()
        }

    def _said(self, name: str) -> Path:
        return self.session.folder / f"said-{name}"

    def _tried(self, name: str, outcome: NodeOutcome) -> Tried:
        harbour, variant = self._where[name]
        attempts = AttemptLog(LocalArtifactStore(harbour.store), SessionId(session_of(variant, WORKER)))
        return Tried(outcome, self._said(name).read_text(), harbour.marks, attempts.outcome(NodePath("//load")))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Harbour:
    return with_sessions(installed(tmp_path_factory.mktemp("original")))


@pytest.fixture(scope="module")
def tried(
    template: Harbour, shared_cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Mapping[str, Tried], Mapping[str, Tried]]:
    """All kinds at once: a job for each, then another one where all is restored, for the harmful ones."""
    folder = tmp_path_factory.mktemp("kinds")
    jobs = Jobs(folder)
    harbours = {name: copied(template, folder / name) for name in (*HARMFUL, *HARMLESS)}
    paths = {name: harbour.environment["PYTHONPATH"] for name, harbour in harbours.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(shared_cluster.bin), prepend=":")
        # A refusal claims no attempt, which is not for the shell around it to say.
        context = jobs.session.context()._replace(last_attempt=lambda _: 0)
        with SlurmEngine().open(context) as run:
            for name, harmful in HARMFUL.items():
                harmful.edit(harbours[name])
                variables = {**VARIABLES[harmful.variant], **harmful.variables}
                jobs.submit(run, name, harbours[name], harmful.variant, variables)
            for name, harmless in HARMLESS.items():
                brought_about(harmless, harbours[name])
                jobs.submit(run, name, harbours[name], harmless.variant, harmless.variables)
            changed = jobs.wait(run, len(harbours))
            for name, harmful in HARMFUL.items():
                harbours[name].restore(template)
                harbours[name].environment["PYTHONPATH"] = paths[name]
                jobs.submit(run, name, harbours[name], harmful.variant, VARIABLES[harmful.variant], attempt=2)
            return changed, jobs.wait(run, len(HARMFUL))


@pytest.mark.parametrize("name", HARMFUL)
def test_worker_refuses_before_user_code_and_runs_once_all_is_restored(
    name: str, tried: tuple[Mapping[str, Tried], Mapping[str, Tried]]
) -> None:
    changed, restored = (each[name] for each in tried)
    assert changed.outcome.state is NodeState.REFUSED, changed
    assert changed.marks == []
    assert [text for text in HARMFUL[name].told if text not in changed.said] == [], changed.said
    assert changed.outcome.error is not None
    assert restored.outcome.state is NodeState.SUCCEEDED, restored


@pytest.mark.parametrize("name", HARMLESS)
def test_worker_that_is_otherwise_without_influence_or_as_a_policy_allows_runs_what_was_proven(
    name: str, tried: tuple[Mapping[str, Tried], Mapping[str, Tried]]
) -> None:
    harmless = tried[0][name]
    assert harmless.outcome.state is NodeState.SUCCEEDED, harmless
    assert harmless.committed is not None
    check_run(HARMLESS[name], harmless.committed)
    check_said(HARMLESS[name], harmless.said)


def test_session_whose_workers_differ_ends_with_exit_code_3(
    template: Harbour, cluster: SlurmCluster, tmp_path: Path
) -> None:
    here, elsewhere = copied(template, tmp_path / "here"), copied(template, tmp_path / "elsewhere")
    KINDS[0].edit(elsewhere)
    command = tmp_path / "command.sh"
    oneml = shlex.join([sys.executable, *COMMAND])
    command.write_text(
        f'export PYTHONPATH={elsewhere.packages} QUAY_MARKS={elsewhere.folder}/marks\nexec {oneml} "$@"\n'
    )
    options = {"slurm": {"poll_seconds": 0.2, "unseen_seconds": 2.0, "command": ["/bin/sh", str(command)]}}
    here.environment["PATH"] = f"{cluster.bin}:{here.environment['PATH']}"
    done = here.run("run-pipeline", "harbour", "--engine", "slurm", "--set", f"engines={json.dumps(options)}")
    assert done.returncode == 3, done.stderr
    assert elsewhere.marks == []
    assert "Load.__call__" in done.stderr


@pytest.mark.parametrize("shout", ["false", "true"])
def test_nodes_that_fail_with_secrets_leave_none_behind(cluster: SlurmCluster, tmp_path: Path, shout: str) -> None:
    aviary = new_aviary(tmp_path)
    aviary.environment["PATH"] = f"{cluster.bin}:{aviary.environment['PATH']}"
    passed = [name for name in aviary.environment if name not in {"PATH", "HOME"}]
    told = {"poll_seconds": 0.2, "command": [sys.executable, *COMMAND], "pass_environment": passed}
    options = ("--engine", "slurm", "--set", f"engines={json.dumps({'slurm': told})}", "--set", f"//tell:shout={shout}")
    done = aviary.run("--traceback", "run-pipeline", "canary", *SETTINGS, *options, "--session-id", "failing-run")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "//tell | Error: //tell failed: ValueError: refused: *****" in said
    assert ("//tell | *****" in said) is (shout == "true")
    assert len(list((aviary.folder / "marks").iterdir())) == 2
    assert found_in(said.encode()) == []
    found = found_below(aviary.folder, but=LEFT_OUT)
    assert bool(found) is (shout == "true"), found  # what a body prints is its author's, and in the file of its job
    assert {line.partition(": ")[0].rpartition("/")[2].rpartition(".")[2] for line in found} <= {"log"}
    assert found_below(cluster.folder, but=("state",)) == []  # where Slurm keeps the variables of jobs
