"""Engines by name: of this package, of other distributions, and given ones."""

from pathlib import Path
from typing import Any

import pytest

from oneml.habitats.engines.in_process import InProcessEngine
from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.errors import EnginePluginError, NotAnEngineError, UnknownEngineError

MODULE = """
from contextlib import contextmanager
class Good:
    name = "good"
    capabilities = frozenset()
    @contextmanager
    def open(self, context):
        yield None
class Misnamed(Good):
    name = "other"
class Incapable(Good):
    name = "incapable"
    capabilities = {"kill"}
class Shut(Good):
    name = "shut"
    open = None
def broken():
    raise RuntimeError("no cluster file")
"""
ENTRY_POINTS = """[oneml.engines]
good = plugged_engines:Good
misnamed = plugged_engines:Misnamed
incapable = plugged_engines:Incapable
shut = plugged_engines:Shut
broken = plugged_engines:broken
absent = plugged_engines:Absent
"""


@pytest.fixture(autouse=True)
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugged_engines.py").write_text(MODULE)
    metadata = tmp_path / "plugged_engines-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-engines\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_an_engine_of_another_distribution_is_found_by_its_name() -> None:
    assert EngineRegistry().by_name("good").name == "good"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("misnamed", "its name is 'other'"),
        ("incapable", "capabilities are no frozenset"),
        ("shut", "it has no open"),
        ("broken", "RuntimeError: no cluster file"),
        ("absent", "AttributeError"),
    ],
)
def test_a_plugin_that_is_no_engine_names_its_distribution_and_why(name: str, reason: str) -> None:
    with pytest.raises(EnginePluginError, match=reason) as caught:
        EngineRegistry().by_name(name)
    assert "plugged-engines 1.0" in str(caught.value)


def test_an_unknown_engine_names_those_that_there_are() -> None:
    with pytest.raises(UnknownEngineError, match='Did you mean "process"') as caught:
        EngineRegistry().by_name("proces")
    assert "good" in str(caught.value)


def test_an_engine_that_is_given_stands_for_that_of_its_name() -> None:
    given = InProcessEngine()
    assert EngineRegistry([given]).by_name("in-process") is given
    assert EngineRegistry().by_name("in-process") is not given


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (3, "3 is no engine: it has no name. Give the name of one, or an object such as"),
        (InProcessEngine, "is no engine: it is a class, of which none is made"),
    ],
)
def test_what_is_given_and_no_engine_is_refused_with_what_to_give(given: Any, reason: str) -> None:
    with pytest.raises(NotAnEngineError, match=reason):
        EngineRegistry([given])


def test_engines_are_listed_with_where_they_come_from_and_none_is_loaded() -> None:
    known = EngineRegistry([InProcessEngine()]).known()
    assert (known["good"], known["broken"], known["dask"]) == ("plugged-engines 1.0", "plugged-engines 1.0", "built in")
    assert list(known) == sorted(known)
    assert EngineRegistry().has("broken")
    assert not EngineRegistry().has("proces")
