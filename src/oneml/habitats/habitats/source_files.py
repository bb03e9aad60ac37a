"""The source files of import packages: found without importing them, and hashed."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import NamedTuple

from oneml.habitats.habitats.distributions import python_files

OWN_PACKAGE = "oneml.habitats"
"""It counts by its version, never by its files."""


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


def first_party_package(module_name: str) -> str:
    """Return the package that counts as first party with ``module_name``.

    It is the topmost package with an ``__init__`` around the module (``oneml`` and its like belong to many), else the
    topmost name.
    """
    parts = module_name.split(".")
    for depth in range(1, len(parts)):
        upper = ".".join(parts[:depth])
        spec = _spec(upper)
        if spec is not None and spec.origin is not None:
            return upper
    return parts[0]


def find_sources(name: str) -> PackageSources | None:
    """Find the sources of a package or module without importing it; None where there are no files.

    Args:
        name: Its import name; what lies above it is not imported either.
    """
    spec = _spec(name)
    if spec is None:
        return None
    if spec.submodule_search_locations is not None:
        folders = tuple(Path(folder) for folder in spec.submodule_search_locations if Path(folder).is_dir())
        return PackageSources(name, folders, None) if folders else None
    file = Path(spec.origin) if spec.has_location and spec.origin is not None else None
    return PackageSources(name, (), file) if file is not None and file.suffix == ".py" and file.is_file() else None


def hashed_files(sources: PackageSources) -> Mapping[str, str]:
    """Return SHA-256 of the raw bytes of every ``.py`` file, by POSIX path from where imports start.

    Raises:
        OSError: A file or folder cannot be read.
    """
    prefix = sources.name.replace(".", "/")
    if sources.file is not None:
        return {f"{prefix}.py": _sha256(sources.file)}
    own = OWN_PACKAGE.replace(".", "/") + "/"
    found: dict[str, str] = {}
    for folder in sources.folders:
        for relative, file in python_files(folder):
            name = f"{prefix}/{relative}"
            if name not in found and not name.startswith(own):
                found[name] = _sha256(file)
    return found


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _spec(name: str) -> ModuleSpec | None:
    """Find a spec as an import would, but import nothing, not even what lies above."""
    locations: Sequence[str] | None = None
    spec: ModuleSpec | None = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        upper = ".".join(parts[:depth])
        loaded = sys.modules.get(upper)
        spec = _found(upper, locations) if loaded is None or upper == "__main__" else loaded.__spec__
        if spec is None:
            return None
        locations = spec.submodule_search_locations
        if locations is None and depth < len(parts):
            return None
    return spec


def _found(name: str, locations: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, locations)
        if spec is not None:
            return spec
    return None
