"""Installed distributions, read from the names of their metadata folders: one directory scan an entry of ``sys.path``.

The standard library's ``importlib.metadata`` finds the same, but importing it takes a third of the time in which
``oneml list`` must end. What is not installed in a folder (a zip file on ``sys.path``) is not found.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from oneml.habitats.habitats.file_trees import python_files

_SEPARATORS = re.compile(r"[-_.]+")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^]]*)\])?[^;]*(?:;(.*))?")
_HOOKS = ("_editable_impl_", "__editable__")
_MAPPED = re.compile(r"""\bmap_module\(\s*['"]([\w.]+)['"]""")
_EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")
_EXTRA_REVERSED = re.compile(r"""['"]([^'"]+)['"]\s*==\s*extra\b""")


class Distribution(NamedTuple):
    """An installed distribution.

    Attributes:
        name: Its normalised name: lower case, separated by ``-``.
        version: Its version, as its metadata folder is named.
        folder: That folder: ``.../hello_world_demo-1.0.dist-info``.
    """

    name: str
    version: str
    folder: str


class EntryPoint(NamedTuple):
    """A name that a distribution gives to an object of its own: ``module:attr``."""

    name: str
    target: str


class Requirement(NamedTuple):
    """What a distribution requires: a normalised name, with extras of it, and where only under some extra, which."""

    name: str
    extras: frozenset[str]
    only_for: frozenset[str]


def normalised(name: str) -> str:
    """Return the one spelling of a distribution's name: ``Hello_World`` is ``hello-world``."""
    return _SEPARATORS.sub("-", name).lower()


def all_distributions(search_path: Sequence[str] | None = None) -> Iterator[Distribution]:
    """Give every distribution along ``search_path``, also those that an earlier one hides.

    Args:
        search_path: Folders to look in; ``sys.path`` where absent.
    """
    for place in dict.fromkeys(sys.path if search_path is None else search_path):
        try:
            with os.scandir(place or ".") as found:
                names = sorted((entry.name, entry.path) for entry in found if entry.name.endswith(".dist-info"))
        except OSError:
            continue  # Python, too, passes over entries of sys.path that are no readable folder.
        for name, folder in names:
            stem, _, version = name.removesuffix(".dist-info").rpartition("-")
            if stem and not stem.startswith("~"):  # pip's leftovers
                yield Distribution(normalised(stem), version, folder)


def installed_distributions(search_path: Sequence[str] | None = None) -> Mapping[str, Distribution]:
    """Return the distributions that imports see, by normalised name: the first along ``search_path``."""
    found: dict[str, Distribution] = {}
    for distribution in all_distributions(search_path):
        found.setdefault(distribution.name, distribution)
    return found


def entry_points(distribution: Distribution, group: str) -> Sequence[EntryPoint]:
    """Return the entry points of one group; extras behind a target are left out.

    Raises:
        OSError: The file is there, but cannot be read.
        UnicodeDecodeError: It is not UTF-8.
    """
    found: list[EntryPoint] = []
    section = ""
    for line in _lines(distribution, "entry_points.txt"):
        text = line.strip()
        if text.startswith("["):
            section = text.strip("[] ")
        elif section == group and "=" in text and text[0] not in "#;":
            name, _, target = text.partition("=")
            found.append(EntryPoint(name.strip(), target.partition("[")[0].strip()))
    return found


def required_distributions(roots: Sequence[str], installed: Mapping[str, Distribution]) -> Mapping[str, str]:
    """Return the versions of ``roots`` and of all that they require, transitively, as far as it is installed.

    An extra counts where something requires it; other environment markers are not evaluated: what is installed counts.
    """
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(root, "") for root in roots]
    while todo:
        name, extra = todo.pop()
        if name not in installed or (name, extra) in seen:
            continue
        seen.add((name, extra))
        versions[name] = installed[name].version
        for needed in _requirements(installed[name]):
            if (extra in needed.only_for) if needed.only_for else not extra:
                todo.extend((needed.name, wanted) for wanted in ("", *needed.extras))
    return versions


def packages_of(distribution: Distribution) -> frozenset[str]:
    """Return the import packages and modules that a distribution installs: ``hello_world_demo``, ``oneml.habitats``.

    An installed wheel lists its files. An editable one names the folder of its sources: all packages there count,
    unless that folder is the root of the project, where tests and scripts lie beside the package; then only what the
    distribution declares as its top level. Where a hook maps packages to their folders, those that it maps count.
    """
    declared = {line.strip() for line in _lines(distribution, "top_level.txt")} - {""}
    if declared:
        return frozenset(declared)
    files = [line.partition(",")[0].strip('"') for line in _lines(distribution, "RECORD")]
    hooks = [file for file in files if file.startswith(_HOOKS) and file.endswith(".py")]
    packages = set(_packages_among([file for file in files if file not in hooks]))
    site = Path(distribution.folder).parent
    for hook in hooks:
        packages.update(_MAPPED.findall((site / hook).read_text(encoding="utf-8")))
    for file in files:
        if "/" not in file and file.endswith(".pth"):
            packages |= _packages_beside(site / file)
    return frozenset(packages)


def _lines(distribution: Distribution, file: str) -> list[str]:
    try:
        return Path(distribution.folder, file).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


@lru_cache(maxsize=4096)
def _requirements(distribution: Distribution) -> tuple[Requirement, ...]:
    found: list[Requirement] = []
    for line in _lines(distribution, "METADATA"):
        if not line.strip():
            break
        key, _, value = line.partition(":")
        match = _REQUIREMENT.match(value) if key.lower() == "requires-dist" else None
        if match is not None:
            name, extras, marker = match.groups(default="")
            only_for = _EXTRA.findall(marker) + _EXTRA_REVERSED.findall(marker)
            found.append(Requirement(normalised(name), _extras(extras.split(",")), _extras(only_for)))
    return tuple(found)


def _extras(names: Sequence[str]) -> frozenset[str]:
    return frozenset(normalised(name.strip()) for name in names if name.strip())


def _packages_among(files: Sequence[str]) -> Iterator[str]:
    """Give the topmost package with an ``__init__.py``, the topmost folder where none has one, or the lone module."""
    sources = [file for file in files if file.endswith(".py") and not file.startswith((".", "/"))]
    regular = {file.rpartition("/")[0] for file in sources if file.endswith("/__init__.py")}
    for file in sources:
        segments = file.split("/")[:-1]
        if not segments:
            yield file.removesuffix(".py")
            continue
        uppers = ["/".join(segments[: depth + 1]) for depth in range(len(segments))]
        yield next((upper for upper in uppers if upper in regular), uppers[0]).replace("/", ".")


def _packages_beside(path_file: Path) -> set[str]:
    lines = (line.strip() for line in path_file.read_text(encoding="utf-8").splitlines())
    packages: set[str] = set()
    for folder in [
        path_file.parent / line for line in lines if line and not line.startswith(("import ", "import\t", "#"))
    ]:
        if folder.is_dir() and not any((folder / mark).exists() for mark in ("pyproject.toml", "setup.py")):
            packages.update(_packages_among(list(python_files(folder))))
    return packages
