"""Files that count and that code of an open session may read yet: one that changes is no longer what was proven."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.source_files import ModuleFinder

_Stamp: TypeAlias = tuple[int, int, int, int] | None


class UnreadFiles:
    """What is looked at before each node of a session that a process keeps open.

    Modules that are imported are what they were, whatever becomes of their files. Those that are not, package data, and
    folders where absent modules may appear, cost one call of the system each.

    Args:
        found: The code here, as it was held against the recipe.
    """

    def __init__(self, found: CodeIdentity) -> None:
        self._modules = {name: file for name, file in found.places.items() if name not in sys.modules}
        watched = (*self._modules.values(), *_data_of(found.package_data), *_folders_of(found.absent))
        self._stamps = {path: _stamp(path) for path in watched}

    def have_changed(self) -> bool:
        """Tell whether any file or folder is not what it was; modules that were imported by now count no more."""
        if any(_stamp(path) != stamp for path, stamp in self._stamps.items()):
            return True
        for name in self.imported():
            self._stamps.pop(self._modules.pop(name), None)
        return False

    def imported(self) -> frozenset[str]:
        """Return the modules that were imported since files were last what they were."""
        return frozenset(self._modules.keys() & sys.modules.keys())


def _stamp(path: str) -> _Stamp:
    try:
        status = os.stat(path)  # noqa: PTH116  # a path object costs as much again
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _data_of(patterns: tuple[str, ...]) -> Iterable[str]:
    if not patterns:
        return ()
    from oneml.habitats.habitats.package_data import data_places  # noqa: PLC0415  # rarely there

    return data_places(patterns)


def _folders_of(absent: Iterable[str]) -> Iterator[str]:
    """Give the folders in which modules would lie that have no file."""
    finder = ModuleFinder()
    for parent in {name.rpartition(".")[0] for name in absent}:
        spec = finder.spec(parent) if parent else None
        yield from (spec.submodule_search_locations or ()) if spec is not None else ()
