"""What is known of a source file by its content: digest of its tree and its imports, computed once a process."""

import ast
from typing import NamedTuple

from oneml.habitats.habitats.by_content import ByContent
from oneml.habitats.habitats.code_imports import ModuleImports, imports_of
from oneml.habitats.habitats.syntax_tree import parsed_source, tree_digest

_CODE_SOURCE_BYTES_MAX = 200_000_000
"""What is known of them is a tenth of that at most."""
_TREES_SOURCE_BYTES_MAX = 500_000
"""Trees take forty times as much."""


class ParsedCode(NamedTuple):
    """What the content of a file says.

    Attributes:
        tree: Digest of its syntax tree; ``raw:`` and that of its bytes where it cannot be parsed.
        imports: What it imports.
    """

    tree: str
    imports: ModuleImports


def parsed_code(raw: str, source: bytes) -> ParsedCode:
    """Return what a source file says.

    Args:
        raw: SHA-256 of ``source``.
        source: Its bytes.
    """
    return _code.of(raw, source)


def parsed_file(raw: str, source: bytes) -> ast.Module | None:
    """Return the tree of a source file, which must not be changed; None where it cannot be parsed.

    It is kept for the next who asks: the same files are read for closure, live shape and outline of a session.

    Args:
        raw: SHA-256 of ``source``.
        source: Its bytes.
    """
    return _trees.of(raw, source)


def forget_trees() -> None:
    """Keep no trees any more: whoever is the last to read them calls this."""
    _trees.forget()


def _parse(raw: str, source: bytes) -> ParsedCode:
    tree = parsed_file(raw, source)
    if tree is None:
        return ParsedCode(f"raw:{raw}", ModuleImports((), (), dynamic=True))
    try:
        return ParsedCode(tree_digest(tree), imports_of(tree))
    except RecursionError:
        return ParsedCode(f"raw:{raw}", ModuleImports((), (), dynamic=True))


_code = ByContent(_parse, source_bytes_max=_CODE_SOURCE_BYTES_MAX)
_trees = ByContent(lambda _, source: parsed_source(source), source_bytes_max=_TREES_SOURCE_BYTES_MAX)
