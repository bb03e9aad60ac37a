"""Models of scikit-learn that hold trees, optimizers and kernels: they come back, and crafted ones are refused."""

import io
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from importlib import import_module
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessClassifier, kernels
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
from sklearn.tree._tree import Tree
from sklearn.utils import Bunch

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.serializers.sklearn import SklearnSerializer
from oneml.habitats.data.serializers.sklearn_types import TRUSTED_TYPES
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import DeserializationError
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath

FEATURES, LABELS = np.random.RandomState(0).rand(24, 3), np.arange(24) % 3
TREE = DecisionTreeClassifier(random_state=1)
FAST: dict[str, Any] = {"hidden_layer_sizes": 2, "tol": 99.0, "n_iter_no_change": 1, "random_state": 1}
MODELS: dict[str, Any] = {
    "tree": TREE,
    "pruned tree": DecisionTreeRegressor(ccp_alpha=0.01, random_state=1),
    "best first tree": DecisionTreeClassifier(max_leaf_nodes=5, criterion="entropy", random_state=1),
    "extra tree": ExtraTreeClassifier(random_state=1),
    "forest": RandomForestClassifier(3, oob_score=False, random_state=1),
    "extra trees": ExtraTreesRegressor(3, monotonic_cst=[1, 0, -1], random_state=1),
    "boosting of classes": GradientBoostingClassifier(n_estimators=2, random_state=1),
    "boosting from zero": GradientBoostingClassifier(n_estimators=2, init="zero", random_state=1),
    "boosting": GradientBoostingRegressor(n_estimators=2, loss="huber", random_state=1),
    "boosting of classes by histograms": HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=2, random_state=1),
    "boosting by histograms": HistGradientBoostingRegressor(max_iter=2, loss="poisson", random_state=1),
    "adaptive boosting": AdaBoostRegressor(n_estimators=2, random_state=1),
    "bagging": BaggingClassifier(TREE, n_estimators=2, max_features=2, random_state=1),
    "isolation": IsolationForest(n_estimators=2, random_state=1),
    "adam": MLPClassifier(**FAST),
    "gradient descent": MLPRegressor(solver="sgd", **FAST),
    "gaussian process": GaussianProcessClassifier(1.5 * kernels.RBF(2.0), optimizer=None, random_state=1),
    "vote": VotingRegressor([("tree", DecisionTreeRegressor(random_state=1)), ("line", LinearRegression())]),
    "stack": StackingClassifier([("tree", TREE)], LogisticRegression(), cv=2),
    "search": GridSearchCV(TREE, {"max_depth": [1, 2]}, cv=2),
    "calibration": CalibratedClassifierCV(TREE, cv=2),
    "imputed": Pipeline([("impute", SimpleImputer()), ("fit", RandomForestClassifier(2, random_state=1))]),
}
TIMES = {"search"}  # holds how long each fit took


def written(model: object) -> bytes:
    stream = io.BytesIO()
    SklearnSerializer().write(model, stream)
    return stream.getvalue()


def read(data: bytes) -> Any:
    return SklearnSerializer().read(io.BytesIO(data), object)


