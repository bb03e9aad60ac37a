"""Which modules imports can reach, which names have no file, and what package data counts."""

import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pytest
from dependency_injector import providers

from oneml.habitats.errors import InvalidComponentsError, InvalidPackageDataError
from oneml.habitats.habitats.code_closure import reachable_code
from oneml.habitats.habitats.code_difference import code_drifts
from oneml.habitats.habitats.code_here import identity_here
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.code_recording import code_identity
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.module_code import EVERYTHING
from oneml.habitats.habitats.source_files import MODULE_SUFFIXES, ModuleFinder


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...
    def distribution(self, name: str, version: str = ..., **more: object) -> Path: ...


PACKAGE = {
    "pipe/__init__.py": "",
    "pipe/one.py": "",
    "pipe/two.py": "",
    "pipe/sub/__init__.py": "",
    "pipe/sub/deep.py": "",
    "pipe/sub/more.py": "",
    "bare/part.py": "",
    "other/__init__.py": "",
    "other/mod.py": "",
}
ALL = {"pipe", "pipe.one", "pipe.two", "pipe.sub", "pipe.sub.deep", "pipe.sub.more", "other", "other.mod", "bare.part"}


def reached(site: Site, source: str, *, at: str = "pipe/top.py", absent: set[str] | None = None) -> set[str]:
    site.write({**PACKAGE, at: source})
    root = at.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    closure = reachable_code([root], ["pipe", "other", "bare"], ModuleFinder())
    assert closure.unread == []
    if absent is not None:
        assert set(closure.absent) == absent
    return set(closure.modules) - {root, "pipe"}


@pytest.mark.parametrize(
    ("source", "expected", "absent"),
    [
        ("import pipe.one", {"pipe.one"}, set()),
        ("import pipe.one as x, pipe.two", {"pipe.one", "pipe.two"}, set()),
        ("from pipe import one", {"pipe.one"}, set()),
        ("from pipe.one import anything", {"pipe.one"}, set()),
        ("from pipe import Name", set(), {"pipe.Name"}),
        ("import runpy\nrunpy.run_module('pipe.sub')", {"pipe.sub"}, {"pipe.sub.__main__"}),
        ("import pipe.nowhere.mod", set(), {"pipe.nowhere", "pipe.nowhere.mod"}),
        ("from . import one", {"pipe.one"}, set()),
        ("from .sub import deep", {"pipe.sub", "pipe.sub.deep"}, set()),
        ("from .sub.deep import x", {"pipe.sub", "pipe.sub.deep"}, set()),
        ("from .... import x", set(), set()),
        ("def f():\n import other.mod", {"other", "other.mod"}, set()),
        ("try:\n import pipe.one\nexcept ImportError:\n import pipe.two", {"pipe.one", "pipe.two"}, set()),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import pipe.one", {"pipe.one"}, set()),
        ("from pipe.sub import *", {"pipe.sub", "pipe.sub.deep", "pipe.sub.more"}, set()),
        ("from pipe.one import *", {"pipe.one"}, set()),
        ("import bare.part", {"bare.part"}, {"bare"}),
        ("from bare import part, none", {"bare.part"}, {"bare", "bare.none"}),
        ("import json, os.path\nfrom numpy import array", set(), set()),
        ("import importlib\nimportlib.import_module('pipe.one')", {"pipe.one"}, set()),
        ("from importlib import import_module\nimport_module('.one', __package__)", {"pipe.one"}, set()),
        ("__import__('pipe.one')", {"pipe.one"}, set()),
        ("import runpy\nrunpy.run_module('pipe.one')", {"pipe.one"}, set()),
        ("import pkgutil\npkgutil.resolve_name('pipe.one:x')", {"pipe.one"}, set()),
        ("exec('import pipe.one')", {"pipe.one"}, set()),
        ("eval('1 + 1')", set(), set()),
        ("model.eval()\nframe.eval(text)\nre.exec", set(), set()),
        ("provider = Factory('pipe.one.Class')", {"pipe.one"}, set()),
        ("reference = Reference(Contract, 'pipe.sub.deep:Class')", {"pipe.sub", "pipe.sub.deep"}, set()),
        ("text = 'other:Class'", {"other"}, set()),
        ("text = 'a text about pipe.one'", set(), set()),
        ("import pydoc\npydoc.locate('pipe.one.x')", {"pipe.one"}, {"pipe.one.x"}),
        ("locate(name)\nframe.locate(name)", set(), set()),
        ("from os import path\nfrom .sys import path\nfrom sys import argv", set(), {"pipe.sys"}),
        ("import importlib.resources, pkg_resources\nimportlib.resources.files(name)", set(), set()),
    ],
)
def test_import_reaches_what_it_names(site: Site, source: str, expected: set[str], absent: set[str]) -> None:
    assert reached(site, source, absent=absent) == expected
    assert "pipe" not in sys.modules


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module as load",
        "import importlib\nload = importlib.import_module",
        "import importlib\nimportlib.import_module('.one', other)",
        "__import__(name)",
        "__import__('pipe.sub', fromlist=['deep'])",
        "__import__('sub', globals(), locals(), ['deep'], 1)",
        "exec(text)",
        "list(map(eval, texts))",
        "import builtins\nbuiltins.exec(text)",
        "exec('broken(')",
        "exec('exec(text)')",
        "import runpy\nrunpy.run_path('x.py')",
        "import pkgutil\npkgutil.walk_packages(path)",
        "from importlib.metadata import entry_points\nentry_points(group='x')",
        "import importlib.util\nimportlib.util.spec_from_file_location('x', 'y')",
        "loader.exec_module(module)",
        "from sys import argv, path",
        "from sys import meta_path as finders",
        "import pydoc\npydoc.locate(name)",
        "import pydoc\nlist(map(pydoc.locate, names))",
        "from pydoc import locate",
        "import site\nsite.addsitedir(folder)",
        "from site import addsitedir as add",
        "not python(",
    ],
)
def test_code_found_in_ways_that_do_not_show_which_reaches_everything(site: Site, source: str) -> None:
    assert reached(site, source) == ALL - {"pipe"}


