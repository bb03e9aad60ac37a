"""What the source of a module changes of other objects: a patch in first-party source is code, and rebuilt."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

_SETTERS = frozenset({"setattr", "delattr", "__setattr__", "__delattr__"})
_NAMESPACES = frozenset({"globals", "vars", "locals"})
_CHANGES = frozenset({"update", "setdefault", "pop", "popitem", "clear", "__setitem__", "__delitem__", "__ior__"})


class Patches(NamedTuple):
    """What a module may change.

    Attributes:
        names: Attributes that it stores to, on anything but ``self``.
        any_name: Whether it stores under names that its source does not show.
    """

    names: frozenset[str]
    any_name: bool


def patches_of(tree: ast.AST) -> Patches:
    """Return what the module of this tree may change."""
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Subscript | ast.Call))
    names = {name for node in nodes for name in _stored(node)}
    return Patches(frozenset(name for name in names if name), any_name="" in names)


def _stored(node: ast.AST) -> Iterator[str]:
    """Give the attributes that a node stores to; an empty text where that cannot be seen."""
    match node:
        case ast.Attribute(value=value, attr=name, ctx=ast.Store() | ast.Del()):
            if not _is_self(value):
                yield name
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()) if _is_namespace(value):
            yield ""
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _CHANGES and _is_namespace(value):
            yield ""
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[target, which, *_]) if name in _SETTERS:
            if not _is_self(target):
                yield which.value if isinstance(which, ast.Constant) and isinstance(which.value, str) else ""
        case _:
            pass


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_namespace(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _NAMESPACES
        case ast.Attribute(attr="__dict__" | "modules"):
            return True
        case _:
            return False
