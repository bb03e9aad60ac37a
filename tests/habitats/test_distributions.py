"""Installed distributions, found without ``importlib.metadata`` but as it finds them."""

import importlib.metadata
import sys
from pathlib import Path
from typing import Protocol

import pytest

from oneml.habitats.habitats.distributions import (
    all_distributions,
    entry_points,
    installed_distributions,
    normalised,
    packages_of,
    required_distributions,
)


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...
    def distribution(self, name: str, version: str = ..., **more: object) -> Path: ...


def test_versions_and_entry_points_are_those_of_the_standard_library() -> None:
    found = installed_distributions()
    assert {name: each.version for name, each in found.items()} == {
        normalised(each.name): each.version for each in reversed(list(importlib.metadata.distributions()))
    }
    ours = {(point.name, point.target) for each in found.values() for point in entry_points(each, "console_scripts")}
    theirs = importlib.metadata.entry_points(group="console_scripts")
    assert ours == {(point.name, point.value.partition("[")[0].strip()) for point in theirs}


def test_first_folder_of_the_search_path_hides_the_same_name_in_later_ones(tmp_path: Path) -> None:
    for folder, version in (("first", "2.0"), ("second", "1.0")):
        (tmp_path / folder / f"My_Package-{version}.dist-info").mkdir(parents=True)
    search = [str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "absent"), str(tmp_path / "first")]
    assert installed_distributions(search)["my-package"].version == "2.0"
    assert [each.version for each in all_distributions(search)] == ["2.0", "1.0"]


def test_leftovers_of_pip_are_no_distributions(tmp_path: Path) -> None:
    (tmp_path / "~umpy-1.0.dist-info").mkdir()
    (tmp_path / "nodash.dist-info").mkdir()
    assert not list(all_distributions([str(tmp_path)]))


def test_entry_points_keep_to_their_group_and_drop_comments_and_extras(site: Site) -> None:
    folder = site.distribution("one")
    text = "[other]\na = x:y\n[oneml.habitats]\n# b = x:y\n\nc = p.q:R [extra]\nd=p:S\n[last]\ne = x:y\n"
    (folder / "entry_points.txt").write_text(text)
    points = entry_points(installed_distributions([str(site.folder)])["one"], "oneml.habitats")
    assert [tuple(point) for point in points] == [("c", "p.q:R"), ("d", "p:S")]


def test_requirements_are_followed_through_extras_and_circles(site: Site) -> None:
    site.distribution("top", requires=["Mid.dle[fast]>=1 ; python_version >= '3'", "absent", "never; extra == 'x'"])
    site.distribution("mid-dle", "2.0", requires=["quick ; extra == 'fast'", "top", "slow ; 'slow' == extra"])
    for name in ("quick", "slow", "never", "unrelated", "not-a-header"):
        site.distribution(name)
    installed = installed_distributions([str(site.folder)])
    assert required_distributions(["top"], installed) == {"top": "1.0", "mid-dle": "2.0", "quick": "1.0"}


@pytest.mark.parametrize(
    ("record", "packages"),
    [
        (["pkg/__init__.py", "pkg/deep/mod.py", "pkg-1.0.dist-info/RECORD", "../../bin/tool.py"], {"pkg"}),
        (["space/one/__init__.py", "space/one/mod.py", "space/two/__init__.py"], {"space.one", "space.two"}),
        (["lone.py", "bare/inside/mod.py"], {"lone", "bare"}),
        (["data/readme.txt"], set()),
    ],
)
def test_packages_of_a_wheel_are_read_from_its_record(site: Site, record: list[str], packages: set[str]) -> None:
    site.distribution("some", record=record)
    assert packages_of(installed_distributions([str(site.folder)])["some"]) == packages


def test_packages_of_an_editable_install_lie_in_the_folder_that_it_names(site: Site, tmp_path: Path) -> None:
    for file in ("src/pkg/__init__.py", "src/lone.py", "src/not-a-package/x.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    site.write({"_editable_some.pth": f"# comment\nimport site\n{tmp_path / 'src'}\n"})
    site.distribution("some", record=["_editable_some.pth"])
    assert packages_of(installed_distributions([str(site.folder)])["some"]) == {"pkg", "lone"}


def test_root_of_a_project_counts_only_what_the_distribution_declares(site: Site, tmp_path: Path) -> None:
    for file in ("project/pkg/__init__.py", "project/tests/__init__.py", "project/pyproject.toml"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    site.write({"some.pth": f"{tmp_path / 'project'}\n"})
    folder = site.distribution("some", record=["some.pth"])
    found = installed_distributions([str(site.folder)])["some"]
    assert packages_of(found) == frozenset()
    (folder / "top_level.txt").write_text("pkg\n")
    assert packages_of(found) == {"pkg"}


def test_no_import_of_the_standard_librarys_reader() -> None:
    import subprocess

    script = "import oneml.habitats.habitats.registry, sys; print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


def test_hook_of_an_editable_install_is_no_package_but_maps_some(site: Site) -> None:
    folder = site.distribution("hooked", record=["_editable_impl_hooked.py", "hooked.pth"])
    hook = (
        "from editables.redirector import RedirectingFinder as F\nF.install()\nF.map_module('hooked', '/x/__init__.py')"
    )
    site.write({"_editable_impl_hooked.py": hook, "hooked.pth": "import _editable_impl_hooked"})
    assert folder.is_dir()
    assert packages_of(installed_distributions([str(site.folder)])["hooked"]) == {"hooked"}


def test_folders_of_a_path_file_may_be_relative_or_gone(site: Site) -> None:
    site.distribution("pipe", record=["pipe.pth"])
    site.write({"inner/pipe/__init__.py": "", "pipe.pth": "# why\ninner\n/no/such/folder\n"})
    assert packages_of(installed_distributions([str(site.folder)])["pipe"]) == {"pipe"}
