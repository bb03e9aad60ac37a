"""Node paths: one grammar, one parser, one canonical form, one encoding into files and keys."""

import hashlib
import re
from typing import NewType

from oneml.habitats.errors import InvalidNodePathError

NodePath = NewType("NodePath", str)
"""A checked path of a node or a namespace: ``//a``, ``//prep/a``, ``//train/0``."""

ROOT = NodePath("/")
"""The root namespace. It is a namespace only, never a node."""

PATH_MAX_CHARACTERS = 1024
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", re.ASCII)
_GRAMMAR = (
    'A path is "//" and segments joined by "/"; a segment is 1 to 64 of A-Z a-z 0-9 _ - and does not start with "-".'
)


def check_segment(segment: str) -> str:
    """Return ``segment`` if it may stand in a path.

    Raises:
        InvalidNodePathError: It is not one segment of the grammar.
    """
    if _SEGMENT.fullmatch(segment) is None:
        raise InvalidNodePathError(path=segment, rule=_GRAMMAR)
    return segment


def parse_node_path(text: str) -> NodePath:
    """Check a full path and return it in its only form.

    Raises:
        InvalidNodePathError: The text is not a path of the grammar.
    """
    if not _is_path(text):
        near = f"//{text.strip('/')}"
        raise InvalidNodePathError(path=text, rule=_GRAMMAR, near=near if _is_path(near) else "")
    return NodePath(text)


def _is_path(text: str) -> bool:
    if len(text) > PATH_MAX_CHARACTERS or not text.startswith("//"):
        return False
    return all(_SEGMENT.fullmatch(segment) is not None for segment in text[2:].split("/"))


def join_path(namespace: NodePath, segment: str) -> NodePath:
    """Return the path of ``segment`` (already checked) inside ``namespace``."""
    return NodePath(f"{namespace}/{segment}")


def parent_of(path: NodePath) -> NodePath:
    """Return the namespace that holds ``path``; of ``//a`` that is ``/``."""
    return NodePath(path.rpartition("/")[0])


def ancestors_of(path: NodePath) -> tuple[NodePath, ...]:
    """Return the namespaces around ``path`` but the root, outermost first: ``//a/b/c`` gives ``//a``, ``//a/b``."""
    found: list[NodePath] = []
    upper = parent_of(path)
    while len(upper) > len(ROOT):
        found.append(upper)
        upper = parent_of(upper)
    return tuple(reversed(found))


def node_key(path: NodePath) -> str:
    """Return the one name of ``path`` in files and keys: a readable start and a hash.

    Lower case, at most 65 characters, free of ``.`` and ``/``: two paths never meet, whatever the file system folds.
    """
    readable = path[2:].replace("/", "-").lower()[:40]
    return f"{readable}-{hashlib.sha256(path.encode()).hexdigest()[:24]}"
