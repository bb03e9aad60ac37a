"""What a model of scikit-learn holds, checked before anybody uses it.

Compiled code of scikit-learn follows the indices in a tree without looking whether they are in range, so that a
crafted archive could have it read and write any memory. Here the objects are checked that skops has made, and not the
bytes that it made them of: what is checked is what is used. `Tree` itself checks types and shapes of its arrays when it
takes them, and follows no index then.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from oneml.habitats.data.libraries import is_a, is_exactly, library
from oneml.habitats.data.serializers.sklearn_trees import flaw_of_predictor, flaw_of_tree, is_predictor, is_tree

_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_BOOSTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")
_BY_HISTOGRAMS = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_PLACES = frozenset({"tree_", "_predictors"})
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
        if flaw := _flaw_of_names(value) or _flaw_of_trees(value):
            yield flaw
        if _is_one_of(value, _BOOSTED) and "estimators_" in vars(value):
            boosted.append(value)
    for value in boosted:
        if flaw := _flaw_of_boosting(value):
            yield flaw


def _held_by(model: object) -> Iterator[object]:
    """Give the model and all objects that Python code can come to from there, each once.

    Plain values are left out, and trees where they belong: any other place of one is a flaw.
    """
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
    trees = _trees_of(value)
    for name, inner in _attributes_of(value).items():
        if not trees or name not in _PLACES:
            yield inner
    for tree in trees:
        yield from _attributes_of(tree).values()


def _attributes_of(value: object) -> Mapping[str, object]:
    return vars(value) if hasattr(value, "__dict__") and not isinstance(value, type) else {}


def _trees_of(value: object) -> list[Any]:
    """Return the trees that an estimator goes through itself, nothing where there is something else in their place."""
    if is_a(value, "sklearn.tree", "BaseDecisionTree"):
        return [tree for tree in (_attributes_of(value).get("tree_"),) if is_tree(tree)]
    stages: Any = _attributes_of(value).get("_predictors") if _is_one_of(value, _BY_HISTOGRAMS) else None
    if type(stages) is not list or not all(type(stage) is list for stage in cast("list[object]", stages)):
        return []
    predictors = [predictor for stage in cast("list[list[object]]", stages) for predictor in stage]
    return predictors if all(map(is_predictor, predictors)) else []


def _flaw_of_names(value: object) -> str | None:
    """NumPy takes an ``__array_interface__`` of any object, and in it an address in memory, for an array."""
    items = cast("dict[object, object]", value) if is_a(value, "sklearn.utils", "Bunch") else ()
    for name in (*_attributes_of(value), *items):
        if str(name).startswith("__array"):
            return f"holds a {type(value).__name__} with an attribute {name}"
    return None


def _flaw_of_trees(value: object) -> str | None:
    """It is the holder of a tree that checks how many features the data has, and nobody below it does."""
    if is_tree(value) or is_predictor(value):
        return f"holds a {type(value).__name__} that belongs to no estimator"
    trees = _trees_of(value)
    features: Any = _attributes_of(value).get("n_features_in_")
    for tree in trees:
        if is_tree(tree):
            flaw = flaw_of_tree(tree) or _flaw_of_features(value, tree.n_features)
        else:
            flaw = _flaw_of_features(value, features) or flaw_of_predictor(tree, features)
            flaw = flaw or _flaw_of_names(tree) or _flaw_of_methods(tree)
        if flaw:
            return flaw
    return (_flaw_of_methods(value) or _flaw_of_preparation(value)) if trees else None


def _flaw_of_methods(value: object) -> str | None:
    replaced = [name for name in vars(value) if callable(getattr(type(value), name, None))]
    return f"holds a {type(value).__name__} whose method {replaced[0]} is replaced" if replaced else None


def _flaw_of_features(value: object, wanted: object) -> str | None:
    features: object = vars(value).get("n_features_in_")
    if isinstance(features, int) and features == wanted:
        return None
    return f"holds a {type(value).__name__} of {features} features with a tree of {wanted}"


def _flaw_of_preparation(value: object) -> str | None:
    """Data that another estimator prepares, or that counts as prepared, is looked at no more."""
    if vars(value).get("_preprocessor") is None and not vars(value).get("_in_fit"):
        return None
    return f"holds a {type(value).__name__} that does not check its data"


def _flaw_of_boosting(model: Any) -> str | None:
    """Boosting goes around its decision trees to their trees, and adds to a table of one column a tree of a stage."""
    name = type(model).__name__
    trees = model.estimators_
    if not is_exactly(trees, "numpy", "ndarray") or trees.ndim != 2 or not trees.size:  # noqa: PLR2004  # stages, columns
        return f"holds a {name} without a table of decision trees"
    for each in trees.flat:
        if not is_a(each, "sklearn.tree", "BaseDecisionTree") or not is_tree(_attributes_of(each).get("tree_")):
            return f"holds a {name} with a {type(each).__name__} in place of a fitted decision tree"
        if flaw := _flaw_of_features(model, each.tree_.n_features):
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


def _is_one_of(value: object, names: tuple[str, ...]) -> bool:
    return any(is_a(value, "sklearn.ensemble", name) for name in names)
