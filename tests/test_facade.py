"""`oneml.habitats` is a namespace package's only regular member: light to import, and exactly what it says."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from oneml import habitats

HEAVY = {
    "click",
    "dependency_injector",
    "fsspec",
    "matplotlib",
    "networkx",
    "numpy",
    "pandas",
    "pydantic",
    "pydantic_settings",
    "rich",
    "sqlalchemy",
}


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after ``code``."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_import_of_the_facade_loads_no_heavy_library() -> None:
    assert modules_after("import oneml.habitats") & HEAVY == set()


def test_a_heavy_library_would_be_seen() -> None:
    assert modules_after("import click") & HEAVY == {"click"}


def test_all_is_sorted_and_holds_no_name_twice() -> None:
    assert habitats.__all__ == sorted(set(habitats.__all__), key=lambda name: (name.islower(), name))


@pytest.mark.parametrize("name", habitats.__all__)
def test_name_of_all_is_what_its_defining_module_has(name: str) -> None:
    value = getattr(habitats, name)
    assert value.__name__ == name
    assert getattr(importlib.import_module(value.__module__), name) is value


def test_type_checkers_see_exactly_the_names_of_all() -> None:
    source = Path(inspect.getfile(habitats)).read_text()
    typed = next(
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    names = [alias.asname for node in typed.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(str(name) for name in names) == sorted(habitats.__all__)


def test_dir_shows_every_name_before_its_first_use() -> None:
    assert set(habitats.__all__) <= set(dir(habitats))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'PipelineBuidler'"):
        getattr(habitats, "PipelineBuidler")  # noqa: B009  # type checkers reject the plain form


def test_oneml_is_a_namespace_package_so_that_others_can_live_in_it() -> None:
    assert getattr(importlib.import_module("oneml"), "__file__", None) is None
