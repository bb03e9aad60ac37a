"""What a module imports, as far as its syntax tree tells: an over-estimate, for nothing is run."""

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from oneml.habitats.habitats.syntax_tree import parsed_source

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+(?::[\w.]*)?|[^\W\d]\w*:[^\W\d][\w.]*")
_RUNS_TEXT = frozenset({"exec", "eval"})
_IMPORTS_NAME = frozenset({"import_module", "__import__", "run_module", "resolve_name", "pydoc.locate"})
_FINDS_CODE = frozenset(
    {
        "run_path",
        "iter_modules",
        "walk_packages",
        "iter_entry_points",
        "load_entry_point",
        "spec_from_file_location",
        "spec_from_loader",
        "SourceFileLoader",
        "addsitedir",
    }
)
_FINDS_WHEN_CALLED = frozenset({"entry_points", "exec_module", "load_module"})
_SEARCHES = frozenset({"path", "meta_path", "path_hooks"})
_FROM = {"sys": _SEARCHES, "pydoc": frozenset({"locate"})}
"""Names too common to tell anything but where they are taken from their module."""

_THIS_PACKAGE = frozenset({"__package__", "__name__"})


class Imported(NamedTuple):
    """An import statement: ``from ..module import names``.

    Attributes:
        level: Number of leading dots.
        module: What stands after them; may be empty.
        names: What is taken from it, ``*`` too; empty for ``import module``.
    """

    level: int
    module: str
    names: tuple[str, ...] = ()


class ModuleImports(NamedTuple):
    """All that a module may import.

    Attributes:
        imported: Its import statements, and calls that name a module by a constant text.
        texts: Constant texts that look like import paths: ``package.module:Name``.
        dynamic: Whether it finds code in ways that do not show which.
    """

    imported: tuple[Imported, ...]
    texts: tuple[str, ...]
    dynamic: bool


def imports_of(tree: ast.AST) -> ModuleImports:
    """Return what the module of this tree may import, wherever in it."""
    found = _Found()
    for node in ast.walk(tree):
        look = _LOOKS.get(type(node))
        if look is not None:
            look(found, node)
    return ModuleImports(tuple(sorted(found.imported)), tuple(sorted(found.texts)), found.dynamic)


class _Found:
    def __init__(self) -> None:
        self.imported: set[Imported] = set()
        self.texts: set[str] = set()
        self.dynamic = False
        self.calls: set[int] = set()

    def statement(self, node: ast.Import) -> None:
        self.imported.update(Imported(0, alias.name) for alias in node.names)

    def from_statement(self, node: ast.ImportFrom) -> None:
        names = tuple(alias.name for alias in node.names)
        self.imported.add(Imported(node.level, node.module or "", names))
        self.dynamic |= any(alias.asname and _loads(alias.name) for alias in node.names)
        self.dynamic |= not node.level and not _FROM.get(node.module or "", frozenset()).isdisjoint(names)

    def constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _DOTTED.fullmatch(node.value):
            self.texts.add(node.value)

    def call(self, node: ast.Call) -> None:
        name = _name(node.func)
        if not (_loads(name) or name in _FINDS_WHEN_CALLED):
            return
        self.calls.add(id(node.func))  # The walk comes to the function after its call.
        known = _known_call(name, node)
        if known is None:
            self.dynamic = True
        else:
            self.imported.update(known.imported)
            self.texts.update(known.texts)
            self.dynamic |= known.dynamic

    def use(self, node: ast.Name | ast.Attribute) -> None:
        if (_loads(_name(node)) and id(node) not in self.calls) or _is_search_path(node):
            self.dynamic = True


_LOOKS: Mapping[type[ast.AST], Callable[[_Found, Any], None]] = {
    ast.Import: _Found.statement,
    ast.ImportFrom: _Found.from_statement,
    ast.Constant: _Found.constant,
    ast.Call: _Found.call,
    ast.Name: _Found.use,
    ast.Attribute: _Found.use,
}


def _is_search_path(node: ast.Name | ast.Attribute) -> bool:
    """Tell whether this is ``__path__`` or ``sys.path``: who looks at them may look for code elsewhere."""
    if isinstance(node, ast.Name):
        return node.id == "__path__"
    of_sys = isinstance(node.value, ast.Name) and node.value.id == "sys"
    return node.attr == "__path__" or (of_sys and node.attr in _SEARCHES)


def _loads(name: str) -> bool:
    return name in _RUNS_TEXT or name in _IMPORTS_NAME or name in _FINDS_CODE


def _name(node: ast.expr) -> str:
    """Return by which name a function is called; methods named ``eval`` evaluate no Python, many locate no module."""
    if isinstance(node, ast.Name):
        return node.id
    if not isinstance(node, ast.Attribute):
        return ""
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    if owner == "pydoc":
        return f"pydoc.{node.attr}"
    return node.attr if node.attr not in _RUNS_TEXT or owner in {"builtins", "__builtins__"} else ""


def _known_call(name: str, call: ast.Call) -> ModuleImports | None:
    """Return what a call imports whose first argument is a constant text; None where that cannot be seen."""
    first = call.args[0] if call.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return None
    text = first.value
    if name in _RUNS_TEXT:
        tree = parsed_source(text.encode("utf-8", "replace"))
        return None if tree is None else imports_of(tree)
    if name not in _IMPORTS_NAME:
        return None
    if name == "__import__" and (len(call.args) > 1 or call.keywords):
        return None  # it may import more modules, or from where it stands
    module = text.lstrip(".")
    level = len(text) - len(module)
    if level and not (len(call.args) > 1 and isinstance(call.args[1], ast.Name) and call.args[1].id in _THIS_PACKAGE):
        return None
    names = ("__main__",) if name == "run_module" else ()
    return ModuleImports((Imported(level, module.partition(":")[0], names),), (text,), dynamic=False)