def test_folders_are_listed_once_however_many_modules_find_code_dynamically(site: Site) -> None:
    site.write({**PACKAGE, "pipe/one.py": "exec(text)", "pipe/two.py": "exec(text)", "pipe/top.py": "exec(text)"})
    asked: list[str] = []

    class Counting(ModuleFinder):
        def modules_of(self, package: str) -> Sequence[str]:
            asked.append(package)
            return super().modules_of(package)

    assert set(reachable_code(["pipe.top"], ["pipe", "other", "bare"], Counting()).modules) == {*ALL, "pipe.top"}
    assert sorted(asked) == ["bare", "other", "pipe"]


def test_relative_imports_of_a_package_begin_in_it(site: Site) -> None:
    assert reached(site, "from . import deep\nfrom .. import one", at="pipe/sub/__init__.py") == {
        "pipe.sub.deep",
        "pipe.one",
    }


def test_packages_above_count_and_so_do_their_imports(site: Site) -> None:
    site.write({**PACKAGE, "pipe/__init__.py": "import pipe.two", "pipe/top.py": ""})
    assert set(reachable_code(["pipe.top"], ["pipe"], ModuleFinder()).modules) == {"pipe", "pipe.two", "pipe.top"}


def test_package_around_a_declared_one_counts_without_its_other_modules(site: Site) -> None:
    site.write({"lib/__init__.py": "import lib.side", "lib/side.py": "", "lib/part.py": "import lib.side"})
    assert set(reachable_code(["lib.part"], ["lib.part"], ModuleFinder()).modules) == {"lib", "lib.part"}


def test_extension_modules_count_by_their_bytes_and_reach_everything(site: Site) -> None:
    suffix = MODULE_SUFFIXES[1]
    site.write({**PACKAGE, f"pipe/fast{suffix}": "binary", "pipe/fast.pyi": "stub", "pipe/top.py": "import pipe.fast"})
    closure = reachable_code(["pipe.top"], ["pipe"], ModuleFinder())
    code = closure.modules["pipe.fast"]
    assert (code.path, code.tree) == (f"pipe/fast{suffix}", f"raw:{code.raw}")
    assert "pipe.two" in closure.modules


def test_module_that_cannot_be_read_is_told(site: Site) -> None:
    site.write({"pipe.py": ""})
    finder = ModuleFinder()
    assert finder.module("pipe") is not None
    (site.folder / "pipe.py").unlink()
    assert reachable_code(["pipe"], ["pipe"], finder).unread[0].startswith("the source files of pipe cannot be read: ")


ENTRY = HabitatEntry("pipe", "pipe.box:Box")


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pipe"]:
        del sys.modules[name]


def identity(site: Site, files: dict[str, str]) -> CodeIdentity:
    forget()
    site.write({"pipe/__init__.py": "", "pipe/box.py": "class Box: ...", **files})
    return code_identity(importlib.import_module("pipe.box").Box, habitat=ENTRY)


def changed(expected: CodeIdentity) -> list[tuple[str, str, str]]:
    found = identity_here(expected, habitat=ENTRY)
    refused = code_drifts(expected, found).refused
    assert bool(refused) == (found.digest != expected.digest)
    return [(drift.kind, drift.subject, drift.field) for drift in refused]


def test_digest_of_some_modules_is_that_of_what_they_reach(site: Site) -> None:
    files = {
        "pipe/box.py": "import pipe.a, pipe.b\nclass Box: ...",
        "pipe/a.py": "def f():\n import pipe.shared",
        "pipe/b.py": "",
        "pipe/shared.py": "X = 1",
    }
    one = identity(site, files)
    other = identity(site, {**files, "pipe/shared.py": "X = 2", "pipe/__init__.py": "# a comment"})
    roots = (["pipe.a"], ["pipe.b"], ["pipe.a", "json"], ["json"], ["pipe.box"])
    same = [one.digest_of(names) == other.digest_of(names) for names in roots]
    assert same == [False, True, False, True, False]
    assert one.digest_of(["pipe.a"]) == one.digest_of(["pipe.a", "json"]) != one.digest_of(["pipe.b"])
    assert one.digest != other.digest


