"""Which files lie below a folder, and in which order."""

import os
from pathlib import Path

import pytest

from oneml.habitats.habitats.file_trees import files_below, python_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.py", "a.py", "a.txt", "sub/c.py", "sub/__pycache__/c.pyc", "no-name/d.py", "odd.py/e.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    return tmp_path


def test_files_come_in_one_order_whatever_the_file_system_lists_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "twin").symlink_to(folder / "sub", target_is_directory=True)
    (folder / "sub/up").symlink_to(folder, target_is_directory=True)
    found = [name for name, _ in files_below(folder, str.isalpha)]
    assert found == ["a.py", "a.txt", "b.py", "twin/c.py"]
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: _Reversed(list(scan(path))[::-1]))
    assert [name for name, _ in files_below(folder, str.isalpha)] == found


class _Reversed(list[os.DirEntry[str]]):
    def __enter__(self) -> "_Reversed":
        return self

    def __exit__(self, *_: object) -> None: ...


def test_links_that_lead_nowhere_are_files_that_nobody_can_import(folder: Path) -> None:
    (folder / "gone.py").symlink_to(folder / "absent.py")
    assert "gone.py" in [name for name, _ in files_below(folder, str.isalpha)]
    assert "gone.py" not in list(python_files(folder))


def test_python_files_are_those_that_imports_could_reach(folder: Path) -> None:
    (folder / "bad\nname.py").touch()
    assert list(python_files(folder)) == ["a.py", "b.py", "sub/c.py"]
    assert list(python_files(folder, (".txt", ".pyc"))) == ["a.txt"]
