"""Entries that engines call in place of a session's worker: what a node does is its name."""

import os
import sys
import threading
import time
from pathlib import Path

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.outcome_json import outcome_to_json
from oneml.habitats.values.states import NodeState

PRELOADED: list[int] = []


def preload() -> None:
    PRELOADED.append(os.getpid())


def masked(text: str) -> str:
    return text.replace("s3cr3t", "***")


def broken_preload() -> None:
    raise RuntimeError("no such library")


def run(message: dict[str, object]) -> dict[str, object]:  # noqa: C901, PLR0912  # one deed after the other
    """Do what the last segment of the node says, up to its first ``_``."""
    node = NodePath(str(message["node"]))
    deed, _, rest = node.rpartition("/")[2].partition("_")
    if deed == "fail":
        return reply(NodeOutcome(node, NodeState.FAILED, 1, None, ErrorRecord("ValueError", "bad", "")))
    if deed == "raise":
        raise ValueError("escaped")
    if deed == "exit":
        os._exit(9)
    if deed == "sleep":
        time.sleep(float(rest) / 1000)
    if deed == "late":
        time.sleep(float(rest) / 1000)
        print("late s3cr3t")  # noqa: T201  # a node writes
    if deed == "print":
        print("hello s3cr3t")  # noqa: T201  # a node writes
        print("no end", end="", file=sys.stderr)  # noqa: T201  # a node writes
    if deed == "mute":
        os.close(1)
    if deed == "flood":
        for _ in range(3000):
            print("x" * 1023)  # noqa: T201  # a node writes
    if deed == "thread":
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()
    if deed == "live":
        print("at once")  # noqa: T201  # a node writes
        time.sleep(1.5)
    if deed == "set":
        return {"node": node, "outcome": threading.Lock()}
    if deed == "lock":
        return {**reply(NodeOutcome(node, NodeState.SUCCEEDED, 1)), "lock": threading.Lock()}
    if deed == "wait":
        wait_for(Path(str(message["store_url"])) / rest)
    if deed == "touch":
        (Path(str(message["store_url"])) / node.rpartition("/")[2]).touch()
    told = reply(NodeOutcome(node, NodeState.SUCCEEDED, 1))
    told["upstream"] = [before["node"] for before in message["upstream"]]  # type: ignore[attr-defined]
    told["pid"] = os.getpid()
    told["preloaded"] = len(PRELOADED)
    return told


def trivial(message: dict[str, object]) -> dict[str, object]:
    return reply(NodeOutcome(NodePath(str(message["node"])), NodeState.SUCCEEDED, 1))


def wait_for(file: Path) -> None:
    (file.parent / f"{file.name}-started").touch()
    while not file.exists():
        time.sleep(0.02)


def reply(outcome: NodeOutcome) -> dict[str, object]:
    return {"node": outcome.path, "outcome": outcome_to_json(outcome), "committed": False}
