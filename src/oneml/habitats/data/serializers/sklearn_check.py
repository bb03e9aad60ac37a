"""What a model of scikit-learn holds, checked before anybody uses it.

Compiled code of scikit-learn follows the indices in a tree without looking whether they are in range, so that a
crafted archive could have it read and write any memory. Here the objects are checked that skops has made, and not the
bytes that it made them of: what is checked is what is used. `Tree` itself checks types and shapes of its arrays when it
takes them, and follows no index then.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from oneml.habitats.data.libraries import is_a, is_exactly, library

_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_LEAF = -1
_BOOSTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")
_STARTS = ("DummyClassifier", "DummyRegressor")


def flaw_of(model: object) -> str | None:
    """Return what makes a model unsafe to use.

    Args:
        model: An estimator, from whatever source.

    Returns:
        A sentence without its subject, ``holds a tree in which ...``; None where there is nothing.
    """
    return next(_flaws(model), None)


def _flaws(model: object) -> Iterator[str]:
    """Give flaws, of which whoever meets one must not look for the next: it may rest on the first."""
    boosted: list[object] = []
    for value in _held_by(model):
        if flaw := _flaw_of_names(value) or _flaw_of_holder(value):
            yield flaw
        if _is_boosted(value) and "estimators_" in vars(value):
            boosted.append(value)
    for value in boosted:
        if flaw := _flaw_of_boosting(value):
            yield flaw


def _held_by(model: object) -> Iterator[object]:
    """Give the model and all objects that Python code can come to from there, each once, without plain values."""
    waiting, seen = [model], dict[int, object]()
    while waiting:
        value = waiting.pop()
        if id(value) not in seen and type(value) not in _PLAIN:
            seen[id(value)] = value  # held, so that no other gets its number
            yield value
            waiting.extend(_parts_of(value))


def _parts_of(value: object) -> Iterator[object]:
    held: Any = value
    if isinstance(held, dict):
        yield from held
        yield from held.values()
        yield getattr(value, "default_factory", None)
    elif isinstance(held, list | tuple | set | frozenset):
        yield from held
    elif is_a(value, "numpy", "ndarray"):
        array = library("numpy", extra="sklearn").asarray(held)
        yield from array.ravel().tolist() if array.dtype.hasobject else ()
    own = "tree_" if is_a(value, "sklearn.tree", "BaseDecisionTree") else None  # checked with its holder
    for name, inner in _attributes_of(value).items():
        if name != own or not _is_tree(inner):
            yield inner


def _attributes_of(value: object) -> Mapping[str, object]:
    return vars(value) if hasattr(value, "__dict__") and not isinstance(value, type) else {}


def _flaw_of_names(value: object) -> str | None:
    """NumPy takes an ``__array_interface__`` of any object, and in it an address in memory, for an array."""
    items = cast("dict[object, object]", value) if is_a(value, "sklearn.utils", "Bunch") else ()
    for name in (*_attributes_of(value), *items):
        if str(name).startswith("__array"):
            return f"holds a {type(value).__name__} with an attribute {name}"
    return None


def _flaw_of_holder(value: object) -> str | None:
    """A decision tree takes as many features as its tree, which stands nowhere else."""
    if _is_tree(value):
        return "holds a Tree that is not the tree_ of a decision tree"
    if not is_a(value, "sklearn.tree", "BaseDecisionTree"):
        return None
    tree: Any = vars(value).get("tree_")
    if not _is_tree(tree):
        return None
    return _flaw_of_methods(value) or _flaw_of_tree(tree) or _flaw_of_features(value, tree)


def _flaw_of_methods(value: object) -> str | None:
    replaced = [name for name in vars(value) if callable(getattr(type(value), name, None))]
    return f"holds a {type(value).__name__} whose method {replaced[0]} is replaced" if replaced else None


def _flaw_of_features(value: object, tree: Any) -> str | None:
    features: object = vars(value).get("n_features_in_")
    if isinstance(features, int) and features == tree.n_features:
        return None
    return f"holds a {type(value).__name__} of {features} features with a tree of {tree.n_features}"


def _flaw_of_tree(tree: Any) -> str | None:
    return _flaw_of_sizes(tree) or _flaw_of_nodes(tree) or _flaw_of_depth(tree)


def _flaw_of_sizes(tree: Any) -> str | None:
    if not 1 <= tree.node_count <= tree.capacity:
        return f"holds a tree of {tree.node_count} nodes with room for {tree.capacity}"
    if tree.n_outputs < 1 or tree.n_classes.min() < 1:
        return f"holds a tree of {tree.n_outputs} outputs with {tree.n_classes.tolist()} classes"
    return None


def _flaw_of_nodes(tree: Any) -> str | None:
    """Each node but the first is the child of one node before it; a child of nobody would be a sign of tampering."""
    np: Any = library("numpy", extra="sklearn")
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    nodes = np.arange(tree.node_count)
    leaf = left == _LEAF
    inner = (left > nodes) & (right > nodes) & (left < len(nodes)) & (right < len(nodes))
    wrong = ~np.where(leaf, right == _LEAF, inner)
    if wrong.any():
        node = int(wrong.argmax())
        return f"holds a tree in which node {node} of {len(nodes)} has the children {left[node]} and {right[node]}"
    parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=len(nodes))
    wrong = parents != (nodes > 0)
    if wrong.any():
        node = int(wrong.argmax())
        return f"holds a tree in which node {node} of {len(nodes)} is a child {parents[node]} times"
    wrong = inner & ((feature < 0) | (feature >= tree.n_features))
    if wrong.any():
        node = int(wrong.argmax())
        return f"holds a tree in which node {node} asks for feature {feature[node]} of {tree.n_features}"
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


def _flaw_of_boosting(model: Any) -> str | None:
    """Boosting goes around its decision trees to their trees, and adds to a table of one column a tree of a stage."""
    name = type(model).__name__
    trees = model.estimators_
    if not is_exactly(trees, "numpy", "ndarray") or trees.ndim != 2 or not trees.size:  # noqa: PLR2004  # stages, columns
        return f"holds a {name} without a table of decision trees"
    for each in trees.flat:
        if not is_a(each, "sklearn.tree", "BaseDecisionTree") or not _is_tree(_attributes_of(each).get("tree_")):
            return f"holds a {name} with a {type(each).__name__} in place of a fitted decision tree"
        if flaw := _flaw_of_features(model, each.tree_):
            return flaw
    return _flaw_of_methods(model) or _flaw_of_start(model, trees.shape[1])


def _flaw_of_start(model: Any, columns: int) -> str | None:
    """What is added to has as many rows as there are samples; the estimators below look at nothing but their number."""
    start = _attributes_of(model).get("init_")
    zero = isinstance(start, str) and start == "zero"
    if not zero and not any(is_exactly(start, "sklearn.dummy", name) for name in _STARTS):
        return f"holds a {type(model).__name__} that starts from a {type(start).__name__}, which cannot be checked"
    np: Any = library("numpy", extra="sklearn")
    for rows in (1, 2):
        shape: object = model._raw_predict_init(np.zeros((rows, model.n_features_in_), dtype=np.float32)).shape  # noqa: SLF001  # what predict calls
        if shape != (rows, columns):
            return f"holds a {type(model).__name__} that adds {columns} columns to a table of the shape {shape}"
    return None


def _is_tree(value: object) -> bool:
    return is_exactly(value, "sklearn.tree._tree", "Tree")


def _is_boosted(value: object) -> bool:
    return any(is_a(value, "sklearn.ensemble", name) for name in _BOOSTED)
