"""What every engine makes of what nodes ask for: given or refused, most urgent first, code that only workers have."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.ports.engine import Capability
from oneml.habitats.testing.engine_sessions import PATIENCE_SECONDS, EngineSessions, NewSession
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import NodeState

BEYOND = {
    "cpus": (Capability.CPUS, {"resources": {"cpus": 4096}}, "processors|cpu"),
    "gpus": (Capability.GPUS, {"resources": {"gpus": 64}}, "gpu"),
    "memory": (Capability.MEMORY_LIMIT, {"resources": {"memory_bytes": 1 << 50}}, "mem"),
    "image": (Capability.IMAGES, {"image": "nowhere"}, "nowhere"),
    "priority": (Capability.PRIORITY, {"priority": 1}, "priority"),
}
"""By what is asked for: who can give it, settings that ask for more than there is, and what a message names."""

FAR = """class Far:
    def __call__(self, value: int) -> int:
        return value * 21
"""


def begin_of(run: Path) -> float:
    """Return when the body began that left this file, in seconds."""
    return int(run.name.partition("-")[0]) / 1e9


class EngineNeeds(EngineSessions):
    """The part of the suite on what nodes ask for."""

    @pytest.mark.parametrize("wish", BEYOND)
    def test_what_a_node_asks_for_is_refused_at_once_or_given_or_missed_in_words(
        self, new_session: NewSession, settings: Mapping[str, Any], runs: Callable[[str], int], wish: str
    ) -> None:
        """An engine that is able to give it may give as much as there is, or tell that there is not so much."""
        capability, entries, named = BEYOND[wish]
        if not self.has(settings, capability):
            with pytest.raises(InvalidPipelineError, match=f"(?i)//start asks for .*({named})"):
                new_session("contract", nodes={"//start": entries})
            return
        started = time.monotonic()
        with new_session("contract", nodes={"//start": entries}, engines=self.hurried(settings)) as session:
            result = session.run()
            row = result.nodes[NodePath("//start")]
            assert (row.state, runs("start")) in {(NodeState.SUCCEEDED, 1), (NodeState.FAILED, 0)}, row
            if not result.succeeded:
                assert any(one in row.detail.lower() for one in named.split("|")), row.detail
        assert time.monotonic() - started < PATIENCE_SECONDS

    def test_a_process_of_its_own_is_refused_at_once_where_workers_run_many_nodes(
        self, new_session: NewSession, settings: Mapping[str, Any]
    ) -> None:
        if self.has(settings, Capability.ISOLATES) or self.has(settings, Capability.LIVE_OBJECTS):
            pytest.skip("each node has one where that is asked for, or there are no workers")
        named = r"//start asks for a process of its own \(isolated\)"
        with pytest.raises(InvalidPipelineError, match=named):
            new_session("contract", isolated=True)
        with new_session("contract") as session, pytest.raises(InvalidPipelineError, match=named):
            session.revise({"isolated": True})

    def test_the_most_urgent_of_the_nodes_that_wait_starts_first(
        self, new_session: NewSession, settings: Mapping[str, Any], tmp_path: Path
    ) -> None:
        """Where the engine schedules, an idle worker may take over what is less urgent than what waits elsewhere."""
        if not self.has(settings, Capability.PRIORITY):
            pytest.skip("it cannot; another test holds that this is refused")
        urgent = (6, 7, 8)
        nodes = {f"//work/{number}": {"priority": 10} for number in urgent}
        with new_session("urgent", workers=1, factors=tuple(range(9)), nodes=nodes) as session:
            result = session.run()
            assert result.succeeded, result.nodes
        files = (tmp_path / "runs").glob("work-*/*")
        started = {int(file.parent.name.removeprefix("work-")): begin_of(file) for file in files}
        assert sorted(started) == list(range(9))
        first = [started.pop(number) for number in urgent]
        if self.has(settings, Capability.SCHEDULES):
            assert mean(first) < mean(started.values())
        else:
            assert max(first) < min(started.values())

    def test_retries_wait_longer_each_time(self, new_session: NewSession, tmp_path: Path) -> None:
        patient = {"retries": 2, "retry_delay_seconds": 0.4, "retry_backoff": 2.0}
        with new_session("failing", failures=2, nodes={"//fail": patient}) as session:
            result = session.run()
            assert result.succeeded, result.nodes
        first, second, third = sorted(map(begin_of, (tmp_path / "runs" / "fail").iterdir()))
        assert second - first >= 0.4
        assert third - second >= 0.8

    def test_code_that_only_workers_have_runs_there_once_the_session_allows_it(
        self, new_session: NewSession, settings: Mapping[str, Any], site: Path
    ) -> None:
        (site / "far_of_contract.py").write_text(FAR)
        if self.has(settings, Capability.LIVE_OBJECTS):
            with new_session("remote") as session:
                row = session.run().nodes[NodePath("//far")]
            assert row.state in {NodeState.FAILED, NodeState.REFUSED}
            assert "far_of_contract" in row.detail
            return
        with pytest.raises(InvalidPipelineError, match="far_of_contract:Far is not installed here"):
            new_session("remote")
        with new_session("remote", nodes={"//far": {"unproven": "pin"}}) as session:
            result = session.run()
            assert result.succeeded, result.nodes
            assert session.outputs() == {"out": 42}