def fitted(name: str) -> Any:
    return clone(MODELS[name]).fit(FEATURES, LABELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_predicts_the_same_and_gives_the_same_bytes(name: str) -> None:
    model = fitted(name)
    data = written(model)
    returned = read(data)
    for ask in ("predict", "predict_proba", "score_samples"):
        if hasattr(model, ask):
            np.testing.assert_array_equal(getattr(returned, ask)(FEATURES), getattr(model, ask)(FEATURES))
    assert written(returned) == data
    assert name in TIMES or written(fitted(name)) == data


@pytest.mark.parametrize("name", TRUSTED_TYPES)
def test_each_trusted_type_is_there_under_the_name_that_it_has_itself(name: str) -> None:
    module, _, kind = name.rpartition(".")
    found = getattr(import_module(module), kind)
    assert isinstance(found, type)
    assert f"{found.__module__}.{found.__qualname__}" == name


def test_every_kernel_is_trusted() -> None:
    found = {kind for kind in vars(kernels).values() if isinstance(kind, type) and issubclass(kind, kernels.Kernel)}
    named = {kind for kind in found if f"{kind.__module__}.{kind.__name__}" in TRUSTED_TYPES}
    assert {kind.__name__ for kind in found - named} == {"Kernel", "KernelOperator"}


def with_nodes(model: Any, change: Callable[[Any], object], **fields: object) -> Any:
    """Give a decision tree another Tree, whose nodes ``change`` has altered."""
    kind, arguments, state = model.tree_.__reduce__()
    nodes = state["nodes"].copy()
    change(nodes)
    model.tree_ = kind(*arguments)
    model.tree_.__setstate__({**state, "nodes": nodes, **fields})
    return model


def set_of(field: str, node: int, value: int) -> Callable[[Any], object]:
    return lambda nodes: nodes[field].__setitem__(node, value)


def nothing(nodes: Any) -> object:
    return nodes


def with_attribute(model: Any, name: str, value: object) -> Any:
    vars(model)[name] = value
    return model


CRAFTED_TREES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "child behind the end": (
        lambda tree: with_nodes(tree, set_of("right_child", 0, 10**6)),
        r"node 0 of \d+ has the children 1 and 1000000",
    ),
    "child before the start": (lambda tree: with_nodes(tree, set_of("left_child", 0, -7)), "node 0 of .* children -7"),
    "leaf on one side": (lambda tree: with_nodes(tree, set_of("right_child", 0, -1)), "node 0 of .* children 1 and -1"),
    "half of a leaf": (lambda tree: with_nodes(tree, set_of("left_child", 0, -1)), "node 0 of .* children -1 and"),
    "cycle": (lambda tree: with_nodes(tree, set_of("left_child", 0, 0)), "node 0 of .* has the children 0 and"),
    "child of two": (lambda tree: with_nodes(tree, set_of("right_child", 0, 1)), r"node 1 of \d+ is a child 2 times"),
    "feature behind the end": (
        lambda tree: with_nodes(tree, set_of("feature", 0, 3)),
        "node 0 asks for feature 3 of 3",
    ),
    "feature before the start": (lambda tree: with_nodes(tree, set_of("feature", 0, -2)), "asks for feature -2 of 3"),
    "no nodes": (lambda tree: with_nodes(tree, nothing, node_count=0), "a tree of 0 nodes"),
    "some nodes": (lambda tree: with_nodes(tree, nothing, node_count=2), "node 0 of 2 has the children"),
    "paths longer than told": (lambda tree: with_nodes(tree, nothing, max_depth=0), r"of depth \d+ that says 0"),
    "paths without end": (lambda tree: with_nodes(tree, nothing, max_depth=2**62), "that says 4611686018427387904"),
    "never given nodes": (
        lambda tree: with_attribute(tree, "tree_", Tree(3, np.array([3]), 1)),
        "a tree of 0 nodes with room for 0",
    ),
    "more features than its holder": (
        lambda tree: with_attribute(tree, "n_features_in_", 2),
        "DecisionTreeClassifier of 2 features with a tree of 3",
    ),
    "holder that counts no features": (
        lambda tree: (vars(tree).pop("n_features_in_"), tree)[1],
        "DecisionTreeClassifier of None features",
    ),
    "holder with another method": (
        lambda tree: with_attribute(tree, "_validate_X_predict", np.add),
        "DecisionTreeClassifier whose method _validate_X_predict is replaced",
    ),
    "held by another": (
        lambda tree: with_attribute(LogisticRegression(), "tree_", tree.tree_),
        "belongs to no estimator",
    ),
    "held in a bunch": (
        lambda tree: with_attribute(tree, "spare", {"a": [Bunch(tree_=tree.tree_)]}),
        "a Tree that belongs to no estimator",
    ),
    "deep in an ensemble": (
        lambda tree: BaggingClassifier(with_nodes(tree, set_of("feature", 0, 3))),
        "asks for feature 3 of 3",
    ),
}


def assert_refused(model: Any, told: str) -> None:
    data = skops.io.dumps(model)
    with pytest.raises(ValueError, match=f"^the model holds .*{told}"):
        read(data)
    with pytest.raises(UnwritableError, match=f"holds .*{told}"):
        written(model)


@pytest.mark.parametrize(("craft", "told"), CRAFTED_TREES.values(), ids=list(CRAFTED_TREES))
def test_a_crafted_tree_is_refused(craft: Callable[[Any], Any], told: str) -> None:
    assert_refused(craft(DecisionTreeClassifier(random_state=1).fit(FEATURES, LABELS)), told)


def boosted_with(stages: int, columns: int, tree: Any = None) -> Any:
    model = GradientBoostingRegressor(n_estimators=1).fit(FEATURES, LABELS)
    tree = model.estimators_[0, 0] if tree is None else tree
    model.estimators_ = np.array([[tree] * columns] * stages, dtype=object)
    return model


