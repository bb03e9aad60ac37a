"""Ray over plain submission of the same trivial work to the same cluster, where no network of this machine is."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.clusters_dask import NODES, context, driven
from benchmarks.figures import Figure, at_most, from_json
from benchmarks.group import Effort, main
from benchmarks.nodes_habitats import HABITATS
from benchmarks.timing import median_ratio, rounds
from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.engines.ray_api import RayApi, Ref
from oneml.habitats.engines.ray_cluster import RayEngine
from oneml.habitats.ports.engine import INLINE_RESULT_MAX_BYTES
from oneml.habitats.settings.sources import ProcessSources

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


class Sessions:
    """Whole sessions of trivial nodes on the Ray that this program is connected to.

    Args:
        folder: Of the store.
        count: How many nodes each has.
    """

    def __init__(self, folder: Path, count: int) -> None:
        registry = HabitatRegistry(search_path=[])
        for name, container in HABITATS:
            registry.register(name, f"{container.__module__}:{container.__name__}")
        sources = ProcessSources(environ={}, working_directory=folder)
        self._client = PipelineServiceClient(store=(folder / "store").as_uri(), registry=registry, sources=sources)
        self._count = count

    def run(self, habitat: str, inline_max_bytes: int) -> float:
        """Create a session and run it; gives the seconds of the run."""
        options = {"ray": {"inline_max_bytes": inline_max_bytes}}
        settings: Mapping[str, object] = {"engine": "ray", "engines": options, "count": self._count}
        with self._client.create_session(habitat, settings=settings) as session:
            began = time.perf_counter()
            if not session.run().succeeded:
                raise SystemExit(str(session.node_rows()))
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
        sessions = Sessions(folder, count)
        for chain, shape in ((True, "chain"), (False, "fan-out")):
            contenders: Contenders = {
                "plain": lambda chain=chain: plain(ray, count, chain=chain),  # type: ignore[misc]
                "engine": lambda chain=chain: driven(run, count, chain=chain),  # type: ignore[misc]
                "inline": lambda shape=shape: sessions.run(shape, INLINE_RESULT_MAX_BYTES),  # type: ignore[misc]
                "durable": lambda shape=shape: sessions.run(shape, 0),  # type: ignore[misc]
            }
            for contender in contenders.values():
                contender()
            durable = {name: contenders[name] for name in ("plain", "durable")}
            del contenders["durable"]
            what = f"{shape} of {count:,}"
            yield from _over_plain(what, rounds(contenders, count=3 if effort.quick else 7))
            yield _durable(what, rounds(durable, count=1 if effort.quick else 3), count)
    yield at_most(
        "Ray, start to first result, embedded", first, 3.1 * 1.25, " s", peer="plain 3.1 s", ratio=first / 3.1
    )


def _over_plain(what: str, values: Mapping[str, list[float]]) -> Iterator[Figure]:
    peer = f"plain remote {statistics.median(values['plain']):.2f} s"
    names = {"engine": "the engine alone, values inline", "inline": "a whole session, values inline"}
    for contender, name in names.items():
        ratio = median_ratio(values[contender], values["plain"])
        ours = f"{statistics.median(values[contender]):.2f} s"
        yield Figure(f"Ray, {what}, {name}", ours, "<= 1.25x", ratio <= 1.25, peer, ratio)


def _durable(what: str, values: Mapping[str, list[float]], count: int) -> Figure:
    more = [ours - theirs for ours, theirs in zip(values["durable"], values["plain"], strict=True)]
    name = f"Ray, {what}, a whole session, every output committed by its worker: more than plain remote"
    return at_most(name, statistics.median(more) / count * 1e3, 1.0, " ms a node")


if __name__ == "__main__":
    main(measure_here)
