"""The syntax tree of a source file in one normal form: the same on every Python from 3.11, and free of looks.

Left out are positions, comments, type comments, docstrings and all other bare strings that stand as statements. The
module needs nothing but the standard library, so that any interpreter can run it alone.
"""

import ast
import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

_NO_MEANING = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_STATEMENTS = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})


def parsed_source(source: bytes | str) -> ast.Module | None:
    """Parse a file as its bytes lie on the disk; None where this interpreter cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The import tells of odd escapes, once.
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def tree_digest(tree: ast.AST) -> str:
    """Return SHA-256 of the normal form of a tree."""
    return _sha256(_tokens(tree))


def header_digest(node: ast.AST) -> str:
    """Return SHA-256 of the normal form of a statement, without the statements inside it."""
    return _sha256(_tokens(node, bodies=False))


def is_bare_string(node: object) -> bool:
    """Tell whether a statement is a docstring or the like of it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _sha256(tokens: Sequence[str]) -> str:
    return hashlib.sha256("".join(tokens).encode("utf-8", "surrogatepass")).hexdigest()


def _tokens(root: ast.AST, *, bodies: bool = True) -> Sequence[str]:
    """Return the normal form in pieces; what waits for its turn is on a stack, so that deep trees do no harm."""
    tokens: list[str] = []
    todo: list[str | ast.AST] = [root]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            tokens.append(item)
        elif isinstance(item, ast.Name):
            tokens.append(f"(Name id={_constant(item.id)})")
        elif isinstance(item, ast.Constant):
            tokens.append(_constant(item.value))
        else:
            tokens.append(f"({type(item).__name__}")
            todo.append(")")
            if isinstance(item, ast.JoinedStr):
                _push(todo, "values", _text_pieces(item.values))
                continue
            skipped = frozenset[str]() if bodies or item is not root else _STATEMENTS
            for field in _fields(type(item)):
                value: object = getattr(item, field, None)
                if value is not None and field not in skipped:
                    _push(todo, field, value)
    return tokens


def _fields(form: type[ast.AST]) -> tuple[str, ...]:
    known = _known_fields.get(form)
    if known is None:
        # Newer Pythons add fields: their order must not matter.
        known = tuple(sorted((name for name in form._fields if name not in _NO_MEANING), reverse=True))
        _known_fields[form] = known
    return known


_known_fields: dict[type[ast.AST], tuple[str, ...]] = {}


def _push(todo: list[str | ast.AST], field: str, value: object) -> None:
    """Put a field on the stack, last piece first; what is empty is as good as absent."""
    if isinstance(value, list):
        items = _items(cast("list[object]", value))
        if items:
            todo.append("]")
            todo.extend(reversed(items))
            todo.append(f" {field}[")
    elif isinstance(value, ast.AST):
        if not (field == "format_spec" and isinstance(value, ast.JoinedStr) and not _text_pieces(value.values)):
            todo.append(value)
            todo.append(f" {field}=")
    elif value is not None:
        todo.append(f" {field}={_constant(value)}")


def _items(values: Sequence[object]) -> list[str | ast.AST]:
    return [_item(value) for value in values if not is_bare_string(value)]


def _item(value: object) -> str | ast.AST:
    """Return a member of a list; one that is not there is no ``None``: ``{**x}`` has no key, ``f(*, x)`` no default."""
    if value is None:
        return "-"
    return value if isinstance(value, ast.AST) else _constant(value)


def _text_pieces(values: Sequence[ast.expr]) -> list[ast.expr]:
    """Return the pieces of an f-string with neighbouring texts joined: Pythons cut them differently."""
    pieces: list[ast.expr] = []
    for value in values:
        last = pieces[-1] if pieces else None
        text = _text(value)
        if text is None:
            pieces.append(value)
        elif last is not None and (before := _text(last)) is not None:
            pieces[-1] = ast.Constant(before + text)
        elif text:
            pieces.append(value)
    return pieces


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _constant(value: object) -> str:
    """Return a constant with its type: True, 1 and 1.0 are three."""
    return _CONSTANTS[type(value)](value)


_CONSTANTS: Mapping[type, Callable[[Any], str]] = {
    str: lambda value: f"s{len(value)}:{value}",
    int: lambda value: f"i{value:x};",  # of any length, unlike decimal digits
    float: lambda value: f"f{value.hex()};",
    complex: lambda value: f"c{value.real.hex()},{value.imag.hex()};",
    bytes: lambda value: f"b{value.hex()};",
    bool: lambda value: f"<{value}>",
    type(None): lambda value: f"<{value}>",
    type(...): lambda _: "<...>",
}
