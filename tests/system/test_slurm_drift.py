"""Harmful changes on Slurm, where each node is a process that starts: refused before user code, by name."""

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from harbour_site import CHOSEN, VARIABLES, WORKER, Harbour, copied, installed, session_of, with_sessions
from harmful_kinds import KINDS, Kind
from installed_site import COMMAND
from oneml.habitats.engines.slurm import SlurmEngine
from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState
from shell_workers import ShellSession, wait_for
from slurm_cluster import SlurmCluster

pytestmark = pytest.mark.system

SECONDS = 400.0


class Tried(NamedTuple):
    """What came of a kind: after the change, and once all was restored."""

    changed: NodeOutcome
    said: str
    marks: list[str]
    restored: NodeOutcome


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Harbour:
    return with_sessions(installed(tmp_path_factory.mktemp("original")))


@pytest.fixture(scope="module")
def tried(
    template: Harbour, shared_cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Tried]:
    """All kinds at once: a job for each, then another one."""
    folder = tmp_path_factory.mktemp("kinds")
    session = ShellSession(folder, f"drift{folder.parent.name}")
    harbours = [copied(template, folder / f"harbour-{number}") for number in range(len(KINDS))]
    paths = [harbour.environment["PYTHONPATH"] for harbour in harbours]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(shared_cluster.bin), prepend=":")
        # A refusal claims no attempt, which is not for the shell around it to say.
        context = session.context()._replace(last_attempt=lambda _: 0)
        with SlurmEngine().open(context) as run:
            for number, (kind, harbour) in enumerate(zip(KINDS, harbours, strict=True)):
                kind.edit(harbour)
                run.submit(job(session, number, kind, harbour, {**VARIABLES[kind.variant], **kind.variables}))
            changed = wait_for(run, len(KINDS), seconds=SECONDS)
            marks = [harbour.marks for harbour in harbours]
            said = [(folder / f"said-{number}").read_text() for number in range(len(KINDS))]
            for number, (kind, harbour) in enumerate(zip(KINDS, harbours, strict=True)):
                harbour.restore(template)
                harbour.environment["PYTHONPATH"] = paths[number]
                run.submit(job(session, number, kind, harbour, VARIABLES[kind.variant])._replace(attempt=2))
            restored = wait_for(run, len(KINDS), seconds=SECONDS)
    return {
        kind.name: Tried(changed[f"//k{number}"], said[number], marks[number], restored[f"//k{number}"])
        for number, kind in enumerate(KINDS)
    }


def job(session: ShellSession, number: int, kind: Kind, harbour: Harbour, variables: Mapping[str, str]) -> NodeTask:
    names = {
        "ONEML_HABITATS_PIPELINE": "harbour-chosen" if kind.variant == CHOSEN else "harbour",
        "ONEML_PIPELINE_SESSION_ID": session_of(kind.variant, WORKER),
    }
    told = {**harbour.environment, **variables, **names}
    words = ["env", "-i", *(f"{name}={value}" for name, value in told.items()), sys.executable, *COMMAND]
    line = shlex.join([*words, "run-pipeline-node", "//load"])
    said = session.folder / f"said-{number}"
    return session.node(
        f"//k{number}", f"cd {harbour.working}; {line} 2>{said} || {{ code=$?; cat {said}; exit $code; }}"
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
def test_worker_refuses_before_user_code_and_runs_once_all_is_restored(kind: Kind, tried: Mapping[str, Tried]) -> None:
    changed, said, marks, restored = tried[kind.name]
    assert changed.state is NodeState.REFUSED, changed
    assert marks == []
    assert [text for text in kind.told if text not in said] == [], said
    assert changed.error is not None
    assert restored.state is NodeState.SUCCEEDED, restored


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
