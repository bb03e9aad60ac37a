"""An outline of the code of an identity, statement by statement: recorded to tell later what changed, and where."""

import ast
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from importlib.util import decode_source
from typing import NamedTuple

from oneml.habitats.habitats.by_content import ByContent
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.code_parsing import forget_trees, parsed_file
from oneml.habitats.habitats.source_files import sha256_of
from oneml.habitats.habitats.source_text import SourceText
from oneml.habitats.habitats.syntax_tree import header_digest, is_bare_string
from oneml.habitats.values.json_value import JsonObject, JsonValue

TEXT_MAX = 160

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BODIES = ("body", "handlers", "cases", "orelse", "finalbody")


class OutlineRow(NamedTuple):
    """A statement, without those inside it; of a function or class, a part of its head.

    Attributes:
        qualname: Of the definition that it belongs to; empty for the module itself.
        line: Where it begins.
        digest: Begin of the SHA-256 of its normal form.
        text: Begin of its source, whitespace collapsed.
        kind: ``decorator``, ``base class``, ``default``, ``signature``, ``body``, ``attribute``, ``constant`` or
            ``statement``.
    """

    qualname: str
    line: int
    digest: str
    text: str
    kind: str


def outline_of(identity: CodeIdentity, mask: Callable[[str], str]) -> JsonObject:
    """Return the outline of every module: what `drifts` needs to name definitions.

    Texts given to secrets, or to names that sound like one, are shown as ``'***'``.

    Args:
        identity: As it was recorded in this process; modules that lie here no more as recorded are left out.
        mask: Takes more secrets out of a text.
    """
    modules: dict[str, JsonValue] = {}
    for name, code in identity.modules.items():
        if name not in identity.places or code.tree.startswith("raw:"):
            continue
        raw, source = sha256_of(identity.places[name])
        if raw == code.raw:
            modules[name] = [
                [row.qualname, row.line, row.digest, mask(row.text)[:TEXT_MAX], row.kind]
                for row in rows_of(raw, source)
            ]
    forget_trees()  # An outline is the last that a session needs of them.
    return {"modules": modules}


def rows_of(raw: str, source: bytes) -> Sequence[OutlineRow]:
    """Return the outline of one file, texts not yet shortened; empty where it cannot be parsed.

    Args:
        raw: SHA-256 of ``source``.
        source: Its bytes.
    """
    return _outlines.of(raw, source)


def _outline(raw: str, source: bytes) -> Sequence[OutlineRow]:
    try:
        text = decode_source(source)
    except (SyntaxError, UnicodeDecodeError):
        return ()
    tree = parsed_file(raw, source)
    return () if tree is None else tuple(_rows(tree, SourceText(text)))


class _Scope(NamedTuple):
    qualname: str
    inner: str
    is_function: bool


def _rows(tree: ast.Module, text: SourceText) -> Iterator[OutlineRow]:
    todo: list[tuple[ast.AST, _Scope]] = [(node, _Scope("", "", is_function=False)) for node in reversed(tree.body)]
    while todo:
        node, scope = todo.pop()
        if is_bare_string(node):
            continue
        if isinstance(node, _Function | ast.ClassDef):
            name = f"{scope.inner}{node.name}"
            is_function = not isinstance(node, ast.ClassDef)
            yield from _heads(node, name, text)
            scope = _Scope(name, f"{name}.<locals>." if is_function else f"{name}.", is_function)
        else:
            yield _statement(node, scope, text)
        inner = [each for field in _BODIES for each in getattr(node, field, ()) if isinstance(each, ast.AST)]
        todo.extend((each, scope) for each in reversed(inner))


def _heads(node: _Function | ast.ClassDef, name: str, text: SourceText) -> Iterator[OutlineRow]:
    for decorator in node.decorator_list:
        yield OutlineRow(name, decorator.lineno, _digest(decorator), f"@{text.of(decorator)}", "decorator")
    shown = text.head(node)
    if isinstance(node, ast.ClassDef):
        form = copy(node)
        form.decorator_list = []
        yield OutlineRow(name, node.lineno, _digest(form), shown, "base class")
        return
    head = copy(node)
    head.decorator_list = []
    arguments = node.args
    if arguments.defaults or arguments.kw_defaults:
        defaults = ast.Tuple([ast.List(arguments.defaults), ast.List(_given(arguments.kw_defaults))])
        yield OutlineRow(name, node.lineno, _digest(defaults), shown, "default")
        head.args = copy(arguments)
        head.args.defaults = []
        head.args.kw_defaults = []
    yield OutlineRow(name, node.lineno, _digest(head), shown, "signature")


def _given(defaults: Sequence[ast.expr | None]) -> list[ast.expr]:
    return [ast.Set([]) if default is None else default for default in defaults]


def _statement(node: ast.AST, scope: _Scope, text: SourceText) -> OutlineRow:
    placed = node.pattern if isinstance(node, ast.match_case) else node
    line: int = getattr(placed, "lineno", 0)
    qualname, kind = scope.qualname, "body" if scope.is_function else "statement"
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    target = node.target if isinstance(node, ast.AnnAssign | ast.AugAssign) else target
    if not scope.is_function and isinstance(target, ast.Name):
        qualname, kind = f"{scope.inner}{target.id}", "attribute" if scope.inner else "constant"
    return OutlineRow(qualname, line, _digest(node), text.head(node), kind)


def _digest(node: ast.AST) -> str:
    return header_digest(node)[:16]


_outlines = ByContent(_outline, source_bytes_max=4_000_000)
