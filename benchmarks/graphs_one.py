"""Defines, checks and orders one graph, once, in this process: `python -m benchmarks.graphs_one ours|networkx COUNT`.

Prints the seconds, or with ``--memory`` the bytes that are kept and the most that there were.
"""

import gc
import json
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping

Upstreams = Mapping[str, tuple[str, ...]]


def upstreams(count: int) -> Upstreams:
    """Return the two upstreams of each node, from the hundred before it; the first ones have fewer."""
    chance = random.Random(7)
    names = [f"n{number}" for number in range(count)]
    found: dict[str, tuple[str, ...]] = {}
    for number, name in enumerate(names):
        before = range(max(0, number - 100), number)
        found[name] = tuple(names[one] for one in chance.sample(before, min(2, len(before))))
    return found


def by_networkx(graph: Upstreams) -> tuple[Callable[[], object], Callable[[object], int]]:
    """Return what makes the graph and its order by networkx, and what counts the nodes in what it made."""
    import networkx

    def make() -> object:
        made = networkx.DiGraph()
        made.add_nodes_from(graph)
        made.add_edges_from((source, name) for name, sources in graph.items() for source in sources)
        if not networkx.is_directed_acyclic_graph(made):
            message = "a cycle"
            raise RuntimeError(message)
        return made, list(networkx.topological_sort(made))

    return make, lambda made: len(made[1])  # type: ignore[index]


def by_us(graph: Upstreams) -> tuple[Callable[[], object], Callable[[object], int]]:
    """Return what makes our plan, and what counts its nodes. Ports are typed, and checked."""
    from benchmarks.graphs_habitat import Sums, new_builder

    def make() -> object:
        with Sums.open() as components:
            builder = new_builder(components)
            providers = components.source, components.follow, components.add
            handles: dict[str, int] = {}
            for name, sources in graph.items():
                given = {key: handles[source] for key, source in zip("xy", sources, strict=False)}
                handles[name] = builder.node(name, providers[len(sources)])(**given)
            return builder.build()

    return make, lambda plan: len(plan.nodes)  # type: ignore[attr-defined]


def main() -> None:
    """Run the program."""
    contender, count = sys.argv[1], int(sys.argv[2])
    graph = upstreams(count)
    make, size = (by_us if contender == "ours" else by_networkx)(graph)
    gc.collect()
    if "--memory" in sys.argv:
        tracemalloc.start()
        made = make()
        gc.collect()
        value: object = tracemalloc.get_traced_memory()
    else:
        began = time.perf_counter()
        made = make()
        value = time.perf_counter() - began
    if size(made) != count:
        message = f"{size(made)} nodes instead of {count}"
        raise RuntimeError(message)
    print(json.dumps(value))


if __name__ == "__main__":
    main()
