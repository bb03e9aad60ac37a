"""Data science: one model of the price, by whichever regressor and features the settings name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dependency_injector import providers
from pandas import DataFrame, Series
from pydantic_settings import SettingsConfigDict
from sklearn.base import RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.metrics import max_error, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from oneml.habitats import Choice, PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class ModelSettings(PipelineSettings):
    """The tutorial's ``model_options``.

    Attributes:
        model: Which regressor.
        c: Inverse strength of regularisation of the support vectors.
        max_depth: Of the tree.
        test_size: Share of the rows that the model is measured on.
        random_state: Of the split, and of the tree.
        features: Columns that the model sees.
    """

    model_config = SettingsConfigDict(env_prefix="SPACEFLIGHTS_MODEL_")

    model: Literal["linear", "support_vectors", "tree"] = "linear"
    c: float = 1000.0
    max_depth: int = 4
    test_size: float = 0.2
    random_state: int = 3
    features: tuple[str, ...] = (
        "engines",
        "passenger_capacity",
        "crew",
        "d_check_complete",
        "moon_clearance_complete",
        "iata_approved",
        "company_rating",
        "review_scores_rating",
    )


class Parts(NamedTuple):
    """Features and prices, to train with and to measure with."""

    x_train: DataFrame
    x_test: DataFrame
    y_train: Series
    y_test: Series


class Metrics(NamedTuple):
    """How far predictions are off."""

    r2_score: float
    mae: float
    max_error: float


@dataclass(frozen=True, kw_only=True)
class SplitData:
    """Splits the table."""

    features: tuple[str, ...]
    test_size: float
    random_state: int

    def __call__(self, table: DataFrame) -> Parts:
        x, y = table[list(self.features)], table["price"]
        parts = train_test_split(x, y, test_size=self.test_size, random_state=self.random_state)
        return Parts(*parts)


@dataclass(frozen=True, kw_only=True)
class TrainModel:
    """Fits a new regressor."""

    new_regressor: Callable[[], RegressorMixin]

    def __call__(self, x_train: DataFrame, y_train: Series) -> RegressorMixin:
        return self.new_regressor().fit(x_train, y_train)


def evaluate_model(regressor: RegressorMixin, x_test: DataFrame, y_test: Series) -> Metrics:
    """Hold predictions against prices."""
    predicted = regressor.predict(x_test)
    return Metrics(
        r2_score=float(r2_score(y_test, predicted)),
        mae=float(mean_absolute_error(y_test, predicted)),
        max_error=float(max_error(y_test, predicted)),
    )


class DataScience(PipelineComponents):
    """Split, train, evaluate."""

    settings = Settings(ModelSettings)
    regressor = Choice(
        settings.session.model,
        linear=providers.Factory(LinearRegression),
        support_vectors=providers.Factory(SVR, C=settings.session.c),
        tree=providers.Factory(
            DecisionTreeRegressor, max_depth=settings.session.max_depth, random_state=settings.session.random_state
        ),
    )
    split_data = providers.Factory(
        SplitData,
        features=settings.session.features,
        test_size=settings.session.test_size,
        random_state=settings.session.random_state,
    )
    train_model = providers.Factory(TrainModel, new_regressor=regressor.provider)
    evaluate_model = providers.Object(evaluate_model)

    def define(self, pipeline: PipelineBuilder) -> None:
        table = pipeline.input("table", DataFrame)
        parts = pipeline.node("split_data", self.split_data)(table=table)
        regressor = pipeline.node("train_model", self.train_model)(x_train=parts.x_train, y_train=parts.y_train)
        metrics = pipeline.node("evaluate_model", self.evaluate_model)(
            regressor=regressor, x_test=parts.x_test, y_test=parts.y_test
        )
        pipeline.output("regressor", regressor)
        pipeline.output("metrics", metrics)
