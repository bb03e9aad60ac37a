"""Timing on a noisy machine: contenders take turns within a round, and only values of the same round are compared."""

import statistics
import timeit
from collections.abc import Callable, Mapping, Sequence

QUICK_ROUNDS, ROUNDS = 3, 15
QUICK_SECONDS, SECONDS = 0.01, 0.03


def repeated(call: Callable[[], object], *, seconds: float) -> Callable[[], float]:
    """Return what times ``call`` so often that it takes about ``seconds``, and gives the seconds of one.

    The garbage collector stays on, as it is in use.
    """
    timer = timeit.Timer(call, setup="import gc; gc.enable()")
    count = 1
    while (spent := timer.timeit(count)) < seconds / 4:
        count *= 4
    count = max(1, int(count * seconds / spent))
    return lambda: timer.timeit(count) / count


def rounds(contenders: Mapping[str, Callable[[], float]], *, count: int) -> dict[str, list[float]]:
    """Let the contenders take turns ``count`` times; who starts changes from round to round.

    Returns:
        What each gave, round by round.
    """
    names = list(contenders)
    values: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(count):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            values[name].append(contenders[name]())
    return values


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median, over the rounds, of the ratio within a round."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
