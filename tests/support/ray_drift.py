"""Every kind of change on Ray; run inside `loopback_only`, as `ray_suite` is.

Each kind has an image of its own, by variables of its workers, whose packages were changed before a worker started.
Each harmful kind has another one, whose packages change when a worker is warm; harmless ones have one together.
"""

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

import harmless_kinds
from canaries import LEFT_OUT, SETTINGS, found_below, found_in, new_aviary
from drift_asking import Asking
from forked import forking
from harbour_site import DRIVERS, PLAIN, VARIABLES, Harbour, copied, installed, session_of, with_sessions
from harmful_kinds import KINDS, ON_DISK, REMEMBERED, RUNNABLE, Kind, check_load, check_refusal, check_refusal_or_load
from harmless_kinds import brought_about, check_run, check_said
from oneml.habitats.engines.ray_cluster import RayEngine
from oneml.habitats.ports.engine import EngineRun, NodeNeeds
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

REFUSED, SUCCEEDED = NodeState.REFUSED, NodeState.SUCCEEDED
CHANGED, WARM = "changed", "warm"
CONFIGURATION = {"idle_worker_killing_time_threshold_ms": 5_000}
"""So that a worker is there still when it is asked again."""


class Quay(NamedTuple):
    """One Ray, for all tests."""

    asking: Asking
    run: EngineRun
    original: Harbour
    harbours: Mapping[str, Harbour]

    def ask(self, image: str, variant: str, node: str = "//load", **named: str) -> NodeOutcome:
        return self.asking.ask(self.run, self.harbours[image], variant, node, NodeNeeds(image=image), **named)


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    folder = tmp_path_factory.mktemp("kinds")
    with forking() as forks:
        original = with_sessions(installed(folder / "original", forks=forks))
        harbours = {image: copied(original, folder / image) for image in images_of_all()}
        images = {image: bring_about(harbours[image]) for image, bring_about in images_of_all().items()}
    asking = Asking()
    with RayEngine().open(asking.context(images=images, init={"_system_config": CONFIGURATION})) as run:
        yield Quay(asking, run, original, harbours)


def images_of_all() -> Mapping[str, Callable[[Harbour], Mapping[str, object]]]:
    """Return what brings about each image, by its name."""
    return {
        **{changed_image(kind): partial(changed, kind) for kind in KINDS},
        **{warm_image(kind): partial(image_of, variables=VARIABLES[kind.variant]) for kind in KINDS},
        **{changed_image(kind): partial(otherwise, kind) for kind in (*harmless_kinds.KINDS, *harmless_kinds.ALLOWED)},
        WARM: partial(image_of, variables={}),
    }


def changed(kind: Kind, harbour: Harbour) -> Mapping[str, object]:
    """Change what is installed; where such a session can be created, create one that runs otherwise."""
    kind.edit(harbour)
    if kind.name in RUNNABLE:
        harbour.create("harbour", "--session-id", session_of(PLAIN, CHANGED))
    return image_of(harbour, {**VARIABLES[kind.variant], **kind.variables})


def otherwise(kind: harmless_kinds.Kind, harbour: Harbour) -> Mapping[str, object]:
    brought_about(kind, harbour)
    return image_of(harbour, kind.variables)


def image_of(harbour: Harbour, variables: Mapping[str, str]) -> Mapping[str, object]:
    names = ("HOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "QUAY_MARKS")
    told = {name: harbour.environment[name] for name in names if name in harbour.environment}
    # A working_dir of Ray would be copied, and be on the import path.
    return {"env_vars": {**told, **variables}, "py_executable": f"env -C {harbour.working} {sys.executable}"}


def changed_image(kind: Kind | harmless_kinds.Kind) -> str:
    return "changed-" + re.sub(r"\W+", "-", kind.name)


def warm_image(kind: Kind) -> str:
    return "warm-" + re.sub(r"\W+", "-", kind.name)


def pids(harbour: Harbour) -> set[int]:
    """Return the processes that ran user code of nodes."""
    return {int(mark.rpartition("-")[2]) for mark in harbour.marks}


def by_kind(kinds: "Sequence[Kind | harmless_kinds.Kind]") -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name.replace(" ", "-"))


