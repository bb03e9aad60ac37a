"""How often each name is bound in the scope of a module or a class."""

import ast
from collections import Counter
from collections.abc import Iterator

_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def bindings_of(scope: ast.Module | ast.ClassDef) -> Counter[str]:
    """Count the statements that bind or delete each name, under conditions and in loops too."""
    return Counter(name for node in _nodes(scope) for name in _names(node))


def declared_global(tree: ast.Module) -> frozenset[str]:
    """Return the names that functions or classes may bind in the module."""
    return frozenset(name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)


def star_import_line(scope: ast.Module | ast.ClassDef) -> int:
    """Return the line of the last ``from module import *``, which may bind any name anew; 0 where there is none."""
    lines = [
        node.lineno
        for node in _nodes(scope)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    return max(lines, default=0)


def _nodes(scope: ast.Module | ast.ClassDef) -> Iterator[ast.AST]:
    """Give the nodes of a scope, without those in the scopes of functions and classes inside it."""
    todo: list[ast.AST] = list(scope.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _OWN_SCOPE):
            todo.extend(ast.iter_child_nodes(node))


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case _:
            pass
