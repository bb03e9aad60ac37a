"""What has no influence on a node is never refused: no false alarm."""

import compileall
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from harbour_site import ENGINES, PLAIN, PROCESS, WORKER, Harbour

NODES = "harbour/nodes.py"
REPORT = "95.5 kg"


class Kind(NamedTuple):
    """One way in which a process is otherwise, without influence.

    Attributes:
        name: Of the kind.
        edit: Brings it about.
        variables: What the process finds in its environment.
        told: What it says about that, where it says anything.
        engines: Where it is tried.
    """

    name: str
    edit: Callable[[Harbour], object]
    variables: Mapping[str, str] = {}
    told: tuple[str, ...] = ()
    engines: tuple[str, ...] = (WORKER,)


def nothing(_: Harbour) -> None:
    """The environment differs, not what is installed."""


def edited(file: str, before: str, after: str) -> Callable[[Harbour], object]:
    return lambda harbour: harbour.edit(file, before, after)


def written(file: str, text: str) -> Callable[[Harbour], object]:
    return lambda harbour: harbour.write(file, text)


def reformatted(harbour: Harbour) -> None:
    """Other quotes, other line breaks, other indentation, parentheses and trailing commas."""
    harbour.edit(NODES, 'mark("load")', "mark(\n            'load',\n        )")
    harbour.edit(NODES, "return load * ropes.LENGTH +", "return (load * ropes.LENGTH) + \\\n            ")
    harbour.edit(NODES, 'files("harbour.tables")', "files( 'harbour.tables' )")
    harbour.edit(NODES, "\n\n\nclass", "\n\n\n\n\nclass")


def carriage_returns(harbour: Harbour) -> None:
    for path in harbour.packages.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def touched(harbour: Harbour) -> None:
    for path in harbour.packages.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))


def compiled(harbour: Harbour) -> None:
    assert compileall.compile_dir(harbour.packages, quiet=1)
    del harbour.environment["PYTHONDONTWRITEBYTECODE"]


def linked(harbour: Harbour) -> None:
    """As an editable install leaves it: the folder with the sources is named by a path file, and metadata lie apart."""
    elsewhere = harbour.folder / "elsewhere" / "src"
    elsewhere.mkdir(parents=True)
    shutil.move(harbour.packages / "harbour", elsewhere / "harbour")
    (harbour.metadata("harbour") / "RECORD").write_text("harbour.pth,,\n")
    harbour.write("harbour.pth", f"{elsewhere}\n")
    # A folder on PYTHONPATH is not searched for path files, as site-packages is.
    harbour.write("sitecustomize.py", f"import site\nsite.addsitedir({str(harbour.packages)!r})\n")


def moved(harbour: Harbour) -> None:
    there = harbour.folder / "a b" / "ü"
    there.parent.mkdir()
    harbour.packages.rename(there)
    harbour.environment["PYTHONPATH"] = str(there)


def other_directory(harbour: Harbour) -> None:
    harbour.working = harbour.folder / "elsewhere"
    (harbour.working / "harbour").mkdir(parents=True)  # what lies there is not imported
    (harbour.working / "harbour" / "__init__.py").write_text("raise SystemExit('wrong one')\n")


def settings_files(harbour: Harbour) -> None:
    (harbour.working / "oneml.toml").write_text("retries = 4\n\n[habitats.harbour]\nboats = 9\n")
    (harbour.working / ".env").write_text("HARBOUR_FLAG=red\n")


KINDS = (
    Kind("comment", edited(NODES, 'mark("load")', 'mark("load")  # counts them'), engines=ENGINES),
    Kind("formatting", reformatted),
    Kind("docstring", edited(NODES, '"""Return what was loaded."""', '"""Return it."""')),
    Kind("docstring gone", edited(NODES, '        """Return what was loaded."""\n', "")),
    Kind("docstring of a module", edited("harbour/sums.py", '"""A helper module."""', '"""Sums."""\n# Not more.')),
    Kind("carriage returns", carriage_returns),
    Kind("unrelated module edited", edited("harbour/unrelated.py", "41", "42"), engines=ENGINES),
    Kind("unrelated module added", written("harbour/more.py", "MORE = 1\n")),
    Kind("unrelated package", written("strangers/__init__.py", "MORE = 1\n")),
    Kind("unrelated distribution", written("strangers-1.0.dist-info/METADATA", "Name: strangers\nVersion: 1.0\n")),
    Kind("other file beside the sources", written("harbour/notes.txt", "nothing\n")),
    Kind("times of files", touched),
    Kind("compiled files", compiled),
    Kind("working directory", other_directory, engines=(WORKER, PROCESS)),
    Kind("moved", moved, engines=(WORKER, PROCESS)),
    Kind("editable install", linked, engines=(WORKER, PROCESS)),
    Kind("hash seed", nothing, {"PYTHONHASHSEED": "7"}, engines=ENGINES),
    Kind("another hash seed", nothing, {"PYTHONHASHSEED": "4242"}),
    Kind("optimised", nothing, {"PYTHONOPTIMIZE": "2"}),
    Kind("locale and time zone", nothing, {"LC_ALL": "C", "TZ": "Asia/Kathmandu", "PYTHONUTF8": "0"}),
    Kind(
        "settings file and .env",
        settings_files,
        told=("oneml.toml", ".env", "boats", "flag"),
        engines=(WORKER, PROCESS),
    ),
    Kind(
        "variable of a setting",
        nothing,
        {"HARBOUR_BOATS": "8"},
        told=("HARBOUR_BOATS", "8", "boats", "3"),
        engines=(WORKER, PROCESS),
    ),
    Kind("variable of a common setting", nothing, {"ONEML_SETTINGS__RETRIES": "3"}, told=("ONEML_SETTINGS__RETRIES",)),
    Kind("variable of nobody", nothing, {"QUAY_UNHEARD_OF": "1"}),
)


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
    assert [text for text in kind.told if text not in said] == [], said
    if engine == WORKER:
        assert kind.told or said == ""
        assert [mark.partition("-")[0] for mark in harbour.marks] == ["Load", "load"]
    else:
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
