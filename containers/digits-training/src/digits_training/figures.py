"""Drawings."""

from matplotlib.figure import Figure
from pandas import DataFrame


def draw_confusion(confusion: DataFrame, accuracy: float) -> Figure:
    """Draw a confusion matrix.

    Args:
        confusion: Counts; a row is a true label, a column what was predicted.
        accuracy: For the title.

    Returns:
        A figure of its own: no window, no global state of matplotlib.
    """
    figure = Figure(figsize=(5.0, 5.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    counts = confusion.to_numpy()
    axes.imshow(counts, cmap="Blues", vmax=max(int(counts.max()), 1))
    axes.set_xticks(range(len(confusion.columns)), list(confusion.columns))
    axes.set_yticks(range(len(confusion.index)), list(confusion.index))
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"accuracy {accuracy:.2%}")
    dark = counts.max() / 2
    for row, column in zip(*counts.nonzero(), strict=True):
        count = int(counts[row, column])
        axes.text(column, row, str(count), ha="center", va="center", color="white" if count > dark else "black")
    return figure
