"""The source files of import packages: found without importing them, and hashed."""

import hashlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ModuleSpec
from pathlib import Path
from typing import NamedTuple

from oneml.habitats.habitats.file_trees import python_files

OWN_PACKAGE = "oneml.habitats"
"""It counts by its version, never by its files."""


MODULE_SUFFIXES = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES)
"""Of files that imports load, the longest first among those that end alike."""


class PackageSources(NamedTuple):
    """Where the sources of a package or a lone module lie.

    Attributes:
        name: Its import name.
        folders: Of a package: its folder, or each portion of a namespace package.
        file: Of a lone module.
    """

    name: str
    folders: tuple[Path, ...]
    file: Path | None


def first_party_package(module_name: str, finder: "ModuleFinder") -> str:
    """Return the package that counts as first party with ``module_name``.

    It is the topmost package with an ``__init__`` around the module (``oneml`` and its like belong to many), else the
    topmost name.
    """
    parts = module_name.split(".")
    for depth in range(1, len(parts)):
        upper = ".".join(parts[:depth])
        spec = finder.spec(upper)
        if spec is not None and spec.origin is not None:
            return upper
    return parts[0]


class ModuleFile(NamedTuple):
    """The file of a module.

    Attributes:
        name: Its import name.
        path: POSIX path as imports see it: ``package/module.py``, wherever the package lies.
        file: Where it lies.
        is_package: Whether it is the ``__init__`` of a package.
    """

    name: str
    path: str
    file: str
    is_package: bool


class ModuleFinder:
    """Finds modules as imports would, but imports nothing, not even what lies above; asks for each name once."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}

    def module(self, name: str) -> ModuleFile | None:
        """Find the file of a module or package; None where there is none, as for a namespace package."""
        spec = self.spec(name)
        if spec is None or not spec.has_location or spec.origin is None:
            return None
        is_package = spec.submodule_search_locations is not None
        folder, _, last = name.replace(".", "/").rpartition("/")
        stem = "__init__" if is_package else last
        if is_package:
            folder = f"{folder}/{last}" if folder else last
        base = os.path.basename(spec.origin)  # noqa: PTH119  # a path object costs ten times as much
        base = stem + (base[len(stem) :] if base.startswith(f"{stem}.") else os.path.splitext(base)[1])  # noqa: PTH122
        return ModuleFile(name, f"{folder}/{base}" if folder else base, spec.origin, is_package)

    def sources(self, name: str) -> PackageSources | None:
        """Find the files of a package or of a lone module; None where there are no files."""
        spec = self.spec(name)
        if spec is None:
            return None
        if spec.submodule_search_locations is not None:
            folders = tuple(Path(folder) for folder in spec.submodule_search_locations if Path(folder).is_dir())
            return PackageSources(name, folders, None) if folders else None
        file = Path(spec.origin) if spec.has_location and spec.origin is not None else None
        fits = file is not None and file.name.endswith(MODULE_SUFFIXES) and file.is_file()
        return PackageSources(name, (), file) if fits else None

    def modules_of(self, package: str) -> Sequence[str]:
        """Return the names of all modules of a package, or of the lone module, sorted.

        Raises:
            OSError: A folder cannot be read.
        """
        sources = self.sources(package)
        if sources is None:
            return ()
        if sources.file is not None:
            return (package,)
        names: set[str] = set()
        for folder in sources.folders:
            for relative in python_files(folder, MODULE_SUFFIXES):
                stem = next(relative.removesuffix(suffix) for suffix in MODULE_SUFFIXES if relative.endswith(suffix))
                inner = stem.removesuffix("__init__").rstrip("/").replace("/", ".")
                names.add(f"{package}.{inner}" if inner else package)
        return sorted(name for name in names if not is_own(name))

    def spec(self, name: str) -> ModuleSpec | None:
        """Find what an import of ``name`` would load; where it is imported, what it was loaded from."""
        if name not in self._specs:
            self._specs[name] = self._find(name)
        return self._specs[name]

    def _find(self, name: str) -> ModuleSpec | None:
        parent, _, last = name.rpartition(".")
        above = self.spec(parent) if parent else None
        locations = None if above is None else _locations(above)
        loaded = None if name == "__main__" else sys.modules.get(name)
        if loaded is not None:
            spec = getattr(loaded, "__spec__", None)
            # Code may change where a package finds its modules; a process that has not run it yet looks where they lie.
            if locations is None or spec is None or _lies_in(spec, locations):
                return spec
        if not parent:
            return _found(name, None)
        if locations is None:
            return None
        try:
            return _found(name, locations)
        except KeyError:  # importlib looks for the parent of a namespace package among what is imported.
            return _namespace(name, [f"{location}/{last}" for location in locations])


def _locations(package: ModuleSpec) -> list[str] | None:
    """Return where the modules of a package lie; None where it is no package."""
    if package.submodule_search_locations is None:
        return None
    if package.has_location and package.origin is not None:
        return [os.path.dirname(package.origin)]  # noqa: PTH120  # a path object costs ten times as much
    return list(package.submodule_search_locations)


def _lies_in(spec: ModuleSpec, locations: Sequence[str]) -> bool:
    if not spec.has_location or spec.origin is None:
        return True
    folder = os.path.dirname(spec.origin)  # noqa: PTH120  # a path object costs ten times as much
    if spec.submodule_search_locations is not None:
        folder = os.path.dirname(folder)  # noqa: PTH120  # as above
    return folder in locations


def is_own(name: str) -> bool:
    """Tell whether a module belongs to this very package."""
    return name == OWN_PACKAGE or name.startswith(f"{OWN_PACKAGE}.")


def sha256_of(file: str) -> tuple[str, bytes]:
    """Return SHA-256 of a file, and its bytes.

    Raises:
        OSError: It cannot be read.
    """
    with open(file, "rb") as stream:  # noqa: PTH123  # a path object costs as much as the reading
        data = stream.read()
    return hashlib.sha256(data).hexdigest(), data


def _namespace(name: str, folders: Sequence[str]) -> ModuleSpec | None:
    there = [folder for folder in folders if Path(folder).is_dir()]
    if not there:
        return None
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = there
    return spec


def _found(name: str, locations: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, locations)
        if spec is not None:
            return spec
    return None
