"""What running a node costs: in this process, outputs in memory or committed, states recorded and progress watched."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import nodes_peers
from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.nodes_habitats import HABITATS
from benchmarks.timing import rounds
from oneml.habitats import HabitatRegistry, PipelineServiceClient

FEW, MANY = 1_000, 10_000
IN_MEMORY = {"store": "memory:", "workers": 1}
THREADS = {"store": "memory:", "workers": 2}
PERSISTED = {"workers": 1}
Contender = Callable[[], float]


class Nodes:
    """Runs sessions of the habitats, each session once."""

    def __init__(self, folder: Path) -> None:
        registry = HabitatRegistry()
        for name, container in HABITATS:
            registry.register(name, f"{container.__module__}:{container.__qualname__}")
        self._client = PipelineServiceClient(store=folder.as_uri(), registry=registry)

    def contender(self, habitat: str, count: int, settings: dict[str, object]) -> Contender:
        """Return what runs a new session of ``count`` nodes and gives the seconds of its run alone."""

        def run() -> float:
            events: list[object] = []
            with self._client.create_session(habitat, settings={"count": count, **settings}) as session:
                gc.collect()
                began = time.perf_counter()
                result = session.run(observers=[events.append])
                seconds = time.perf_counter() - began
            if not (result.succeeded and len(result.nodes) == count and len(events) >= 2 * count):
                message = f"{habitat} of {count} ran wrongly: {result.state}, {len(events)} events"
                raise RuntimeError(message)
            return seconds

        return run


def once(call: Callable[[], object]) -> Contender:
    """Return what times one call."""

    def run() -> float:
        gc.collect()
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return run


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of running nodes."""
    with TemporaryDirectory() as folder:
        nodes = Nodes(Path(folder) / "store")
        bare_of = {"chain": nodes_peers.bare_chain, "fan-out": nodes_peers.bare_fan_out}
        for name, _ in HABITATS:
            bare = bare_of[name]
            contenders = {
                "bare": once(bare(FEW)),
                "hamilton": once(nodes_peers.hamilton(FEW, chain=name == "chain")),
                "ours": nodes.contender(name, FEW, IN_MEMORY),
            }
            values = warm_rounds(contenders, effort.rounds)
            few = over_bare(values["ours"], values["bare"], FEW)
            peer = over_bare(values["hamilton"], values["bare"], FEW)
            yield at_most(
                f"inline, {name} of 1,000", few, 8, " us a node", peer=f"hamilton {peer:.1f} us", ratio=few / peer
            )
            contenders = {"few": contenders["ours"], "many": nodes.contender(name, MANY, IN_MEMORY)}
            values = warm_rounds(contenders, max(3, effort.rounds // 3))
            growth = statistics.median(
                (many / MANY) / (one / FEW) for many, one in zip(values["many"], values["few"], strict=True)
            )
            yield at_most(f"inline, {name} of 10,000 over 1,000, by node", growth, 1.3, "x")
        yield from measure_threads(nodes, effort)
        yield from measure_persisted(nodes, Path(folder), effort)


def measure_threads(nodes: Nodes, effort: Effort) -> Iterator[Figure]:
    """Give the figures of two threads."""
    for name, _ in HABITATS:
        contenders = {
            "bare": once(nodes_peers.bare_chain(FEW)),
            "hand-off": once(nodes_peers.hand_off(FEW)),
            "ours": nodes.contender(name, FEW, THREADS),
        }
        values = warm_rounds(contenders, effort.rounds)
        ours = over_bare(values["ours"], values["bare"], FEW)
        peer = over_bare(values["hand-off"], values["bare"], FEW)
        label = f"two threads, {name} of 1,000"
        yield at_most(label, ours, 100, " us a node", peer=f"a hand-off {peer:.0f} us", ratio=ours / peer)


def measure_persisted(nodes: Nodes, folder: Path, effort: Effort) -> Iterator[Figure]:
    """Give the figures of outputs that are committed durably."""
    durable = folder / "durable"
    durable.mkdir()
    for name, _ in HABITATS:
        contenders = {
            "bare": once(nodes_peers.bare_chain(FEW)),
            "durable": once(nodes_peers.durable_files(FEW, durable)),
            "ours": nodes.contender(name, FEW, PERSISTED),
        }
        values = warm_rounds(contenders, max(3, effort.rounds // 3))
        ours = over_bare(values["ours"], values["bare"], FEW) / 1000
        peer = over_bare(values["durable"], values["bare"], FEW) / 1000
        label = f"inline, {name} of 1,000, every output committed"
        yield at_most(label, ours, 1.0, " ms a node", peer=f"one durable file {peer:.2f} ms", ratio=ours / peer)


def warm_rounds(contenders: dict[str, Contender], count: int) -> dict[str, list[float]]:
    """Let each contender go once unmeasured, then take turns."""
    for contender in contenders.values():
        contender()
    return rounds(contenders, count=count)


def over_bare(seconds: Sequence[float], bare: Sequence[float], count: int) -> float:
    """Return the median of what a node costs beyond the bare loop of the same round, in microseconds."""
    return statistics.median(one - floor for one, floor in zip(seconds, bare, strict=True)) / count * 1e6


if __name__ == "__main__":
    main(measure)
