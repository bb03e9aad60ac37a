"""What may be loaded where, held by names and counts: no clock, so that a slow machine changes nothing."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distribution

import pytest

PLUGIN = "oneml.habitats_pytest"
REPORT = """
import atexit, json, os, sys
atexit.register(lambda: open(os.environ["LOADED"], "w").write(json.dumps(sorted(sys.modules))))
"""
UNUSED = "def test_unused(tmp_path):\n    assert tmp_path\n"


def loaded_by_pytest(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *options: str) -> set[str]:
    """Return the modules that a run of pytest in a fresh interpreter has loaded at its end."""
    report = pytester.path / "loaded.json"
    monkeypatch.setenv("LOADED", str(report))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(conftest=REPORT, test_unused=UNUSED)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", *options).assert_outcomes(passed=1)
    return set(json.loads(report.read_text()))


def test_plugin_loads_one_small_module_where_it_is_not_used(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = loaded_by_pytest(pytester, monkeypatch)
    assert loaded_by_pytest(pytester, monkeypatch, "-p", PLUGIN) - bare == {"oneml", PLUGIN}


def test_plugin_is_registered_under_the_name_of_its_module(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.get_plugin(PLUGIN) is sys.modules[PLUGIN]


@pytest.mark.parametrize("by", ["-p", "PYTEST_PLUGINS", "conftest"])
def test_plugin_that_is_named_as_well_is_loaded_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    (entry,) = (entry for entry in distribution("pytest-oneml-habitats").entry_points if entry.group == "pytest11")
    assert (entry.name, entry.value) == (PLUGIN, PLUGIN)
    pytester.makepyfile(test_used="def test_used(open_components):\n    assert open_components\n")
    if by == "conftest":
        pytester.makeconftest(f'pytest_plugins = ["{PLUGIN}"]\n')
    elif by != "-p":
        monkeypatch.setenv(by, PLUGIN)
    options = ("-p", PLUGIN) if by == "-p" else ()
    pytester.runpytest_subprocess("-p", "no:cacheprovider", *options).assert_outcomes(passed=1)


def test_types_of_the_fixtures_load_no_container() -> None:
    assert modules_of("from oneml.habitats.testing import NewSession, OpenComponents, RunNode") == [
        "oneml",
        "oneml.habitats",
        "oneml.habitats.testing",
    ]


def test_facade_loads_nothing_but_itself() -> None:
    assert modules_of("import oneml.habitats") == ["oneml", "oneml.habitats"]


def modules_of(statement: str) -> Sequence[str]:
    """Return what ``-X importtime`` reports of a statement, apart from the standard library."""
    command = [sys.executable, "-X", "importtime", "-c"]
    before, after = (_reported([*command, code]) for code in ("pass", statement))
    assert "site" in before, "the report is one of another form"
    strange = {name for name in after - before if name.partition(".")[0] not in sys.stdlib_module_names}
    return sorted({"oneml", *strange})


def _reported(command: Sequence[str]) -> set[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", done.stderr, flags=re.MULTILINE))


@pytest.mark.parametrize("name", ["oneml.habitats", "oneml.habitats.testing", PLUGIN])
def test_nothing_is_compiled_anew_for_the_sake_of_the_plugin(name: str) -> None:
    assert "@pytest_ar" not in vars(importlib.import_module(name)), "pytest has rewritten its assertions"
