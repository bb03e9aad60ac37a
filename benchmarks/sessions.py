"""What a session costs: opening a package of 200 providers, and what 10,000 sessions leave behind."""

import gc
import statistics
import time
import weakref
from collections.abc import Iterator

from dependency_injector import containers, providers

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.node_scope_ours import new_container
from benchmarks.services import new_classes
from benchmarks.timing import median_ratio, repeated, rounds
from oneml.habitats import PipelineComponents, replace

PROVIDERS = 200
SESSIONS = 10_000


class Service:
    """Takes what it needs."""

    def __init__(self, *needs: object) -> None:
        self.needs = needs


def declared(count: int = PROVIDERS) -> dict[str, providers.Provider]:
    """Return providers of session singletons, each over the two before."""
    found: list[providers.Provider] = []
    for number in range(count):
        found.append(providers.Singleton(Service, *found[max(0, number - 2) : number]))
    return {f"p{number}": provider for number, provider in enumerate(found)}


def large_container() -> type[PipelineComponents]:
    """Return a new container of 200 providers."""
    return type("Large", (PipelineComponents,), {**declared(), "__module__": __name__, "__doc__": "Many."})


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of sessions."""
    yield from measure_opening(effort)
    yield from measure_validation(effort)
    yield from measure_many(1000 if effort.quick else SESSIONS)


def measure_opening(effort: Effort) -> Iterator[Figure]:
    """Give what it costs to open and close one session."""
    container = large_container()
    stock = type("Stock", (containers.DeclarativeContainer,), declared())
    override = replace(container.p0, Service())

    def first() -> float:
        unopened = large_container()
        began = time.perf_counter()
        with unopened.open() as opened:
            opened.p0()
        return time.perf_counter() - began

    contenders = {
        "stock": repeated(stock, seconds=effort.seconds),
        "first": first,
        "later": repeated(lambda: container.open().close(), seconds=effort.seconds),
        "override": repeated(lambda: container.open(overrides=[override]).close(), seconds=effort.seconds),
    }
    values = rounds(contenders, count=effort.rounds)
    peer = f"dependency-injector {statistics.median(values['stock']) * 1e3:.2f} ms"
    whats = {
        "first": "first session of a container, validation and the first object included",
        "later": "later session",
        "override": "session with an override",
    }
    for name, what in whats.items():
        yield at_most(
            f"{what}, {PROVIDERS} providers",
            statistics.median(values[name]) * 1e3,
            6,
            " ms",
            peer=peer,
            ratio=median_ratio(values[name], values["stock"]),
        )


def measure_validation(effort: Effort) -> Iterator[Figure]:
    """Give what it costs to check a provider graph."""

    def ours() -> float:
        container = large_container()
        began = time.perf_counter()
        container.blueprint().checked()
        return time.perf_counter() - began

    def compiled() -> float:
        container = large_container()
        began = time.perf_counter()
        builders = container.blueprint().checked().builders
        seconds = time.perf_counter() - began
        if len(builders) < PROVIDERS:
            message = f"{len(builders)} builders were compiled for {PROVIDERS} providers"
            raise RuntimeError(message)
        return seconds

    stock = type("Stock", (containers.DeclarativeContainer,), declared())()
    contenders = {
        "ours": ours,
        "compiled": compiled,
        "stock": repeated(stock.check_dependencies, seconds=effort.seconds),
    }
    values = rounds(contenders, count=effort.rounds)
    peer = f"check_dependencies() {statistics.median(values['stock']) * 1e3:.2f} ms"
    whole = statistics.median(values["compiled"]) * 1e3
    yield at_most(
        f"validation of {PROVIDERS} providers ({whole:.2f} ms with all builders compiled)",
        statistics.median(values["ours"]) * 1e3,
        2,
        " ms",
        peer=peer,
        ratio=median_ratio(values["ours"], values["stock"]),
    )


def measure_many(count: int) -> Iterator[Figure]:
    """Give what many sessions leave behind; each uses a node, every second one is dropped without being closed."""
    container = new_container(new_classes(), cached=True, finalizer=True)
    alive: list[weakref.ref[object]] = []

    def thousand() -> float:
        began = time.perf_counter()
        for number in range(1000):
            components = container.open()
            with components.node("//t") as node:
                node.t5()
            alive.extend((weakref.ref(components), weakref.ref(components.c1())))
            if number % 2:
                components.close()
        return time.perf_counter() - began

    thousand()
    alive.clear()
    seconds = [thousand() for _ in range(count // 1000)]
    gc.collect()
    left = sum(ref() is not None for ref in alive)
    yield at_most(f"objects alive after {count:,} sessions and gc", left, 0, "")
    name = f"last thousand of {count:,} sessions over the first, {seconds[-1] * 1000:.0f} us each"
    yield at_most(name, seconds[-1] / seconds[0], 1.1, "x")


if __name__ == "__main__":
    main(measure)
