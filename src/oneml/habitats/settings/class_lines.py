"""Where names are assigned in the bodies of classes: file and line, from the source alone."""

import ast
import inspect
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from oneml.habitats.values.place import Place

_CLASS = "class"
"""Stands for the statement itself, as no name can."""


def assigned_at(owner: type, name: str) -> Place | None:
    """Return where the body of a class last assigns, annotates or defines a name; None without its source."""
    file = _file_of(owner)
    try:
        changed = os.stat(file).st_mtime_ns  # noqa: PTH116  # a path object costs as much again
    except OSError:
        return None
    line = _lines(file, changed).get(owner.__qualname__, {}).get(name)
    return None if line is None else Place(file, line)


def declared_at(owner: type) -> Place | None:
    """Return where a class statement begins; None where its source cannot be had."""
    return assigned_at(owner, _CLASS)


@lru_cache(maxsize=1024)
def _file_of(owner: type) -> str:
    try:
        return inspect.getsourcefile(owner) or ""
    except (TypeError, OSError):
        return ""


@lru_cache(maxsize=256)
def _lines(file: str, _changed: int) -> Mapping[str, Mapping[str, int]]:
    """Return the line of every name that is defined in the body of every class of a file, by qualified name."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[str, dict[str, int]] = {}
    _index(tree, "", found)
    return found


def _index(scope: ast.AST, above: str, found: dict[str, dict[str, int]]) -> None:
    for statement in _statements(scope):
        if isinstance(statement, ast.ClassDef):
            name = f"{above}{statement.name}"
            lines = {target: inner.lineno for inner in _statements(statement) for target in _targets(inner)}
            found[name] = {_CLASS: statement.lineno, **lines}
            _index(statement, f"{name}.", found)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            _index(statement, f"{above}{statement.name}.<locals>.", found)


def _statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """Give the statements of a scope, those inside conditions and the like too, but not those of scopes inside."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
            yield from _statements(child)


def _targets(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name
        return
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return
    for target in targets:
        yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name) and type(node.ctx) is ast.Store)
