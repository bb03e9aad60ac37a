"""Whole sessions of trivial nodes on a cluster, and their figures over plain submission to the same cluster."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import Figure, at_most
from benchmarks.nodes_habitats import HABITATS
from benchmarks.timing import median_ratio
from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.ports.engine import Engine
from oneml.habitats.settings.sources import ProcessSources


class Sessions:
    """Whole sessions on one engine.

    Args:
        engine: Its name.
        folder: Of the store.
        count: How many nodes each session has.
        engines: The engine, where it is not the one that is registered under the name.
    """

    def __init__(self, engine: str, folder: Path, count: int, engines: Sequence[Engine] = ()) -> None:
        registry = HabitatRegistry(search_path=[])
        for name, container in HABITATS:
            registry.register(name, f"{container.__module__}:{container.__name__}")
        sources = ProcessSources(environ={}, working_directory=folder)
        store = (folder / "store").as_uri()
        self._client = PipelineServiceClient(store=store, registry=registry, sources=sources, engines=engines)
        self._engine = engine
        self._count = count

    def run(self, habitat: str, inline_max_bytes: int) -> float:
        """Create a session and run it; gives the seconds of the run."""
        options = {self._engine: {"inline_max_bytes": inline_max_bytes}}
        settings: Mapping[str, object] = {"engine": self._engine, "engines": options, "count": self._count}
        with self._client.create_session(habitat, settings=settings) as session:
            began = time.perf_counter()
            if not session.run().succeeded:
                raise SystemExit(str(session.node_rows()))
            return time.perf_counter() - began


def over_plain(what: str, plain: str, values: Mapping[str, list[float]]) -> Iterator[Figure]:
    """Give the figures of ``engine`` and ``inline`` over ``plain``.

    Args:
        what: What ran where.
        plain: What plain submission is called there.
        values: Seconds, round by round.
    """
    peer = f"{plain} {statistics.median(values['plain']):.2f} s"
    names = {"engine": "the engine alone, values inline", "inline": "a whole session, values inline"}
    for contender, name in names.items():
        ratio = median_ratio(values[contender], values["plain"])
        ours = f"{statistics.median(values[contender]):.2f} s"
        yield Figure(f"{what}, {name}", ours, "<= 1.25x", ratio <= 1.25, peer, ratio)


_COMMITTED_BY = {
    "durable": "every output committed by its worker",
    "inline": "every output committed by the driver before the run ends",
}


def durable(what: str, plain: str, values: Mapping[str, list[float]], count: int, contender: str = "durable") -> Figure:
    """Give the figure of ``durable``, or ``inline``, over ``plain``; see `over_plain`."""
    more = [ours - theirs for ours, theirs in zip(values[contender], values["plain"], strict=True)]
    name = f"{what}, a whole session, {_COMMITTED_BY[contender]}: more than {plain}"
    return at_most(name, statistics.median(more) / count * 1e3, 1.0, " ms a node")
