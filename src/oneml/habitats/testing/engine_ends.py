"""What every engine tells while a session runs, and what it leaves behind: nothing."""

import gc
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import pytest

from oneml.habitats.engines.kinship import child_ids
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog, SessionEvent
from oneml.habitats.testing.engine_sessions import EngineSessions, NewSession, run_and_stop, states
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import FINAL_NODE_STATES, NodeState, SessionState

_OF_STORES = "oneml-store"

CALM_SECONDS = 10.0
"""How long what ends may take to be gone."""


class Held(NamedTuple):
    """What this process holds, but for the threads of stores, which live as long as a client.

    Attributes:
        threads: Names, a thread each.
        children: Its processes.
        descriptors: What they lead to, one each; on Linux alone more than their number is known.
    """

    threads: Counter[str]
    children: frozenset[int]
    descriptors: Counter[str]

    @classmethod
    def now(cls) -> "Held":
        """Return what it holds now; what only waits to be collected is not held."""
        gc.collect()
        names = (thread.name for thread in threading.enumerate())
        listed: list[str] = os.listdir("/dev/fd")  # noqa: PTH208  # which is closed again
        return cls(
            threads=Counter(name for name in names if not name.startswith(_OF_STORES)),
            children=child_ids(),
            descriptors=Counter(target for target in map(_target, listed) if target),
        )

    def beyond(self, other: "Held", *, descriptors: bool) -> list[str]:
        """Name what it holds and another did not.

        Args:
            other: The other.
            descriptors: Whether these count as well.
        """
        more = [f"thread {name}" for name in self.threads - other.threads]
        more += [f"process {number}" for number in sorted(self.children - other.children)]
        if descriptors and self.descriptors.total() > other.descriptors.total():
            more += [f"{count} descriptors of {kind}" for kind, count in (self.descriptors - other.descriptors).items()]
        return more


def _target(descriptor: str) -> str:
    try:
        return re.sub(r"\d+", "N", os.readlink(f"/dev/fd/{descriptor}"))  # noqa: PTH115  # no path, but a name
    except FileNotFoundError:
        return ""  # that of the folder, while it was listed
    except OSError:
        return "descriptor"


class EngineEnds(EngineSessions):
    """The part of the suite on progress and on the end."""

    CLOSES_AT_ONCE: ClassVar[bool] = True
    """Whether descriptors are closed when a run has ended, and not whenever a library of the engine comes to it."""

    def test_progress_is_told_in_order_and_every_node_ends_once(self, new_session: NewSession) -> None:
        events: list[Event] = []
        with new_session("failing", failures=1, nodes={"//fail": {"retries": 1}}) as session:
            result = session.run(observers=[events.append])
            assert result.succeeded, result.nodes
        whole = [event for event in events if isinstance(event, SessionEvent)]
        assert [(event.state, event.node_count) for event in whole] == [
            (SessionState.RUNNING, 4),
            (SessionState.SUCCEEDED, 4),
        ]
        assert (events[0], events[-1]) == (whole[0], whole[1])
        told: dict[NodePath, list[tuple[NodeState, int]]] = {}
        for event in events:
            if isinstance(event, NodeEvent):
                told.setdefault(event.path, []).append((event.state, event.attempt))
        once = [(NodeState.RUNNING, 1), (NodeState.SUCCEEDED, 1)]
        again = [(NodeState.RUNNING, 1), (NodeState.PENDING, 1), (NodeState.RUNNING, 2), (NodeState.SUCCEEDED, 2)]
        assert told == {"//start": once, "//fail": again, "//after": once, "//beside": once}

    def test_what_a_node_writes_is_told_before_its_end(self, new_session: NewSession) -> None:
        events: list[Event] = []
        with new_session("failing", failures=1) as session:
            session.run(observers=[events.append])
        of_node = [event for event in events if isinstance(event, NodeEvent | NodeLog) and event.path == "//fail"]
        assert isinstance(of_node[0], NodeEvent)
        assert of_node[0].state is NodeState.RUNNING
        assert isinstance(of_node[-1], NodeEvent)
        assert of_node[-1].state is NodeState.FAILED
        assert sum(isinstance(event, NodeEvent) and event.state in FINAL_NODE_STATES for event in of_node) == 1

    @pytest.mark.parametrize("how", ["succeeds", "fails", "is lost", "is stopped"])
    def test_no_thread_process_or_descriptor_is_left_when_a_run_has_ended(
        self, new_session: NewSession, runs: Callable[[str], int], how: str
    ) -> None:
        """What the first run of a kind loads for good may stay; the second one adds nothing, and no process stays."""
        before = child_ids()
        self._run_that(how, new_session, runs)
        usual = _calm()._replace(children=before)
        self._run_that(how, new_session, runs)
        give_up_at = time.monotonic() + CALM_SECONDS
        while left := Held.now().beyond(usual, descriptors=self.CLOSES_AT_ONCE):
            assert time.monotonic() < give_up_at, left
            time.sleep(0.05)

    def _run_that(self, how: str, new_session: NewSession, runs: Callable[[str], int]) -> None:
        if how == "is stopped":
            with new_session("sleeping", seconds=60.0 if self.KILLS_WORKERS else 2.0) as session:
                assert run_and_stop(session, runs).state is SessionState.STOPPED
        elif how == "succeeds":
            with new_session("contract") as session:
                assert session.run().succeeded
        else:
            lost = how == "is lost" and self.KILLS_WORKERS
            with new_session("failing", failures=99, how="kill" if lost else "raise") as session:
                assert not session.run().succeeded
                assert states(session)["//fail"] == "failed"


def _calm() -> Held:
    """Return what this process holds once that does not change any more."""
    give_up_at = time.monotonic() + CALM_SECONDS
    held = None
    while (now := Held.now()) != held and time.monotonic() < give_up_at:
        held = now
        time.sleep(0.3)
    return now
