"""Trees of scikit-learn, whose indices its compiled code follows without looking whether they are in range."""

from typing import Any

from oneml.habitats.data.libraries import is_exactly, library

_LEAF = -1
_HISTOGRAMS = "sklearn.ensemble._hist_gradient_boosting"


def is_tree(value: object) -> bool:
    """Tell whether ``value`` is the ``tree_`` of a decision tree."""
    return is_exactly(value, "sklearn.tree._tree", "Tree")


def is_predictor(value: object) -> bool:
    """Tell whether ``value`` is a tree of histogram boosting."""
    return is_exactly(value, f"{_HISTOGRAMS}.predictor", "TreePredictor")


def flaw_of_tree(tree: Any) -> str | None:
    """Return what makes a `Tree` unsafe to use, a sentence without its subject; None where nothing does."""
    return _flaw_of_sizes(tree) or _flaw_of_links(tree) or _flaw_of_depth(tree)


def flaw_of_predictor(predictor: object, features: int) -> str | None:
    """Return what makes a `TreePredictor` unsafe to use on so many features; None where nothing does."""
    nodes: Any = vars(predictor).get("nodes")
    dtype: object = library(f"{_HISTOGRAMS}.common", extra="sklearn").PREDICTOR_RECORD_DTYPE
    if not is_exactly(nodes, "numpy", "ndarray") or nodes.dtype != dtype or nodes.ndim != 1 or not len(nodes):
        return "holds a TreePredictor without nodes"
    if nodes["is_categorical"].any():
        return "holds a TreePredictor that splits by categories, which cannot be checked"
    return _flaw_of_nodes(nodes["left"], nodes["right"], nodes["is_leaf"] != 0, nodes["feature_idx"], features)


def _flaw_of_sizes(tree: Any) -> str | None:
    if not 1 <= tree.node_count <= tree.capacity:
        return f"holds a tree of {tree.node_count} nodes with room for {tree.capacity}"
    if tree.n_outputs < 1 or tree.n_classes.min() < 1:
        return f"holds a tree of {tree.n_outputs} outputs with {tree.n_classes.tolist()} classes"
    return None


def _flaw_of_links(tree: Any) -> str | None:
    left, right = tree.children_left, tree.children_right
    return _flaw_of_nodes(left, right, (left == _LEAF) & (right == _LEAF), tree.feature, tree.n_features)


def _flaw_of_nodes(left: Any, right: Any, leaf: Any, feature: Any, features: int) -> str | None:
    """Each node but the first is the child of one node, which stands before it: so there are no cycles."""
    np: Any = library("numpy", extra="sklearn")
    nodes = np.arange(len(left))
    inner = (left > nodes) & (right > nodes) & (left < len(nodes)) & (right < len(nodes))
    wrong = ~(leaf | inner)
    if wrong.any():
        node = int(wrong.argmax())
        return f"holds a tree in which node {node} of {len(nodes)} has the children {left[node]} and {right[node]}"
    inner = ~leaf
    parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=len(nodes))
    wrong = parents != (nodes > 0)
    if wrong.any():
        node = int(wrong.argmax())
        return f"holds a tree in which node {node} of {len(nodes)} is a child {parents[node]} times"
    wrong = inner & ((feature < 0) | (feature >= features))
    if wrong.any():
        node = int(wrong.argmax())
        return f"holds a tree in which node {node} asks for feature {feature[node]} of {features}"
    return None


def _flaw_of_depth(tree: Any) -> str | None:
    """Paths are written to rows of ``max_depth + 1`` places. No node may be met twice, or this would not end."""
    np: Any = library("numpy", extra="sklearn")
    left, right = tree.children_left, tree.children_right
    depth, level = 0, np.zeros(1, dtype=np.intp)
    while len(level := level[left[level] != _LEAF]):
        level = np.concatenate([left[level], right[level]])
        depth += 1
    if depth <= tree.max_depth < tree.node_count:
        return None
    return f"holds a tree of depth {depth} that says {tree.max_depth}"