CRAFTED_BOOSTING: dict[str, tuple[Callable[[], Any], str]] = {
    "more columns than it adds to": (lambda: boosted_with(1, 2), r"adds 2 columns to a table of the shape \(1, 1\)"),
    "no trees": (lambda: boosted_with(0, 1), "without a table of decision trees"),
    "a list": (lambda: with_attribute(boosted_with(1, 1), "estimators_", [[TREE]]), "without a table"),
    "unfitted trees": (lambda: boosted_with(1, 1, DecisionTreeRegressor()), "with a DecisionTreeRegressor in place of"),
    "no tree": (
        lambda: boosted_with(1, 1, with_attribute(DecisionTreeRegressor(), "tree_", None)),
        "with a DecisionTreeRegressor in place of a fitted decision tree",
    ),
    "what looks like a tree": (lambda: boosted_with(1, 1, LogisticRegression()), "with a LogisticRegression in place"),
    "trees of more features": (
        lambda: boosted_with(1, 1, DecisionTreeRegressor().fit(FEATURES[:, [0, 1, 2, 0]], LABELS)),
        "GradientBoostingRegressor of 3 features with a tree of 4",
    ),
    "another start": (
        lambda: with_attribute(boosted_with(1, 1), "init_", LinearRegression()),
        "starts from a LinearRegression, which cannot be checked",
    ),
    "a start without rows": (
        lambda: with_attribute(
            boosted_with(1, 1), "init_", with_attribute(DummyRegressor().fit(FEATURES, LABELS), "n_outputs_", 0)
        ),
        r"adds 1 columns to a table of the shape \(1, 0\)",
    ),
    "a start of as many rows as it likes": (
        lambda: with_attribute(
            GradientBoostingClassifier(n_estimators=1).fit(FEATURES, LABELS),
            "init_",
            with_attribute(DummyClassifier().fit(FEATURES, LABELS), "class_prior_", np.full((2, 3), 0.3)),
        ),
        r"adds 3 columns to a table of the shape \(2, 3\)",
    ),
    "another method": (
        lambda: with_attribute(boosted_with(1, 1), "_raw_predict_init", np.log1p),
        "method _raw_predict_init is replaced",
    ),
}


@pytest.mark.parametrize(("craft", "told"), CRAFTED_BOOSTING.values(), ids=list(CRAFTED_BOOSTING))
def test_crafted_boosting_is_refused(craft: Callable[[], Any], told: str) -> None:
    assert_refused(craft(), told)


@cache
def fitted_by_histograms() -> Any:
    return HistGradientBoostingRegressor(max_iter=1, min_samples_leaf=2).fit(FEATURES, LABELS)


def by_histograms(change: Callable[[Any], object] = nothing) -> Any:
    model = deepcopy(fitted_by_histograms())
    change(model._predictors[0][0].nodes)
    return model


def with_predictor(change: Callable[[Any], object]) -> Any:
    model = by_histograms()
    change(model._predictors[0][0])
    return model


CRAFTED_HISTOGRAMS: dict[str, tuple[Callable[[], Any], str]] = {
    "child behind the end": (lambda: by_histograms(set_of("left", 0, 10**6)), "node 0 of .* the children 1000000 and"),
    "cycle": (lambda: by_histograms(set_of("right", 0, 0)), "node 0 of .* has the children 1 and 0"),
    "child of two": (lambda: by_histograms(set_of("right", 0, 1)), "node 1 of .* is a child 2 times"),
    "feature behind the end": (lambda: by_histograms(set_of("feature_idx", 0, 3)), "asks for feature 3 of 3"),
    "feature before the start": (lambda: by_histograms(set_of("feature_idx", 0, -1)), "asks for feature -1 of 3"),
    "categories": (lambda: by_histograms(set_of("is_categorical", 0, 1)), "splits by categories"),
    "no nodes": (
        lambda: with_predictor(lambda each: setattr(each, "nodes", each.nodes[:0])),
        "a TreePredictor without nodes",
    ),
    "another method of its trees": (
        lambda: with_predictor(lambda each: setattr(each, "predict", np.add)),
        "a TreePredictor whose method predict is replaced",
    ),
    "another method": (lambda: with_attribute(by_histograms(), "_preprocess_X", np.add), "_preprocess_X is replaced"),
    "fewer features": (lambda: with_attribute(by_histograms(), "n_features_in_", 1), r"asks for feature \d of 1"),
    "no features": (lambda: with_attribute(by_histograms(), "n_features_in_", None), "of None features"),
    "data that counts as binned": (lambda: with_attribute(by_histograms(), "_in_fit", True), "does not check its data"),
    "data of another": (
        lambda: with_attribute(by_histograms(), "_preprocessor", SimpleImputer()),
        "does not check its data",
    ),
    "not in a list": (
        lambda: with_attribute(by_histograms(), "_predictors", tuple(by_histograms()._predictors)),
        "a TreePredictor that belongs to no estimator",
    ),
}


