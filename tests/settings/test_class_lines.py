"""Where names are assigned in the bodies of classes."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from oneml.habitats.settings.class_lines import assigned_at

SOURCE = """
class Outer:
    a = 1
    a = 2
    b, (c, *d) = 1, (2, 3)
    e: int
    table = {}
    table[f := "key"] = 1
    if a:
        g = 1

    class Inner:
        h = 1

    def method(self):
        i = 1


def made():
    class Local:
        j = 1

    return Local
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "classes_with_lines.py"
    file.write_text(SOURCE)
    return file


@pytest.fixture
def outer(file: Path, monkeypatch: pytest.MonkeyPatch) -> type:
    spec = spec_from_file_location("classes_with_lines", file)
    assert spec is not None and spec.loader is not None  # noqa: PT018  # for the type checker
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "classes_with_lines", module)
    spec.loader.exec_module(module)
    module.Outer.local = module.made()
    return module.Outer  # type: ignore[no-any-return]


def test_names_are_found_where_the_body_binds_them_last(outer: type, file: Path) -> None:
    lines = {name: place.line for name in "abcdefghi" if (place := assigned_at(outer, name)) is not None}
    assert lines == {"a": 4, "b": 5, "c": 5, "d": 5, "e": 6, "f": 8, "g": 10}
    assert str(assigned_at(outer, "table")) == f"{file}:7"


def test_classes_inside_others_are_told_apart(outer: type) -> None:
    inner, local = outer.Inner, outer.local  # type: ignore[attr-defined]
    assert [place and place.line for place in (assigned_at(inner, "h"), assigned_at(local, "j"))] == [13, 21]
    assert assigned_at(inner, "a") is None


def test_a_file_that_changes_is_read_again(outer: type, file: Path) -> None:
    assert assigned_at(outer, "e") == (str(file), 6)
    file.write_text("\n" + SOURCE)
    os.utime(file, ns=(1, 1))
    assert assigned_at(outer, "e") == (str(file), 7)
    file.unlink()
    assert assigned_at(outer, "e") is None


def test_classes_without_a_source_have_no_lines() -> None:
    assert assigned_at(int, "real") is None
    assert assigned_at(type("Made", (), {"a": 1}), "a") is None
