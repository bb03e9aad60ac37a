"""Ray over plain submission of the same trivial work to the same cluster, where no network of this machine is."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.clusters_dask import NODES, WORKERS, context, driven
from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.timing import median_ratio, rounds
from oneml.habitats.engines.ray_api import RayApi, Ref
from oneml.habitats.engines.ray_cluster import RayEngine

SUPPORT = Path(__file__).resolve().parents[1] / "tests" / "support"
VALUE = b"v" * 200
"""About as long as a message and a reply of ours."""


def carried(value: bytes, *_before: bytes) -> bytes:
    """Give the value back: the peer's node."""
    return value


def plain(ray: RayApi, count: int, *, chain: bool) -> float:
    """Submit the same to Ray, each with a value, and fetch all results; gives seconds."""
    function = ray.remote(num_cpus=1, max_retries=0)(carried)
    began = time.perf_counter()
    refs: list[Ref] = []
    for _ in range(count):
        before = refs[-1:] if chain else []
        refs.append(function.remote(VALUE, *before))
    ray.get(refs)
    return time.perf_counter() - began


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of Ray."""
    count = 200 if effort.quick else NODES
    began = time.perf_counter()
    with RayEngine().open(context()) as run:
        driven(run, 1, chain=False)
        first = time.perf_counter() - began
        import ray as library

        ray: RayApi = library  # type: ignore[assignment]
        for chain in (True, False):
            contenders = {
                "plain": lambda chain=chain: plain(ray, count, chain=chain),
                "ours": lambda chain=chain: driven(run, count, chain=chain),
            }
            for contender in contenders.values():
                contender()
            values = rounds(contenders, count=3 if effort.quick else 7)
            ratio = median_ratio(values["ours"], values["plain"])
            name = (
                f"Ray, {'chain' if chain else 'fan-out'} of {count:,}, {WORKERS} workers, over plain remote with values"
            )
            peer = f"{statistics.median(values['plain']):.2f} s"
            yield at_most(name, ratio, 1.25, " times", peer=peer, ratio=ratio)
    yield at_most(
        "Ray, start to first result, embedded", first, 3.1 * 1.25, " s", peer="plain 3.1 s", ratio=first / 3.1
    )


def inside() -> int:
    """Run this program again in a place without the network of this machine."""
    sys.path.insert(0, str(SUPPORT))
    from loopback_only import command

    again = command(sys.executable, "-m", "benchmarks.clusters_ray", "--inside", *sys.argv[1:])
    return subprocess.run(again, check=False).returncode


if __name__ == "__main__":
    if "--inside" not in sys.argv:
        raise SystemExit(inside())
    sys.argv.remove("--inside")
    main(measure)
