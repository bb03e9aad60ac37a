"""What it costs to define, check and order 100,000 nodes: time and memory, each in a fresh process."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.timing import median_ratio, rounds

COUNT, QUICK_COUNT = 100_000, 10_000
MEGABYTE = 1_000_000


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of large graphs."""
    count = QUICK_COUNT if effort.quick else COUNT

    def timed(contender: str) -> Callable[[], float]:
        return lambda: one(contender, count)

    values = rounds({name: timed(name) for name in ("networkx", "ours")}, count=3 if effort.quick else 7)
    ours, peer = (statistics.median(values[name]) for name in ("ours", "networkx"))
    ratio = median_ratio(values["ours"], values["networkx"])
    yield at_most(
        f"{count:,} nodes, {ours:.2f} s, over networkx", ratio, 2.5, "x", peer=f"networkx {peer:.2f} s", ratio=ratio
    )
    (kept, peak), (peer_kept, peer_peak) = (one(name, count, "--memory") for name in ("ours", "networkx"))
    for what, value, other, limit in (("kept", kept, peer_kept, 1), ("peak", peak, peer_peak, 2)):
        name = f"{count:,} nodes, memory {what}: {value / MEGABYTE:.0f} MB, over networkx"
        ratio = value / other
        yield at_most(name, ratio, limit, "x", peer=f"networkx {other / MEGABYTE:.0f} MB", ratio=ratio)


def one(contender: str, count: int, *options: str) -> float:
    """Let a contender make its graph in a process of its own, and return what that measured."""
    command = [sys.executable, "-m", "benchmarks.graphs_one", contender, str(count), *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


if __name__ == "__main__":
    main(measure)
