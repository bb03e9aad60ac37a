"""Changes on Dask, whose workers outlive what is on their disk: refused, or run with what was proven."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from distributed import Scheduler, SpecCluster

import harmless_kinds
from drift_asking import Asking
from drift_workers import Forge, forge
from harbour_site import PLAIN, VARIABLES, Harbour, copied
from harmful_kinds import (
    KINDS,
    ON_DISK,
    REMEMBERED,
    RUNNABLE,
    Kind,
    check_load,
    check_refusal,
    check_refusal_or_load,
    nothing,
)
from harmless_kinds import brought_about, check_run, check_said
from installed_site import AT_THE_START
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.ports.engine import EngineRun, NodeNeeds
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

REFUSED, SUCCEEDED = NodeState.REFUSED, NodeState.SUCCEEDED


def by_kind(kinds: "Sequence[Kind | harmless_kinds.Kind]") -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name.replace(" ", "-"))


class Quay(NamedTuple):
    """One cluster, for all tests."""

    asking: Asking
    cluster: SpecCluster
    forge: Forge
    run: EngineRun

    def ask(self, harbour: Harbour, variant: str, tag: str, node: str = "//load", **named: str) -> NodeOutcome:
        return self.asking.ask(self.run, harbour, variant, node, NodeNeeds(tags=(tag,)), **named)

    @contextmanager
    def started(self, harbour: Harbour, variables: Mapping[str, str]) -> Iterator[str]:
        """Start a worker, with an interpreter of its own where variables are for its start, and give its tag."""
        if not AT_THE_START.intersection(variables):
            with self.forge.worker(harbour, variables) as tag:
                yield tag
            return
        with forge(self.cluster.scheduler_address, variables) as own, own.worker(harbour, variables) as tag:
            yield tag


@pytest.fixture(scope="module")
def quay() -> Iterator[Quay]:
    options = {"host": "127.0.0.1", "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    asking = Asking()
    with (
        SpecCluster(workers={}, scheduler={"cls": Scheduler, "options": options}, silence_logs=50) as cluster,
        forge(cluster.scheduler_address) as workers,
        DaskEngine(cluster=cluster).open(asking.context()) as run,
    ):
        yield Quay(asking, cluster, workers, run)


@by_kind(KINDS)
def test_worker_that_started_after_the_change_refuses_before_user_code_and_names_it(
    kind: Kind, quay: Quay, harbour: Harbour
) -> None:
    kind.edit(harbour)
    with quay.forge.worker(harbour, {**VARIABLES[kind.variant], **kind.variables}) as tag:
        outcome = quay.ask(harbour, kind.variant, tag)
    assert harbour.marks == []
    check_refusal(kind, outcome)


@by_kind(ON_DISK)
def test_worker_that_was_warm_before_the_change_refuses_or_runs_what_was_proven(
    kind: Kind, quay: Quay, original: Harbour, harbour: Harbour
) -> None:
    with quay.forge.worker(harbour, VARIABLES[kind.variant]) as tag:
        assert quay.ask(harbour, kind.variant, tag, "//wash", engine="threads").state is SUCCEEDED
        kind.edit(harbour)
        anew = quay.ask(harbour, kind.variant, tag, engine="process")
        has_run = any("load" in mark.lower() for mark in harbour.marks)
        open_already = quay.ask(harbour, kind.variant, tag, engine="threads")
        harbour.restore(original)
        restored = quay.ask(harbour, kind.variant, tag, engine="process")
    if kind.name == REMEMBERED:
        check_load(kind, anew)
    else:
        check_refusal(kind, anew)
        assert not has_run
    check_refusal_or_load(kind, open_already)
    check_load(kind, restored)


@by_kind([kind for kind in KINDS if kind.name in RUNNABLE])
def test_worker_that_ran_the_changed_code_does_not_run_it_for_others(
    kind: Kind, quay: Quay, original: Harbour, harbour: Harbour
) -> None:
    kind.edit(harbour)
    harbour.create("harbour", "--session-id", "plain-changed")
    with quay.forge.worker(harbour, {}) as tag:
        assert quay.ask(harbour, PLAIN, tag, engine="changed").state is SUCCEEDED
        harbour.restore(original)
        outcome = quay.ask(harbour, PLAIN, tag)
    assert outcome.state is REFUSED
    assert outcome.error is not None
    assert "is not what was recorded" in outcome.error.text


@pytest.mark.parametrize("name", ["body", "package data changed", "version of a requirement"])
def test_session_whose_workers_differ_ends_with_exit_code_3(
    name: str, quay: Quay, original: Harbour, harbour: Harbour, tmp_path: Path
) -> None:
    (kind,) = [kind for kind in KINDS if kind.name == name]
    elsewhere = copied(original, tmp_path / "elsewhere")
    kind.edit(elsewhere)
    engines = {"dask": {"address": quay.cluster.scheduler_address}}
    with quay.forge.worker(elsewhere, {}):
        done = harbour.run("run-pipeline", "harbour", "--engine", "dask", "--set", f"engines={json.dumps(engines)}")
    assert done.returncode == 3, done.stderr
    assert elsewhere.marks == []
    assert kind.told[-1] in done.stderr


@by_kind((*harmless_kinds.KINDS, *harmless_kinds.ALLOWED))
def test_worker_that_is_otherwise_without_influence_or_as_a_policy_allows_runs_what_was_proven(
    kind: harmless_kinds.Kind, quay: Quay, harbour: Harbour
) -> None:
    brought_about(kind, harbour)
    with quay.started(harbour, kind.variables) as tag:
        outcome = quay.ask(harbour, kind.variant, tag)
    check_run(kind, outcome)
    check_said(kind, quay.asking.said)


@by_kind(harmless_kinds.ON_DISK)
def test_harmless_change_is_not_refused_by_a_warm_worker_and_has_no_effect(
    kind: harmless_kinds.Kind, quay: Quay, harbour: Harbour
) -> None:
    with quay.forge.worker(harbour, {}) as tag:
        assert quay.ask(harbour, PLAIN, tag, "//wash", engine="threads").state is SUCCEEDED
        kind.edit(harbour)
        check_run(kind, quay.ask(harbour, PLAIN, tag, engine="threads"))
        assert quay.asking.said == ""
        check_run(kind, quay.ask(harbour, PLAIN, tag, engine="process"))
        check_said(kind, quay.asking.said)


def test_change_that_a_policy_allows_leaves_open_sessions_alone_and_a_warm_worker_to_be_started_again(
    quay: Quay, harbour: Harbour
) -> None:
    (kind,) = [kind for kind in harmless_kinds.ALLOWED if kind.name == "compatible version"]
    brought_about(kind._replace(edit=nothing), harbour)
    harbour.create("harbour", "--session-id", "lenient-later", "--set", f"verification.{kind.policy}")
    with quay.forge.worker(harbour, {}) as tag:
        assert quay.ask(harbour, kind.variant, tag, "//wash").state is SUCCEEDED
        kind.edit(harbour)
        check_run(kind, quay.ask(harbour, kind.variant, tag))
        refused = quay.ask(harbour, kind.variant, tag, engine="later")
    assert refused.state is REFUSED
    assert refused.error is not None
    assert re.search(
        r"ropes, as it lies there is .*\n +recorded +1\.0\n +here +1\.1\n +Start this worker again", refused.error.text
    )
