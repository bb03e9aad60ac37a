"""Files that code of an open session may read yet."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.unread_files import UnreadFiles


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "unread_of_test"
    (folder / "texts").mkdir(parents=True)
    for file in ("__init__.py", "early.py", "late.py"):
        (folder / file).write_text("VALUE = 1\n")
    (folder / "texts/a.txt").write_text("a")
    for name in ("unread_of_test", "unread_of_test.early", "unread_of_test.late"):
        monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]  # so that they go at the end
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import_module("unread_of_test.early")
    return folder


@pytest.fixture
def unread(package: Path) -> UnreadFiles:
    identity = CodeIdentity(
        habitat="h",
        target="unread_of_test:X",
        container="unread_of_test:X",
        python="3.11",
        distribution=None,
        distributions={},
        first_party=("unread_of_test",),
        modules={},
        package_data=("unread_of_test:texts/*.txt",),
        data={},
        absent=("unread_of_test.absent",),
        unproven=(),
        places={f"unread_of_test.{name}": str(package / f"{name}.py") for name in ("early", "late")},
    )
    return UnreadFiles(identity)


def test_what_is_imported_is_what_it_was_whatever_becomes_of_its_file(package: Path, unread: UnreadFiles) -> None:
    file = package / "early.py"
    file.write_text("VALUE = 2\n")
    assert not unread.have_changed()


@pytest.mark.parametrize("file", ["late.py", "texts/a.txt", "texts/new.txt", "absent.py"])
def test_what_can_be_read_yet_is_seen_when_it_changes_or_appears(package: Path, unread: UnreadFiles, file: str) -> None:
    assert not unread.have_changed()
    (package / file).write_text("VALUE = 2\n")
    assert unread.have_changed()
    assert unread.have_changed()


@pytest.mark.parametrize("file", ["late.py", "texts/a.txt"])
def test_what_goes_away_is_seen(package: Path, unread: UnreadFiles, file: str) -> None:
    (package / file).unlink()
    assert unread.have_changed()


def test_a_module_that_was_imported_unchanged_counts_no_more(package: Path, unread: UnreadFiles) -> None:
    import_module("unread_of_test.late")
    assert not unread.have_changed()
    (package / "late.py").write_text("VALUE = 22\n")
    assert not unread.have_changed()
    assert unread.imported() == frozenset()


def test_a_module_that_was_imported_from_a_changed_file_is_named(package: Path, unread: UnreadFiles) -> None:
    (package / "late.py").write_text("VALUE = 22\n")
    import_module("unread_of_test.late")
    assert unread.have_changed()
    assert unread.imported() == {"unread_of_test.late"}
