"""Where the code gives the default of a setting: file and line of the field in the body of its class."""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import cast

from pydantic import BaseModel

from oneml.habitats.settings.references import field_default
from oneml.habitats.settings.shapes import SettingName, dotted, settings_of


def default_places(model: type[BaseModel], names: Iterable[SettingName]) -> Mapping[str, str]:
    """Return ``file:line`` of the default of each setting, by dotted name; empty where no source is found."""
    return {dotted(name): default_place(model, name) for name in names}


@lru_cache(maxsize=4096)
def default_place(model: type[BaseModel], name: SettingName) -> str:
    """Return ``file:line`` of the field that gives the default of a setting.

    In ``train: Train = Train(iterations=5)`` that is this very line for ``train.iterations``, and the field in
    ``Train`` for everything else.
    """
    owner = model
    for index, segment in enumerate(name[:-1]):
        below = settings_of(owner)[segment].model
        if below is None or _gives(field_default(owner, segment), name[index + 1 :]):
            return _place(owner, segment)
        owner = below
    return _place(owner, name[-1])


def _gives(default: object, name: SettingName) -> bool:
    """Tell whether a default was made with a value for ``name``, rather than with what its class gives."""
    for segment in name:
        if not isinstance(default, BaseModel) or segment not in default.model_fields_set:
            return False
        default = cast("object", getattr(default, segment))
    return True


def _place(owner: type[BaseModel], name: str) -> str:
    for kind in owner.__mro__:
        fields = cast("Mapping[str, object] | None", getattr(kind, "model_fields", None))
        if fields is not None and name not in fields:
            continue
        file = _file_of(kind)
        line = _lines(file).get(kind.__qualname__, {}).get(name) if file else None
        if line is not None:
            return f"{file}:{line}"
    return ""


@lru_cache(maxsize=1024)
def _file_of(kind: type) -> str:
    try:
        return inspect.getsourcefile(kind) or ""
    except (TypeError, OSError):
        return ""


@lru_cache(maxsize=256)
def _lines(file: str) -> Mapping[str, Mapping[str, int]]:
    """Return the line of every annotated or assigned name in the body of every class of a file, by qualified name."""
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
            found[name] = {target: inner.lineno for inner in _statements(statement) for target in _targets(inner)}
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
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id
    elif isinstance(statement, ast.Assign):
        yield from (target.id for target in statement.targets if isinstance(target, ast.Name))
