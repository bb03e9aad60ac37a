"""Paths of included habitats: which one a node belongs to, and names of providers inside it.

The namespace of an included habitat belongs to it alone, so the longest include path above a node is that of its
habitat. Inside it a provider is called ``//training:load``, as its settings are addressed; without a path it is one of
the outermost habitat.
"""

from collections.abc import Container, Mapping

from oneml.habitats.values.node_path import ROOT, NodePath, parent_of

INCLUDED = "included"
"""What documents call the part of them that is about included habitats."""


def include_of(included: Container[NodePath], path: NodePath) -> NodePath:
    """Return the include path of the habitat that a node belongs to; the root for the outermost one.

    Args:
        included: The paths of included habitats.
        path: Of the node.
    """
    upper = parent_of(path)
    while len(upper) > len(ROOT):
        if upper in included:
            return upper
        upper = parent_of(upper)
    return ROOT


def part_of(included: Container[NodePath], path: NodePath) -> NodePath:
    """Return the include path of what ``path`` leads to, which may be an include path itself."""
    return path if path in included else include_of(included, path)


def provider_key(include: NodePath, name: str) -> str:
    """Return what a provider is called in the whole session.

    Args:
        include: The include path of its habitat.
        name: Its dotted name there.
    """
    return name if include == ROOT else f"{include}:{name}"


def split_provider_key(key: str) -> tuple[NodePath, str]:
    """Return the include path and the dotted name that a provider's key consists of."""
    if not key.startswith(ROOT):
        return ROOT, key
    path, _, name = key.partition(":")
    return NodePath(path), name


def own_names(keys: Mapping[str, str], path: NodePath = ROOT) -> Mapping[str, str]:
    """Return what a mapping by keys of an included habitat, or of the outermost one, says of its own names."""
    split = ((*split_provider_key(key), value) for key, value in keys.items())
    return {name: value for include, name, value in split if include == path}
