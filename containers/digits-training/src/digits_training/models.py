"""Factories of models, so that nodes neither choose nor configure them."""

from dataclasses import dataclass

from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True, kw_only=True)
class ReducerFactory:
    """Makes what scales features and keeps their principal components.

    Attributes:
        variance: Share of the variance that is kept.
        threads: Of linear algebra, which decide how results are rounded.
    """

    variance: float
    threads: int

    def new(self) -> Pipeline:
        """Return a reducer that is not fitted yet."""
        return Pipeline([("scale", StandardScaler()), ("reduce", PCA(n_components=self.variance, svd_solver="full"))])


@dataclass(frozen=True, kw_only=True)
class ClassifierFactory:
    """Makes classifiers.

    Attributes:
        iterations: Steps of the solver at most.
        threads: As those of `ReducerFactory`.
    """

    iterations: int
    threads: int

    def new(self, c: float) -> LogisticRegression:
        """Return a classifier that is not fitted yet.

        Args:
            c: Inverse strength of its regularisation.
        """
        return LogisticRegression(C=c, max_iter=self.iterations)
