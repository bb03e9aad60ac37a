"""The code of one module, and which others it reaches."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

EVERYTHING = "*"
"""Among the imports of a module: it finds code in ways that do not show which, so that all counts."""


class ModuleCode(NamedTuple):
    """A module by its content.

    Attributes:
        name: Its import name.
        path: POSIX path as imports see it: ``package/module.py``.
        raw: SHA-256 of the bytes of its file.
        tree: SHA-256 of the normal form of its syntax tree; ``raw:`` and ``raw`` where it is not parsed.
        imports: First-party modules that it imports, those above it too, and `EVERYTHING`; some may have no file.
    """

    name: str
    path: str
    raw: str
    tree: str
    imports: tuple[str, ...]


def reached(modules: Mapping[str, ModuleCode], roots: Collection[str]) -> frozenset[str]:
    """Return the names that imports reach from ``roots``: of modules among ``modules``, and of what has no file."""
    found: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        code = modules.get(name)
        if code is not None:
            todo.extend(modules if EVERYTHING in code.imports else ())
            todo.extend(each for each in code.imports if each not in found)
    return frozenset(found - {EVERYTHING})
