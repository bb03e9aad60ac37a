"""Which types models may hold beside those that skops trusts by itself, and what is said about the others.

Whatever is named here may be called with any arguments by an archive, and hold anything that is trusted. So each is a
class of plain Python that stores what it is given, and calls nothing of it while it is made; the two kinds of trees
are checked (`sklearn_check`). Functions are not named: no archive shall choose what is called later.
"""

from collections.abc import Collection

_KERNELS = "sklearn.gaussian_process.kernels"

TRUSTED_TYPES = (
    "numpy.dtype",  # in imputers
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    f"{_KERNELS}.CompoundKernel",
    f"{_KERNELS}.ConstantKernel",
    f"{_KERNELS}.DotProduct",
    f"{_KERNELS}.ExpSineSquared",
    f"{_KERNELS}.Exponentiation",
    f"{_KERNELS}.Matern",
    f"{_KERNELS}.PairwiseKernel",
    f"{_KERNELS}.Product",
    f"{_KERNELS}.RBF",
    f"{_KERNELS}.RationalQuadratic",
    f"{_KERNELS}.Sum",
    f"{_KERNELS}.WhiteKernel",
    "sklearn.metrics._scorer._PassthroughScorer",  # in searches that measure by the score of the estimator
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",  # the estimators of a vote or a stack by name
)
"""Full names, as skops writes them. All are of scikit-learn 1.5 and later."""

_INSTEAD = {
    "sklearn.neighbors._kd_tree.KDTree": 'nothing checks the indices in it; algorithm="brute" needs none',
    "sklearn.neighbors._ball_tree.BallTree": 'nothing checks the indices in it; algorithm="brute" needs none',
    "sklearn.metrics._scorer._Scorer": "it calls any function; best_estimator_ of a search has none",
    "sklearn.utils.validation.check_array": "HistGradientBoosting* with categories holds it; encode them before",
}


def untrusted(found: Collection[str]) -> list[str]:
    """Return those of ``found``, types that skops does not trust by itself, that are not trusted here either."""
    return sorted(set(found) - set(TRUSTED_TYPES))


def refusal_of(names: Collection[str]) -> str:
    """Say that a model holds types that are not trusted, and what could be used in place of them.

    Returns:
        A sentence without its subject.
    """
    reasons = [f"{name} ({_INSTEAD[name]})" if name in _INSTEAD else name for name in sorted(names)]
    return f"holds types that are not trusted: {', '.join(reasons)}"
