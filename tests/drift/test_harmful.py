"""Whatever a node can reach and is not what it was: refused on every engine, before user code of the node, by name."""

import pytest

from harbour_site import DRIVERS, VARIABLES, WORKER, Harbour
from harmful_kinds import KINDS, Kind

by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))


@by_kind
def test_worker_refuses_before_user_code_and_names_the_change(kind: Kind, original: Harbour, harbour: Harbour) -> None:
    path = harbour.environment["PYTHONPATH"]
    kind.edit(harbour)
    _check_refusal(kind, harbour, *harbour.go(kind.variant, WORKER, **kind.variables))
    # Nothing else was in the way, and the refusal left nothing behind.
    harbour.environment["PYTHONPATH"] = path
    harbour.restore(original)
    assert harbour.go(kind.variant, WORKER) == (0, "")
    assert [mark.partition("-")[0] for mark in harbour.marks] == ["Load", "load"]


@by_kind
def test_driver_of_every_engine_refuses_before_user_code_and_names_the_change(kind: Kind, harbour: Harbour) -> None:
    kind.edit(harbour)
    refusals = harbour.drive(kind.variant, **kind.variables)
    assert list(refusals) == list(DRIVERS)
    for code, said in refusals.values():
        _check_refusal(kind, harbour, code, said)


def test_the_table_holds_what_it_should() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 40


def _check_refusal(kind: Kind, harbour: Harbour, code: int, said: str) -> None:
    assert code == 3, said
    assert harbour.marks == []
    assert [text for text in kind.told if text not in said] == [], said
    assert [secret for secret in _secrets(kind) if secret in said] == []


def _secrets(kind: Kind) -> list[str]:
    variables = [*VARIABLES[kind.variant].items(), *kind.variables.items()]
    return [value for name, value in variables if name in {"ONEML_SIGNING_KEY", "QUAY_TOKEN"}]


ON_THE_DRIVER = """
import sys

import anchors
from oneml.habitats import OnemlError, PipelineServiceClient

anchors.weight = lambda: 8.0
try:
    with PipelineServiceClient().create_session("harbour", settings={"engine": sys.argv[1]}) as session:
        session.run()
except OnemlError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_code_that_was_patched_on_the_driver_is_refused_where_nodes_leave_the_process(harbour: Harbour) -> None:
    refused = harbour.run("process", code=("-P", "-c", ON_THE_DRIVER))
    assert refused.returncode == 2
    assert "anchors:weight" in refused.stdout
    assert harbour.marks == []
    assert harbour.run("in-process", code=("-P", "-c", ON_THE_DRIVER)).returncode == 0