@pytest.mark.parametrize(("craft", "told"), CRAFTED_HISTOGRAMS.values(), ids=list(CRAFTED_HISTOGRAMS))
def test_crafted_boosting_by_histograms_is_refused(craft: Callable[[], Any], told: str) -> None:
    assert_refused(craft(), told)


@pytest.mark.parametrize("as_bunch", [True, False])
def test_an_object_that_says_where_its_memory_is_is_refused(as_bunch: bool) -> None:
    interface = {"data": (1, False), "shape": (1,), "typestr": "<f8", "version": 3}
    name = "__array_interface__"
    held = Bunch(**{name: interface}) if as_bunch else with_attribute(LogisticRegression(), name, interface)
    assert_refused(with_attribute(LogisticRegression(), "coef_", held), f"with an attribute {name}")


def rewritten(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    stream = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as archive, ZipFile(stream, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, change(name, archive.read(name)))
    return stream.getvalue()


def with_arrays(change: Callable[[Any], Any]) -> Callable[[str, bytes], bytes]:
    def rewrite(name: str, data: bytes) -> bytes:
        if not name.endswith(".npy"):
            return data
        stream = io.BytesIO()
        np.save(stream, change(np.load(io.BytesIO(data))))
        return stream.getvalue()

    return rewrite


def parts_of(schema: Any) -> Iterator[Any]:
    if isinstance(schema, dict):
        yield schema
    if isinstance(schema, dict | list):
        for inner in schema.values() if isinstance(schema, dict) else schema:
            yield from parts_of(inner)


def with_tree(change: Callable[[Any], object]) -> Callable[[str, bytes], bytes]:
    def rewrite(name: str, data: bytes) -> bytes:
        if name != "schema.json":
            return data
        schema = json.loads(data)
        for part in parts_of(schema):
            if part.get("__loader__") == "TreeNode":
                change(part)
        return json.dumps(schema).encode()

    return rewrite


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (with_arrays(lambda array: array[:1] if array.dtype.names else array), "Wrong shape for value array"),
        (with_arrays(lambda array: array[:, :, :2] if array.ndim == 3 else array), "Wrong shape for value array"),
        (with_arrays(lambda array: array.astype("f4") if array.ndim == 3 else array), "incompatible dtype"),
        (with_arrays(lambda array: array[["feature"]] if array.dtype.names else array), "incompatible dtype"),
        (with_arrays(lambda array: array["feature"] if array.dtype.names else array), "are no model: AttributeError"),
        (with_tree(lambda tree: tree["content"]["content"]["node_count"].update(content="-1")), "a tree of -1 nodes"),
        (
            with_tree(lambda tree: tree["content"]["content"]["max_depth"].update(content="1" * 99)),
            "are no model: Over",
        ),
        (with_tree(lambda tree: tree["__reduce__"]["args"]["content"][2].update(content="0")), "Wrong shape"),
        (
            with_tree(lambda tree: tree["__reduce__"]["args"]["content"][0].update(content="9")),
            "3 features .* tree of 9",
        ),
        (with_tree(lambda tree: tree["__reduce__"]["args"]["content"][0].update(content="-9")), "feature . of -9"),
        (
            with_tree(
                lambda tree: tree.update(__loader__="ConstructorFromReduceNode", content=tree["__reduce__"]["args"])
            ),
            "a tree of 0 nodes with room for 0",
        ),
    ],
)
def test_an_archive_whose_arrays_do_not_fit_each_other_is_refused(
    change: Callable[[str, bytes], bytes], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        read(rewritten(written(fitted("tree")), change))


def test_whoever_loads_a_crafted_artifact_is_told_which_and_why() -> None:
    client = DataClient(MemoryArtifactStore())
    crafted = with_nodes(DecisionTreeClassifier().fit(FEATURES, LABELS), set_of("feature", 0, 3))
    record = client.publish(NodePath("//train"), "out", skops.io.dumps(crafted))
    told = r"^it cannot be read \(sklearn\): the model holds a tree in which node 0 asks for feature 3 of 3"
    with pytest.raises(DeserializationError, match=told):
        client.load(record._replace(serializer="sklearn"), object, what="it")


def test_bytes_between_the_fields_of_nodes_are_zero() -> None:
    with ZipFile(io.BytesIO(written(read(written(fitted("tree")))))) as archive:
        files = [archive.read(name) for name in archive.namelist()]
    (nodes,) = (data for data in files if b"left_child" in data[:100])
    size = Tree(1, np.array([1]), 1).__reduce__()[2]["nodes"].itemsize
    length = int(np.frombuffer(nodes, "<u2", 1, 8)[0])
    records = np.frombuffer(nodes, "u1", offset=10 + length).reshape(-1, size)
    assert len(records) == fitted("tree").tree_.node_count
    assert records[:, :57].any()
    assert not records[:, 57:].any()
