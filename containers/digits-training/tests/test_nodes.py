"""Each node on its own, without a pipeline."""

import pytest
from pandas import DataFrame
from pandas.testing import assert_frame_equal
from sklearn.linear_model import LogisticRegression

from digits_training.clients import LABEL, DigitsClient
from digits_training.models import ClassifierFactory, ReducerFactory
from digits_training.nodes import Evaluate, Fit, Load, Reduce, Select, Split, Summarize, Train
from digits_training.splitting import Parts, Splitter

REDUCE = Reduce(reducers=ReducerFactory(variance=0.95, threads=1))
TRAIN = Train(classifiers=ClassifierFactory(iterations=1000, threads=1))


def splitter(seed: int = 7) -> Splitter:
    return Splitter(seed=seed, held_out=0.25, validation=0.2)


@pytest.fixture(scope="module")
def digits() -> DataFrame:
    return Load(client=DigitsClient())()


@pytest.fixture(scope="module")
def parts(digits: DataFrame) -> Parts:
    return Split(splitter=splitter())(digits)


def test_load_gives_every_image_with_its_label(digits: DataFrame) -> None:
    assert digits.shape == (1797, 65)
    assert sorted(digits[LABEL].unique()) == list(range(10))


def test_every_image_is_in_exactly_one_part(digits: DataFrame, parts: Parts) -> None:
    rows = [row for part in parts for row in part.index]
    assert sorted(rows) == list(digits.index)


def test_parts_have_the_shares_that_were_asked_for(digits: DataFrame, parts: Parts) -> None:
    assert len(parts.held_out) == pytest.approx(0.25 * len(digits), abs=1)
    assert len(parts.validation) == pytest.approx(0.2 * 0.75 * len(digits), abs=1)


def test_each_part_has_each_label_in_proportion(digits: DataFrame, parts: Parts) -> None:
    whole = digits[LABEL].value_counts(normalize=True)
    for part in parts:
        share = part[LABEL].value_counts(normalize=True)
        assert (share - whole).abs().max() < 0.01


def test_same_seed_gives_same_parts_and_another_seed_others(digits: DataFrame, parts: Parts) -> None:
    assert_frame_equal(splitter().split(digits).held_out, parts.held_out)
    assert set(splitter(8).split(digits).held_out.index) != set(parts.held_out.index)


def test_reducer_learns_from_training_images_alone(parts: Parts) -> None:
    other = REDUCE(parts.train, parts.held_out)
    reduced = REDUCE(parts.train, parts.validation)
    assert_frame_equal(other.train, reduced.train)
    assert 1 < reduced.train.shape[1] < parts.train.shape[1]


def test_training_is_the_same_each_time(parts: Parts) -> None:
    reduced = REDUCE(parts.train, parts.validation)
    first, second = (TRAIN(reduced.train, reduced.validation, 0.1) for _ in range(2))
    assert (first.model.coef_ == second.model.coef_).all()
    assert first.accuracy == second.accuracy > 0.9
    assert 0 < first.steps < 1000


def test_select_takes_the_first_of_the_best() -> None:
    fits = [
        Fit(c=c, accuracy=accuracy, steps=3, model=LogisticRegression(C=c))
        for c, accuracy in [(0.1, 0.5), (1.0, 0.9), (10.0, 0.9)]
    ]
    best = Select()(fits)
    assert best.c == best.model.C == 1.0
    assert list(best.candidates["accuracy"]) == [0.5, 0.9, 0.9]


def test_evaluation_counts_every_held_out_image(parts: Parts) -> None:
    reduced = REDUCE(parts.train, parts.validation)
    fit = TRAIN(reduced.train, reduced.validation, 0.1)
    evaluation = Evaluate()(parts.held_out, reduced.reducer, fit.model)
    counts = evaluation.confusion.to_numpy()
    assert counts.sum() == len(parts.held_out)
    assert evaluation.accuracy == pytest.approx(counts.diagonal().sum() / counts.sum())


def test_report_tells_precision_and_recall_of_each_label() -> None:
    confusion = DataFrame([[8, 2], [0, 10]], index=["0", "1"], columns=["0", "1"])
    candidates = DataFrame({"c": [1.0], "accuracy": [0.9], "steps": [3]})
    report = Summarize()(candidates, c=1.0, accuracy=0.9, confusion=confusion)
    assert list(report.table["images"]) == [10, 10]
    assert list(report.table["precision"]) == pytest.approx([1.0, 10 / 12])
    assert list(report.table["recall"]) == pytest.approx([0.8, 1.0])
    assert report.text.startswith("accuracy 0.9000 on 20 held-out images, c=1\n")


def test_report_draws_every_count_that_is_not_zero() -> None:
    confusion = DataFrame([[8, 2], [0, 10]], index=["0", "1"], columns=["0", "1"])
    candidates = DataFrame({"c": [1.0], "accuracy": [0.9], "steps": [3]})
    figure = Summarize()(candidates, c=1.0, accuracy=0.9, confusion=confusion).confusion
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["10", "2", "8"]
