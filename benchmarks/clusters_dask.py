"""Dask over plain submission of the same trivial work to the same cluster, and what a driver of 10,000 nodes takes."""

import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from distributed import Client, LocalCluster

from benchmarks.cluster_sessions import Sessions, durable, over_plain
from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.timing import rounds
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.ports.engine import (
    INLINE_RESULT_MAX_BYTES,
    EngineContext,
    EngineRun,
    NodeTask,
    WorkerMessage,
    WorkerReply,
)
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.outcome_json import outcome_from_json, outcome_to_json
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

NODES = 1000
MANY = 10_000
WORKERS = 2


def trivial(message: WorkerMessage) -> WorkerReply:
    """Answer for a node that does nothing."""
    path = NodePath(str(message["node"]))
    outcome = outcome_to_json(NodeOutcome(path, NodeState.SUCCEEDED, 1))
    return {"node": path, "outcome": outcome, "committed": False}


def nothing(*_before: object) -> int:
    """Do nothing: the peer's node."""
    return 0


def preload() -> None:
    """Load nothing."""


def masked(text: str) -> str:
    """Hide nothing: nothing is printed."""
    return text


def context() -> EngineContext:
    """Return what a session would hand to the engine, without a store."""

    def message(task: NodeTask, inline_max_bytes: int) -> WorkerMessage:
        told = {"habitat": "bench", "session_id": "0" * 36, "store_url": None, "node": task.path}
        return {**told, "attempt": task.attempt, "inline_max_bytes": inline_max_bytes}

    def take(replies: Sequence[WorkerReply]) -> Sequence[NodeOutcome]:
        return [outcome_from_json(reply["outcome"], what="reply") for reply in replies]  # type: ignore[arg-type]

    return EngineContext(
        habitat="bench",
        session_id=SessionId("0" * 36),
        store_url=None,
        workers=WORKERS,
        execute=lambda path: NodeOutcome(path, NodeState.FAILED),
        known=lambda _path, _attempt: None,
        last_attempt=lambda _path: 0,
        mask=str,
        log=lambda _path, _line: None,
        entry="benchmarks.clusters_dask:trivial",
        masking="benchmarks.clusters_dask:masked",
        preload="benchmarks.clusters_dask:preload",
        take=take,
        message=message,
        options={},
        isolated=False,
    )


def tasks(count: int, *, chain: bool) -> Iterator[NodeTask]:
    """Give nodes, each after the one before or after none."""
    for number in range(count):
        yield NodeTask(node(number), None, after=(node(number - 1),) if chain and number else ())


def node(number: int) -> NodePath:
    """Return a path."""
    return NodePath(f"//n/{number}")


def driven(run: EngineRun, count: int, *, chain: bool) -> float:
    """Run nodes as a session does; gives seconds."""
    began = time.perf_counter()
    waiting = tasks(count, chain=chain)
    held = came = 0
    while came < count:
        while held < run.slots and (task := next(waiting, None)) is not None:
            run.submit(task)
            held += 1
        ended = run.wait()
        if any(outcome.state is not NodeState.SUCCEEDED for outcome in ended):
            raise SystemExit(str(ended))
        held -= len(ended)
        came += len(ended)
    return time.perf_counter() - began


def plain(client: Client, count: int, *, chain: bool) -> float:
    """Submit the same to Dask and fetch all results; gives seconds."""
    began = time.perf_counter()
    futures = []
    for _ in range(count):
        before = futures[-1:] if chain else []
        futures.append(client.submit(nothing, *before, pure=False, key=f"nothing-{uuid.uuid4()}"))
    client.gather(futures)
    return time.perf_counter() - began


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of Dask."""
    count = 200 if effort.quick else NODES
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with (
        tempfile.TemporaryDirectory(prefix="oneml-bench-") as temporary,
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, scheduler_kwargs=quiet
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
        DaskEngine(cluster=cluster).open(context()) as run,
    ):
        sessions = Sessions("dask", Path(temporary), count, engines=[DaskEngine(cluster=cluster)])
        for chain, shape in ((True, "chain"), (False, "fan-out")):
            contenders: dict[str, Callable[[], float]] = {
                "plain": lambda chain=chain: plain(client, count, chain=chain),  # type: ignore[misc]
                "engine": lambda chain=chain: driven(run, count, chain=chain),  # type: ignore[misc]
                "inline": lambda shape=shape: sessions.run(shape, INLINE_RESULT_MAX_BYTES),  # type: ignore[misc]
                "durable": lambda shape=shape: sessions.run(shape, 0),  # type: ignore[misc]
            }
            for contender in contenders.values():
                contender()
            values = rounds(contenders, count=2 if effort.quick else 5)
            what = f"Dask, {shape} of {count:,}"
            yield from over_plain(what, "plain submit", values)
            for contender in ("inline", "durable"):
                yield durable(what, "plain submit", values, count, contender)
    if not effort.quick:
        yield measure_memory()


def measure_memory() -> Figure:
    """Give the peak memory of the driver of a whole session of many nodes, the scheduler in the same process."""
    script = "from benchmarks.clusters_dask import many; many()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    mebibytes, seconds = map(float, done.stdout.split())
    what = f"Dask, fan-out of {MANY:,}, memory of the driver, the scheduler within ({seconds:.0f} s)"
    return at_most(what, mebibytes, 300, " MB")


def many() -> None:
    """Print the peak memory of this process, in MB, after a session of many nodes, and the seconds that it took."""
    with tempfile.TemporaryDirectory(prefix="oneml-bench-") as temporary:
        sessions = Sessions("dask", Path(temporary), MANY, engines=[DaskEngine()])
        seconds = sessions.run("fan-out", INLINE_RESULT_MAX_BYTES)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seconds)


if __name__ == "__main__":
    main(measure)
