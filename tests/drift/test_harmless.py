"""What has no influence on a node is never refused: no false alarm."""

import os
import re
import sys
from pathlib import Path

import pytest

from harbour_site import PLAIN, WORKER, Harbour
from harmful_kinds import NODES
from harmless_kinds import KINDS, Kind, check_said

REPORT = "95.5 kg"


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        pytest.param(kind, engine, id=f"{kind.name}-{engine}".replace(" ", "-"))
        for kind in KINDS
        for engine in kind.engines
    ],
)
def test_harmless_change_is_not_refused_and_has_no_effect(kind: Kind, engine: str, harbour: Harbour) -> None:
    kind.edit(harbour)
    code, said = harbour.go(PLAIN, engine, **kind.variables)
    assert code == 0, said
    if engine == WORKER:
        check_said(kind, said)
        assert [mark.partition("-")[0] for mark in harbour.marks] == ["Load", "load"]
    else:
        assert [text for text in kind.told if text not in said] == [], said
        assert f"report: {REPORT}\n" in said


def other_pythons() -> list[Path]:
    """Return interpreters of other minor versions that have what this package needs: those of make test-pythons."""
    named = os.environ.get("ONEML_TEST_PYTHONS", "").split(os.pathsep)
    beside = sorted(Path(__file__).parents[2].glob(".venvs/python3.*/bin/python"))
    own = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return [path for path in (*map(Path, filter(None, named)), *beside) if own not in str(path)]


@pytest.mark.skipif(not other_pythons(), reason="no other Python with libraries: make test-pythons sets them up")
@pytest.mark.parametrize("python", other_pythons(), ids=lambda path: path.parents[1].name)
def test_another_minor_version_of_python_is_refused_unless_the_policy_says_compatible(
    python: Path, harbour: Harbour
) -> None:
    strict = harbour.create("harbour", "--session-id", "strict")
    lenient = harbour.create("harbour", "--set", "verification.python=compatible", "--session-id", "lenient")
    harbour.python = str(python)
    refused = harbour.work("harbour", strict, "//load")
    assert refused.returncode == 3
    assert re.search(rf"recorded +3\.{sys.version_info[1]}\n", refused.stderr)
    assert str(python) in refused.stderr
    assert harbour.marks == []
    allowed = harbour.work("harbour", lenient, "//load")
    assert allowed.returncode == 0, allowed.stderr
    assert f"3.{sys.version_info[1]}" in allowed.stderr
    harbour.edit(NODES, ") + ballast", ") - ballast")
    assert harbour.work("harbour", lenient, "//wash").returncode == 3
