"""What a node costs in a worker process: a warm one, and one that is forked for it."""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.nodes_habitats import HABITATS
from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.engines.process import ProcessEngine
from oneml.habitats.ports.engine import EngineContext, EngineRun, NodeTask, WorkerMessage, WorkerReply
from oneml.habitats.ports.observer import Event, NodeEvent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.outcome_json import outcome_from_json, outcome_to_json
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState

NODES = 100
WARM, FRESH = NodePath("//warm"), NodePath("//fresh")


def trivial(message: WorkerMessage) -> WorkerReply:
    """Answer at once; at one of the nodes so that the worker is replaced."""
    path = NodePath(str(message["node"]))
    state = NodeState.SUCCEEDED if path == WARM else NodeState.CANCELLED
    return {"node": path, "outcome": outcome_to_json(NodeOutcome(path, state)), "committed": True}


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of worker processes."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # workers see only what is installed
    count = 20 if effort.quick else NODES
    with ProcessEngine().open(_context()) as run:
        _milliseconds(run, WARM)
        warm = [_milliseconds(run, WARM) for _ in range(count)]
        fresh = [_rested_milliseconds(run, FRESH) for _ in range(count)][1:]
    sessions = statistics.median(_session_milliseconds(count) for _ in range(1 if effort.quick else 3))
    yield at_most(f"a node in a warm worker, mean of a chain of {count}, outputs durable", sessions, 10, " ms")
    yield at_most(
        "a node that does nothing in a warm worker, the engine alone, median", statistics.median(warm), 10, " ms"
    )
    yield at_most(
        "the same in a worker forked for it, floor imports loaded, median", statistics.median(fresh), 15, " ms"
    )


def _milliseconds(run: EngineRun, path: NodePath) -> float:
    began = time.perf_counter()
    run.submit(NodeTask(path, None))
    while not run.wait(1.0):
        pass
    return (time.perf_counter() - began) * 1000


def _rested_milliseconds(run: EngineRun, path: NodePath) -> float:
    time.sleep(0.2)  # the worker before it has ended by then, and takes no processor
    return _milliseconds(run, path)


def _session_milliseconds(count: int) -> float:
    """Return what each node of a chain takes after the first, which starts the worker and opens the session."""
    registry = HabitatRegistry()
    for name, container in HABITATS:
        registry.register(name, f"{container.__module__}:{container.__qualname__}")
    ended: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, NodeEvent) and event.state is NodeState.SUCCEEDED:
            ended.append(time.perf_counter())

    with TemporaryDirectory() as folder:
        client = PipelineServiceClient(store=Path(folder).as_uri(), registry=registry)
        settings = {"engine": "process", "workers": 1, "count": count + 1}
        with client.create_session("chain", settings=settings) as session:
            result = session.run(observers=[watch])
    if not result.succeeded:
        message = f"the session ended as {result.state}"
        raise RuntimeError(message)
    return (ended[-1] - ended[0]) / count * 1000


def _context() -> EngineContext:
    def not_here(*_arguments: object) -> NoReturn:
        message = "nodes run in workers"
        raise RuntimeError(message)

    return EngineContext(
        habitat="none",
        session_id=SessionId("none"),
        store_url=None,
        workers=1,
        execute=not_here,
        known=lambda _path, _after: None,
        last_attempt=lambda _path: 0,
        mask=str,
        log=lambda _path, _line: None,
        entry="benchmarks.workers:trivial",
        masking="oneml.habitats.sessions.worker:masked",
        preload="oneml.habitats.sessions.worker:preload",
        take=lambda replies: [outcome_from_json(reply["outcome"], what="reply") for reply in replies],  # type: ignore[arg-type]
        message=lambda task, _inline: {"node": task.path},
        options={},
        isolated=False,
    )


if __name__ == "__main__":
    main(measure)