@by_kind(KINDS)
def test_worker_that_started_after_the_change_refuses_before_user_code_and_names_it(kind: Kind, quay: Quay) -> None:
    outcome = quay.ask(changed_image(kind), kind.variant)
    assert quay.harbours[changed_image(kind)].marks == []
    check_refusal(kind, outcome)


@by_kind(ON_DISK)
def test_worker_that_was_warm_before_the_change_refuses_or_runs_what_was_proven(kind: Kind, quay: Quay) -> None:
    image = warm_image(kind)
    assert quay.ask(image, kind.variant, "//wash", engine="threads").state is SUCCEEDED
    kind.edit(quay.harbours[image])
    anew = quay.ask(image, kind.variant, engine="process")
    has_run = any("load" in mark.lower() for mark in quay.harbours[image].marks)
    open_already = quay.ask(image, kind.variant, engine="threads")
    quay.harbours[image].restore(quay.original)
    restored = quay.ask(image, kind.variant, engine="process")
    if kind.name == REMEMBERED and anew.state is not REFUSED:  # another worker of the image, which started now, refuses
        check_load(kind, anew)
    else:
        check_refusal(kind, anew)
        assert not has_run
    check_refusal_or_load(kind, open_already)
    check_load(kind, restored)


@by_kind([kind for kind in KINDS if kind.name in RUNNABLE])
def test_worker_that_ran_the_changed_code_does_not_run_it_for_others(kind: Kind, quay: Quay) -> None:
    image = changed_image(kind)
    harbour = quay.harbours[image]
    assert quay.ask(image, PLAIN, engine=CHANGED).state is SUCCEEDED
    ran = pids(harbour)
    harbour.restore(quay.original)
    for engine in DRIVERS:
        outcome = quay.ask(image, PLAIN, engine=engine)
        if not (others := pids(harbour) - ran):
            break
        for pid in others:  # another worker of the image, which was started to see whether it can be
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert outcome.state is REFUSED
    assert outcome.error is not None
    assert "is not what was recorded" in outcome.error.text


@by_kind((*harmless_kinds.KINDS, *harmless_kinds.ALLOWED))
def test_worker_that_is_otherwise_without_influence_or_as_a_policy_allows_runs_what_was_proven(
    kind: harmless_kinds.Kind, quay: Quay
) -> None:
    outcome = quay.ask(changed_image(kind), kind.variant)
    check_run(kind, outcome)
    check_said(kind, quay.asking.said)


@pytest.fixture
def warm(quay: Quay, tmp_path: Path) -> Iterator[Harbour]:
    """That of the image of all harmless kinds, as it was, with sessions that its worker has not opened."""
    harbour = quay.harbours[WARM]
    harbour.store = tmp_path / "store"
    shutil.copytree(quay.original.store, harbour.store)
    yield harbour
    harbour.restore(quay.original)
    for path in harbour.working.iterdir():
        path.unlink()


@by_kind(harmless_kinds.ON_DISK)
def test_harmless_change_is_not_refused_by_a_warm_worker_and_has_no_effect(
    kind: harmless_kinds.Kind, quay: Quay, warm: Harbour
) -> None:
    assert quay.ask(WARM, PLAIN, "//wash", engine="threads").state is SUCCEEDED
    kind.edit(warm)
    check_run(kind, quay.ask(WARM, PLAIN, engine="threads"))
    check_run(kind, quay.ask(WARM, PLAIN, engine="process"))
    check_said(kind, quay.asking.said)


def test_nodes_that_fail_with_secrets_leave_none_behind_nor_in_the_logs_of_ray() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:  # Ray's sockets want short paths
        aviary = new_aviary(Path(folder))
        options = {"ray": {"init": {"_temp_dir": f"{folder}/ray"}}}
        words = ("--traceback", "run-pipeline", "canary", *SETTINGS, "--set", "//tell:shout=true", "--workers", "2")
        done = aviary.run(*words, "--engine", "ray", "--set", f"engines={json.dumps(options)}")
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert "//tell | *****" in said
        assert found_in(said.encode()) == []
        assert list(aviary.folder.glob("ray/session_*/logs/worker-*"))
        assert found_below(aviary.folder, but=LEFT_OUT) == []
