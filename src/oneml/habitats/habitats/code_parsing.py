"""What is known of a source file by its content: digest of its tree and its imports, computed once a process."""

from typing import NamedTuple

from oneml.habitats.habitats.code_imports import ModuleImports, imports_of
from oneml.habitats.habitats.syntax_tree import parsed_source, tree_digest

_FILES_MAX = 20_000
"""About 1 KB each."""


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
    known = _known.get(raw)
    if known is None:
        known = _parse(raw, source)
        if len(_known) >= _FILES_MAX:
            _known.clear()
        _known[raw] = known
    return known


def _parse(raw: str, source: bytes) -> ParsedCode:
    tree = parsed_source(source)
    if tree is None:
        return ParsedCode(f"raw:{raw}", ModuleImports((), (), dynamic=True))
    try:
        return ParsedCode(tree_digest(tree), imports_of(tree))
    except RecursionError:
        return ParsedCode(f"raw:{raw}", ModuleImports((), (), dynamic=True))


_known: dict[str, ParsedCode] = {}
