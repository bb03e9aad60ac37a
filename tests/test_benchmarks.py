"""The benchmarks run, and tell what they miss."""

import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, at_most, from_json, table, to_json
from benchmarks.timing import median_ratio, rounds

ROOT = Path(__file__).parents[1]


def test_missed_target_is_shown_as_missed() -> None:
    shown = table([at_most("one", 2.5, 2, "x"), at_most("two", 1.5, 2, "x"), Figure(name="three", ours="3 ms")])
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in shown.splitlines()]
    assert rows[0] == ["figure", "ours", "target", "peer", "ratio"]
    assert rows[2:] == [
        ["one", "2.50x", "<= 2x (missed)", "", ""],
        ["two", "1.50x", "<= 2x", "", ""],
        ["three", "3 ms", "", "", ""],
    ]


def test_figures_survive_the_way_between_processes() -> None:
    figures = [at_most("one", 2.5, 2, "x", peer="other 5x", ratio=0.5)]
    assert from_json(to_json(figures)) == figures


def test_contenders_take_turns_and_another_one_starts_each_round() -> None:
    seen: list[str] = []

    def contender(name: str) -> float:
        seen.append(name)
        return float(len(seen))

    values = rounds({name: lambda name=name: contender(name) for name in "ab"}, count=3)
    assert "".join(seen) == "abbaab"
    assert values == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_only_values_of_one_round_are_compared() -> None:
    assert median_ratio([1.0, 20.0, 3.0], [1.0, 10.0, 1.0]) == 2.0


def test_group_prints_its_table() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "graphs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| 10,000 nodes, memory kept:" in done.stdout
    assert "networkx" in done.stdout
