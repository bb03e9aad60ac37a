"""Ray over plain submission of the same trivial work to the same cluster, where no network of this machine is."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.cluster_sessions import Sessions, durable, over_plain
from benchmarks.clusters_dask import NODES, context, driven
from benchmarks.figures import Figure, at_most, from_json
from benchmarks.group import Effort, main
from benchmarks.timing import rounds
from oneml.habitats.engines.ray_api import RayApi, Ref
from oneml.habitats.engines.ray_cluster import RayEngine
from oneml.habitats.ports.engine import INLINE_RESULT_MAX_BYTES

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
    began = time.perf_counter()
    with ExitStack() as stack:
        run = stack.enter_context(RayEngine().open(context()))
        driven(run, 1, chain=False)
        first = time.perf_counter() - began
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
    yield at_most(
        "Ray, start to first result, embedded", first, 3.1 * 1.25, " s", peer="plain 3.1 s", ratio=first / 3.1
    )


if __name__ == "__main__":
    main(measure_here)
