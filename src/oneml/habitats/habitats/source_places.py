"""Where a provider is assigned in the body of its class, found from the source only when a problem is told."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from oneml.habitats.values.place import Place


class SourcePlaces:
    """Finds assignments in the bodies of classes; each file is parsed once.

    Args:
        container: The class whose providers are asked for.
    """

    def __init__(self, container: type) -> None:
        self._container = container
        self._parsed: dict[str, ast.Module | None] = {}
        self._lines: dict[type, tuple[str, dict[str, int]] | None] = {}

    def of(self, name: str) -> Place | None:
        """Return where the provider is assigned; None where its source cannot be had.

        Args:
            name: Dotted name; of one inside another, the outer one is found.
        """
        attribute = name.partition("[")[0].partition(".")[0]
        for owner in self._container.__mro__:
            if attribute in vars(owner) and (place := self._assigned(owner, attribute)) is not None:
                return place
        return None

    def of_class(self) -> Place | None:
        """Return where the class is declared."""
        found = self._body(self._container)
        return None if found is None else Place(found[0], found[1].lineno)

    def _assigned(self, owner: type, attribute: str) -> Place | None:
        if owner not in self._lines:
            self._lines[owner] = self._assignments(owner)
        found = self._lines[owner]
        return None if found is None or attribute not in found[1] else Place(found[0], found[1][attribute])

    def _assignments(self, owner: type) -> tuple[str, dict[str, int]] | None:
        """Return the file of a class, and the line of the last assignment to each name in its body."""
        found = self._body(owner)
        if found is None:
            return None
        file, body = found
        return file, {name: statement.lineno for statement in _statements(body) for name in _targets(statement)}

    def _body(self, owner: type) -> tuple[str, ast.ClassDef] | None:
        try:
            file = inspect.getsourcefile(owner)
        except TypeError:
            return None
        if file is None:
            return None
        if file not in self._parsed:
            self._parsed[file] = _parsed(file)
        scope: ast.AST | None = self._parsed[file]
        for part in owner.__qualname__.split("."):
            if part == "<locals>":
                continue
            scope = next((node for node in _definitions(scope) if node.name == part), None)
        return (file, scope) if isinstance(scope, ast.ClassDef) else None


def _parsed(file: str) -> ast.Module | None:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _definitions(scope: ast.AST | None) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for statement in () if scope is None else _statements(scope):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement


def _statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """Give the statements of a scope, those inside conditions and the like too, but not those of scopes inside."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
            yield from _statements(child)


def _targets(statement: ast.stmt) -> frozenset[str]:
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return frozenset()
    named = (node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
    return frozenset(node.id for node in named)
