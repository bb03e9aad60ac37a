"""What the nodes do. They are given their tools, know nothing of settings, and run as well without a pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.figure import Figure
from pandas import DataFrame, Series
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.pipeline import Pipeline

from digits_training.clients import LABEL, DigitsClient
from digits_training.figures import draw_confusion
from digits_training.models import ClassifierFactory, ReducerFactory
from digits_training.splitting import Parts, Splitter


class Reduced(NamedTuple):
    """Reduced tables, and what reduced them."""

    train: DataFrame
    validation: DataFrame
    reducer: Pipeline


class Fit(NamedTuple):
    """A fitted classifier.

    Attributes:
        c: Inverse strength of its regularisation.
        accuracy: Share of the validation images that it classifies right.
        steps: Of the solver.
        model: The classifier.
    """

    c: float
    accuracy: float
    steps: int
    model: LogisticRegression


class Selection(NamedTuple):
    """The best classifier on the validation images.

    Attributes:
        c: As in its `Fit`.
        accuracy: As in its `Fit`.
        model: The classifier.
        candidates: One row a fit: c, accuracy, steps.
    """

    c: float
    accuracy: float
    model: LogisticRegression
    candidates: DataFrame


class Evaluation(NamedTuple):
    """How good a classifier is on the held-out images.

    Attributes:
        accuracy: Share that it classifies right.
        confusion: Counts; a row is a true label, a column what was predicted.
    """

    accuracy: float
    confusion: DataFrame


class Report(NamedTuple):
    """What a person wants to see.

    Attributes:
        accuracy: On the held-out images.
        confusion: The confusion matrix, drawn.
        table: One row a label: images, precision, recall.
        text: All of it in words.
    """

    accuracy: float
    confusion: Figure
    table: DataFrame
    text: str


@dataclass(frozen=True, kw_only=True)
class Load:
    """Reads the images."""

    client: DigitsClient

    def __call__(self) -> DataFrame:
        """Return the table of images."""
        return self.client.read()


@dataclass(frozen=True, kw_only=True)
class Split:
    """Splits the images."""

    splitter: Splitter

    def __call__(self, digits: DataFrame) -> Parts:
        """Return the parts."""
        return self.splitter.split(digits)


@dataclass(frozen=True, kw_only=True)
class Reduce:
    """Scales and reduces features; learns how from the training images alone."""

    reducers: ReducerFactory

    def __call__(self, train: DataFrame, validation: DataFrame) -> Reduced:
        """Return both tables reduced."""
        reducer = self.reducers.new().fit(_features(train))
        return Reduced(train=_reduced(reducer, train), validation=_reduced(reducer, validation), reducer=reducer)


@dataclass(frozen=True, kw_only=True)
class Train:
    """Fits one classifier."""

    classifiers: ClassifierFactory

    def __call__(self, train: DataFrame, validation: DataFrame, c: float) -> Fit:
        """Return the classifier for ``c`` and its accuracy on the validation images."""
        model = self.classifiers.new(c).fit(_features(train), train[LABEL])
        accuracy = float(model.score(_features(validation), validation[LABEL]))
        return Fit(c=c, accuracy=accuracy, steps=int(model.n_iter_.max()), model=model)


class Select:
    """Picks the best classifier."""

    def __call__(self, fits: Sequence[Fit]) -> Selection:
        """Return the fit of the highest validation accuracy; of equal ones the first."""
        best = max(fits, key=lambda fit: fit.accuracy)
        candidates = DataFrame(
            {
                "c": [fit.c for fit in fits],
                "accuracy": [fit.accuracy for fit in fits],
                "steps": [fit.steps for fit in fits],
            }
        )
        return Selection(c=best.c, accuracy=best.accuracy, model=best.model, candidates=candidates)


class Evaluate:
    """Measures the selected classifier on images that neither fitting nor selection has seen."""

    def __call__(self, held_out: DataFrame, reducer: Pipeline, model: LogisticRegression) -> Evaluation:
        """Return accuracy and confusion."""
        predicted = model.predict(_features(_reduced(reducer, held_out)))
        labels = sorted({*held_out[LABEL], *predicted})
        counts = confusion_matrix(held_out[LABEL], predicted, labels=labels)
        names = [str(label) for label in labels]
        return Evaluation(
            accuracy=float(accuracy_score(held_out[LABEL], predicted)),
            confusion=DataFrame(counts, index=Series(names, name="true"), columns=names),
        )


class Summarize:
    """Puts a report together."""

    def __call__(self, candidates: DataFrame, c: float, accuracy: float, confusion: DataFrame) -> Report:
        """Return the report on the classifier for ``c``."""
        right = Series(confusion.to_numpy().diagonal(), index=confusion.index)
        images = confusion.sum(axis="columns")
        predicted = Series(confusion.sum(axis="index").to_numpy(), index=confusion.index)
        table = DataFrame(
            {"images": images, "precision": right / predicted.clip(lower=1), "recall": right / images.clip(lower=1)}
        )
        text = "\n".join(
            [
                f"accuracy {accuracy:.4f} on {int(images.sum())} held-out images, c={c:g}",
                "",
                "candidates, by their accuracy on the validation images:",
                candidates.to_string(index=False, float_format="{:g}".format),
                "",
                "each digit, on the held-out images:",
                table.to_string(float_format="{:.3f}".format),
                "",
            ]
        )
        return Report(accuracy=accuracy, confusion=draw_confusion(confusion, accuracy), table=table, text=text)


def _features(table: DataFrame) -> DataFrame:
    return table.drop(columns=LABEL)


def _reduced(reducer: Pipeline, table: DataFrame) -> DataFrame:
    values = reducer.transform(_features(table))
    names = [f"component_{i}" for i in range(values.shape[1])]
    reduced = DataFrame(values, index=table.index, columns=names)
    reduced[LABEL] = table[LABEL]
    return reduced