def test_file_that_appears_where_a_name_was_imported_is_drift(site: Site) -> None:
    expected = identity(site, {"pipe/box.py": "from pipe import late\nclass Box: ...", "pipe/__init__.py": "late = 1"})
    assert expected.absent == ("pipe.late",)
    assert changed(expected) == []
    site.write({"pipe/late.py": ""})
    assert changed(expected) == [("code", "pipe.late", "module")]


def test_new_file_is_drift_where_code_is_found_dynamically(site: Site) -> None:
    expected = identity(site, {"pipe/box.py": "exec(open('x').read()) if 0 else 1\nclass Box: ..."})
    assert EVERYTHING in expected.modules["pipe.box"].imports
    assert changed(expected) == []
    site.write({"pipe/new.py": ""})
    assert changed(expected) == [("code", "pipe.new", "module")]


def test_module_that_becomes_a_package_is_drift(site: Site) -> None:
    expected = identity(site, {"pipe/box.py": "import pipe.part\nclass Box: ...", "pipe/part.py": "X = 1"})
    forget()
    site.write({"pipe/part/__init__.py": "X = 1"})
    assert changed(expected) == [("code", "pipe.part", "file")]


def test_looks_change_raw_hashes_alone(site: Site) -> None:
    expected = identity(site, {})
    site.write({"pipe/box.py": "# why\nclass Box:\n    ..."})
    assert changed(expected) == []
    found = identity_here(expected, habitat=ENTRY)
    assert found.modules["pipe.box"].raw != expected.modules["pipe.box"].raw


DATA = {
    "pipe/box.py": "class Box:\n    package_data = ('pipe:prompts/*.txt', 'pipe:**/*.json')",
    "pipe/prompts/a.txt": "a",
    "pipe/prompts/b.txt": "b",
    "pipe/prompts/deep/c.txt": "c",
    "pipe/x.json": "{}",
    "pipe/one/two/y.json": "{}",
    "pipe/__pycache__/z.json": "{}",
}


def test_declared_data_counts_by_path_and_bytes(site: Site) -> None:
    expected = identity(site, DATA)
    assert list(expected.data) == ["pipe/one/two/y.json", "pipe/prompts/a.txt", "pipe/prompts/b.txt", "pipe/x.json"]
    site.write({"pipe/prompts/deep/c.txt": "other", "pipe/prompts/a.md": "new", "pipe/__pycache__/z.json": "[]"})
    assert changed(expected) == []
    site.write({"pipe/prompts/a.txt": "A", "pipe/new.json": ""})
    (site.folder / "pipe/prompts/b.txt").unlink()
    assert changed(expected) == [
        ("data", "pipe/new.json", "file"),
        ("data", "pipe/prompts/a.txt", "content"),
        ("data", "pipe/prompts/b.txt", "file"),
    ]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("('pipe:nothing/*.txt',)", "pipe:nothing/*.txt matches no file."),
        ("('no_such:*.txt',)", "no_such:*.txt names no package that is found here."),
        ("'pipe:*.txt'", "'pipe:*.txt' is no tuple of patterns."),
        ("('*.txt',)", "'*.txt' is no pattern below a package."),
        ("('pipe:/etc/*',)", "'pipe:/etc/*' is no pattern below a package."),
        ("('pipe:../*',)", "'pipe:../*' is no pattern below a package."),
        ("(3,)", "3 is no pattern below a package."),
    ],
)
def test_unusable_declaration_of_data_is_refused(site: Site, declared: str, message: str) -> None:
    with pytest.raises(InvalidPackageDataError) as caught:
        identity(site, {"pipe/box.py": f"class Box:\n    package_data = {declared}"})
    assert str(caught.value).startswith(f"pipe.box:Box declares package_data, but {message} Name files below")


@pytest.mark.parametrize("name", ["first_party", "package_data"])
def test_names_that_declare_code_are_no_providers(name: str) -> None:
    with pytest.raises(InvalidComponentsError, match=f"{name}: this name is for .* that count as code"):
        type("Box", (PipelineComponents,), {name: providers.Object(("pipe",)), "define": lambda *_: None})


def test_identity_does_not_depend_on_the_hash_seed(site: Site) -> None:
    source = "from pipe import one, two, absent\nimport other.mod, bare.part\nclass Box: ..."
    site.write({**PACKAGE, "pipe/__init__.py": "absent = 1", "pipe/box.py": source})
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import pipe.box\n"
        "from oneml.habitats.habitats.code_document import identity_to_json\n"
        "from oneml.habitats.habitats.code_recording import code_identity\n"
        "from oneml.habitats.habitats.entry import HabitatEntry\n"
        "from oneml.habitats.values.json_value import canonical_json\n"
        "entry = HabitatEntry('pipe', 'pipe.box:Box')\n"
        "found = code_identity(pipe.box.Box, habitat=entry, first_party=['other', 'bare'])\n"
        "print(canonical_json(identity_to_json(found)).decode())"
    )
    written = [
        subprocess.run(
            [sys.executable, "-c", script, str(site.folder)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert written[0] == written[1]
    assert "other/mod.py" in written[0]
