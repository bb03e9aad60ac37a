"""What a node scope costs: opened, its root resolved, closed; over the same work in plain Python."""

import statistics
from collections.abc import Callable, Iterator, Mapping

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.node_scope_ours import ByHand, Ours
from benchmarks.node_scope_peers import Contender, Dishka, Plain, Stock, Wireup
from benchmarks.timing import median_ratio, repeated, rounds

CONTENDERS = {
    "plain": Plain,
    "ours": Ours,
    "by hand": ByHand,
    "wireup": Wireup,
    "dishka": Dishka,
    "dependency-injector": Stock,
}
PEERS = ("wireup", "dishka", "dependency-injector")
Call = Callable[[], object]


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of node scopes."""
    kept = {name: make(cached=True) for name, make in CONTENDERS.items()}
    closing = {name: make(cached=True, finalizer=True) for name, make in CONTENDERS.items()}
    fresh = {name: make(cached=False) for name, make in CONTENDERS.items()}
    yield from compared("open, root of 5 objects, close", {n: cycle(c) for n, c in kept.items()}, effort, limit=5)
    calls = {name: cycle(contender) for name, contender in closing.items()}
    yield from compared("the same with a finalizer (ours: and an override)", calls, effort, limit=5)
    yield from compared("root in an open scope, 5 new objects", {n: warm(c, c.root) for n, c in fresh.items()}, effort)
    yield from compared("cached process singleton", {n: warm(c, c.single) for n, c in kept.items()}, effort)


def compared(what: str, calls: Mapping[str, Call], effort: Effort, limit: float | None = None) -> Iterator[Figure]:
    """Give one row for each peer, and one for ours in a `components.node()` block."""
    timed = {name: repeated(call, seconds=effort.seconds) for name, call in calls.items()}
    values = rounds(timed, count=effort.rounds)
    over_plain = {name: median_ratio(seconds, values["plain"]) for name, seconds in values.items()}
    for mine, peer in [*(("ours", peer) for peer in PEERS), ("by hand", PEERS[0])]:
        where = ", in a components.node() block" if mine == "by hand" else ""
        name = f"{what}{where}: {statistics.median(values[mine]) * 1e6:.2f} us, over plain Python"
        told = f"{peer} {over_plain[peer]:.2f}x"
        ratio = median_ratio(values[mine], values[peer])
        if limit is None:
            yield Figure(name=name, ours=f"{over_plain[mine]:.2f}x", peer=told, ratio=ratio)
        else:
            yield at_most(name, over_plain[mine], limit, "x", peer=told, ratio=ratio)


def cycle(contender: Contender) -> Call:
    """Return what opens a scope, resolves its root and closes it."""
    enter, root, close = contender.open, contender.root, contender.close

    def run() -> None:
        scope = enter()
        root(scope)
        close(scope)

    return run


def warm(contender: Contender, call: Callable[[object], object]) -> Call:
    """Return ``call`` in a scope that stays open."""
    scope = contender.open()
    contender.root(scope)
    return lambda: call(scope)


if __name__ == "__main__":
    main(measure)
