"""Ray over plain submission of the same trivial work to the same cluster, where no network of this machine is."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.cluster_sessions import Sessions, durable, over_plain
from benchmarks.clusters_dask import NODES, WORKERS, context, driven
from benchmarks.figures import Figure, from_json
from benchmarks.group import Effort, main
from benchmarks.timing import median_ratio, rounds
from oneml.habitats.engines.ray_api import RayApi, Ref
from oneml.habitats.engines.ray_cluster import RayEngine
from oneml.habitats.ports.engine import INLINE_RESULT_MAX_BYTES

BEGAN = time.perf_counter()
SUPPORT = Path(__file__).resolve().parents[1] / "tests" / "support"
VALUE = b"v" * 200
"""About as long as a message and a reply of ours."""

Contenders = dict[str, Callable[[], float]]


def carried(value: bytes, *_before: bytes) -> bytes:
    """Give the value back: the peer's node."""
    return value


def plain(ray: RayApi, count: int, *, chain: bool) -> float:
    """Submit as much to Ray, each with a value and fed by the one before or by the first; gives seconds."""
    function = ray.remote(num_cpus=1, max_retries=0)(carried)
    began = time.perf_counter()
    refs: list[Ref] = []
    for _ in range(count):
        refs.append(function.remote(VALUE, *(refs[-1:] if chain else refs[:1])))
    ray.get(refs)
    return time.perf_counter() - began


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of Ray; what cannot be measured here says why."""
    sys.path.insert(0, str(SUPPORT))
    import loopback_only

    if (reason := loopback_only.reason_against()) is not None:
        why = f"not measurable here, for want of a place without the network of this machine: {reason}"
        yield Figure("Ray over plain remote", why)
        return
    words = [sys.executable, "-m", "benchmarks.clusters_ray", *(["--quick"] if effort.quick else [])]
    done = subprocess.run(loopback_only.command(*words), stdout=subprocess.PIPE, text=True, check=True)
    yield from from_json(done.stdout.splitlines()[-1])


def measure_here(effort: Effort) -> Iterator[Figure]:
    """Give the figures of Ray, on a cluster on this machine that ends with this program."""
    count = 200 if effort.quick else NODES
    yield from starts(count=1 if effort.quick else 5)
    with ExitStack() as stack:
        run = stack.enter_context(RayEngine().open(context()))
        driven(run, 1, chain=False)
        import ray as library

        ray: RayApi = library  # type: ignore[assignment]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oneml-bench-")))
        sessions = Sessions("ray", folder, count)
        for chain, shape in ((True, "chain"), (False, "fan-out")):
            contenders: Contenders = {
                "plain": lambda chain=chain: plain(ray, count, chain=chain),  # type: ignore[misc]
                "engine": lambda chain=chain: driven(run, count, chain=chain),  # type: ignore[misc]
                "inline": lambda shape=shape: sessions.run(shape, INLINE_RESULT_MAX_BYTES),  # type: ignore[misc]
                "durable": lambda shape=shape: sessions.run(shape, 0),  # type: ignore[misc]
            }
            for contender in contenders.values():
                contender()
            committing = {name: contenders[name] for name in ("plain", "durable")}
            del contenders["durable"]
            what = f"Ray, {shape} of {count:,}"
            values = rounds(contenders, count=3 if effort.quick else 7)
            yield from over_plain(what, "plain remote", values)
            yield durable(what, "plain remote", values, count, "inline")
            yield durable(what, "plain remote", rounds(committing, count=1 if effort.quick else 3), count)


def starts(count: int) -> Iterator[Figure]:
    """Give the figure of starting a cluster, each time in a new process.

    Args:
        count: How often each starts one.
    """
    commands = {name: [sys.executable, "-m", "benchmarks.clusters_ray", START + name] for name in STARTS}
    seconds: Contenders = {
        name: lambda command=command: float(subprocess.check_output(command, text=True).split()[-1])  # type: ignore[misc]
        for name, command in commands.items()
    }
    values = rounds(seconds, count=count)
    ratio = median_ratio(values["engine"], values["plain"])
    ours, peer = (f"{statistics.median(values[name]):.2f} s" for name in ("engine", "plain"))
    yield Figure("Ray, start to first result, embedded", ours, "<= 1.25x", ratio <= 1.25, f"plain init {peer}", ratio)


def engine_start() -> None:
    """Start a cluster as the engine does, and run a node."""
    with RayEngine().open(context()) as run:
        driven(run, 1, chain=False)
        ended = time.perf_counter()
    print(ended - BEGAN)


def plain_start() -> None:
    """Start a cluster as Ray's documentation says, with as many processors, and run a function."""
    import ray as library

    ray: RayApi = library  # type: ignore[assignment]
    with tempfile.TemporaryDirectory(prefix="oneml-bench-", ignore_cleanup_errors=True) as folder:
        place = {"address": "local", "_node_ip_address": "127.0.0.1", "_temp_dir": folder}
        ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, **place)
        ray.get(ray.remote(num_cpus=1)(carried).remote(VALUE))
        print(time.perf_counter() - BEGAN)
        ray.shutdown()


START = "--start="
STARTS = {"engine": engine_start, "plain": plain_start}


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].startswith(START):
        STARTS[sys.argv[1].removeprefix(START)]()
    else:
        main(measure_here)
