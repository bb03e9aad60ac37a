"""Running one group of figures as a program, so that groups cannot disturb each other."""

import argparse
from collections.abc import Callable, Iterable

from benchmarks.figures import Figure, to_json
from benchmarks.timing import QUICK_ROUNDS, QUICK_SECONDS, ROUNDS, SECONDS


class Effort:
    """How much time a group may take."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.rounds = QUICK_ROUNDS if quick else ROUNDS
        self.seconds = QUICK_SECONDS if quick else SECONDS


def main(measure: Callable[[Effort], Iterable[Figure]]) -> None:
    """Print the figures of a group as JSON, on the last line."""
    parser = argparse.ArgumentParser(description="Prints one group of figures as JSON.")
    parser.add_argument("--quick", action="store_true", help="few rounds: to try it, not to quote it")
    print(to_json(measure(Effort(quick=parser.parse_args().quick))))
