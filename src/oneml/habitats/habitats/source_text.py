"""The source of statements as one line, without what sounds like a secret."""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

_SECRET_NAME = re.compile(r"token|passw|pwd|secret|key|credential", re.IGNORECASE)
_SECRET_TYPES = frozenset({"SecretStr", "SecretBytes", "Secret"})
_INNER = frozenset({"body", "handlers", "cases", "orelse", "finalbody", "decorator_list"})
_MASKED = b"'***'"


class SourceText:
    """Cuts statements out of a file.

    Args:
        text: Its text.
    """

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "surrogatepass")
        self._starts = [0]
        self._starts.extend(match.end() for match in re.finditer(b"\n", self._data))

    def of(self, node: ast.expr) -> str:
        """Return the source of an expression."""
        return self._cut(*self._span(node), list(ast.walk(node)))

    def head(self, node: ast.AST) -> str:
        """Return the source of a statement, up to the colon where others are inside it."""
        parts = list(_head_nodes(node))
        spans = [self._span(part) for part in parts if hasattr(part, "end_lineno")]
        if isinstance(node, ast.stmt | ast.excepthandler):
            first, last = self._span(node)
            prefix = ""
        else:
            first, last = min(spans)[0], 0
            prefix = "case "
        if any(getattr(node, field, None) for field in ("body", "cases")):
            end = max([first, *(span[1] for span in spans)])
            colon = self._data.find(b":", end)
            last = end if colon < 0 else colon + 1
        return prefix + self._cut(first, last, [node, *parts])

    def _span(self, node: Any) -> tuple[int, int]:
        begins: tuple[int, int] = (node.lineno, node.col_offset)
        ends: tuple[int, int] = (node.end_lineno, node.end_col_offset)
        return self._starts[begins[0] - 1] + begins[1], self._starts[ends[0] - 1] + ends[1]

    def _cut(self, start: int, end: int, parts: Sequence[ast.AST]) -> str:
        secrets = {self._span(text) for part in parts for value in _secrets(part) for text in _texts(value)}
        pieces: list[bytes] = []
        at = start
        for first, last in sorted(secrets):
            if at <= first and last <= end:
                pieces += [self._data[at:first], _MASKED]
                at = last
        pieces.append(self._data[at:end])
        return " ".join(b"".join(pieces).decode("utf-8", "replace").split())


def _head_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Give all nodes of a statement but those of decorators and of statements inside it."""
    for field, value in ast.iter_fields(node):
        if field not in _INNER:
            parts = cast("list[object]", value) if isinstance(value, list) else [value]
            for part in parts:
                if isinstance(part, ast.AST):
                    yield from ast.walk(part)


def _secrets(node: ast.AST) -> Iterator[ast.expr | None]:
    """Give the values that a node gives to something that sounds like a secret."""
    match node:
        case ast.Call(func=function, args=arguments, keywords=keywords) if _name(function) in _SECRET_TYPES:
            yield from arguments
            yield from (keyword.value for keyword in keywords)
        case ast.keyword(arg=str(name), value=value) if _sounds_secret(name):
            yield value
        case ast.Assign(targets=targets, value=value) if any(_is_secret(target) for target in targets):
            yield value
        case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value) if _is_secret(
            target
        ):
            yield value
        case ast.NamedExpr(target=target, value=value) if _is_secret(target):
            yield value
        case ast.Compare(left=left, comparators=others) if any(_is_secret(side) for side in (left, *others)):
            yield from (left, *others)
        case ast.Dict(keys=keys, values=values):
            yield from (value for key, value in zip(keys, values, strict=True) if key is not None and _is_secret(key))
        case ast.arguments():
            positional = [*node.posonlyargs, *node.args]
            positional = positional[len(positional) - len(node.defaults) :]
            names = [argument.arg for argument in (*positional, *node.kwonlyargs)]
            defaults = [*node.defaults, *node.kw_defaults]
            yield from (default for name, default in zip(names, defaults, strict=False) if _sounds_secret(name))
        case _:
            pass


def _is_secret(node: ast.expr) -> bool:
    """Tell whether something sounds like a secret: by its name, or by the constant key that leads to it."""
    if isinstance(node, ast.Subscript):
        return _is_secret(node.slice) or _is_secret(node.value)
    if isinstance(node, ast.Tuple | ast.List):
        return any(_is_secret(element) for element in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and _sounds_secret(node.value)
    return _sounds_secret(_name(node))


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return (
        node.attr if isinstance(node, ast.Attribute) else _name(node.value) if isinstance(node, ast.Subscript) else ""
    )


def _sounds_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _texts(value: ast.expr | None) -> Iterator[ast.expr]:
    """Give the texts in a value, f-strings whole."""
    todo: list[ast.AST] = [] if value is None else [value]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
            yield node
        else:
            todo.extend(ast.iter_child_nodes(node))
