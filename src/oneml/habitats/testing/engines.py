"""What every engine must do, as a suite of tests that an engine of one's own runs as well.

    class TestMine(EngineConformance):
        @pytest.fixture
        def settings(self) -> Mapping[str, Any]:
            return {"engine": "mine", "workers": 2}

A derived class gives ``settings``: those of a session that runs on the engine, with whatever it needs to be reached. It
overrules ``KILLS_WORKERS`` where bodies that end their process end the driver.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.ports.engine import Capability
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.testing.engine_ends import EngineEnds
from oneml.habitats.testing.engine_needs import EngineNeeds
from oneml.habitats.testing.engine_sessions import (
    PATIENCE_SECONDS,
    PIPELINES,
    SECRET,
    NewSession,
    run_and_stop,
    states,
)
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.states import NodeState, SessionState

__all__ = ["PATIENCE_SECONDS", "PIPELINES", "SECRET", "EngineConformance", "NewSession", "states"]


def _stored(session: PipelineSession, path: NodePath) -> Mapping[str, PortRecord]:
    """Return the outputs of a node, wherever they stand: in its commit, or in the store."""
    return {port: record._replace(inline=None) for port, record in session.ports(path).items()}


def _run_alike(session: PipelineSession, here: PipelineSession) -> None:
    """Run both sessions, and hold what their nodes gave against each other."""
    result = session.run()
    assert result.succeeded, result.nodes
    assert here.run().succeeded
    for path in session.plan.nodes:
        assert _stored(session, path) == _stored(here, path), path


class EngineConformance(EngineNeeds, EngineEnds):
    """The suite; each test creates a session of its own."""

    def test_outputs_are_those_of_the_drivers_own_process(
        self, new_session: NewSession, settings: Mapping[str, Any], runs: Callable[[str], int]
    ) -> None:
        with new_session("contract") as session, new_session("contract", engine="in-process") as here:
            _run_alike(session, here)
            assert session.outputs() == {"text": "222 and 400000 bytes"}
        assert runs("start") == 2

    def test_streams_parts_files_and_sessions_inside_nodes_are_what_they_are_here(
        self, new_session: NewSession
    ) -> None:
        with new_session("passing") as session, new_session("passing", engine="in-process") as here:
            _run_alike(session, here)
            assert session.outputs() == {"found": {"bytes": 200_000, "small": 999_000, "large": 39_998}}
            assert session.ports("//numbers")["output"].serializer == "jsonl"

    def test_nodes_of_included_habitats_have_settings_and_objects_of_their_own(self, new_session: NewSession) -> None:
        entries = {"//second": {"factors": [5, 7]}}
        with new_session("including", nodes=entries) as session:
            result = session.run()
            assert result.succeeded, result.nodes
            assert session.outputs() == {"first": "5", "second": "12"}

    def test_every_node_starts_after_what_it_waits_for_and_is_told_of(self, new_session: NewSession) -> None:
        events: list[Event] = []
        with new_session("contract") as session:
            assert session.run(observers=[events.append]).succeeded
            plan = session.plan
        seen: dict[tuple[NodePath, NodeState], int] = {}
        for number, event in enumerate(events):
            if isinstance(event, NodeEvent):
                seen.setdefault((event.path, event.state), number)
        for path, node in plan.nodes.items():
            assert seen[path, NodeState.RUNNING] < seen[path, NodeState.SUCCEEDED]
            for upper in node.upstreams():
                assert seen[upper, NodeState.SUCCEEDED] < seen[path, NodeState.SUCCEEDED]

    def test_a_session_that_ran_has_nothing_left_to_run(
        self, new_session: NewSession, runs: Callable[[str], int]
    ) -> None:
        with new_session("contract") as session:
            result = session.run()
            assert result.succeeded, result.nodes
            result = session.run()
            assert result.succeeded, result.nodes
        assert runs("start") == 1

    def test_what_a_node_writes_is_told_line_by_line_without_secrets(self, new_session: NewSession) -> None:
        events: list[Event] = []
        with new_session("failing", failures=1) as session:
            session.run(observers=[events.append])
            kept = "".join(str(session.outcome("//fail")))
        lines = [event for event in events if isinstance(event, NodeLog)]
        assert SECRET not in str(lines) + kept
        assert any(event.path == "//fail" and event.line.startswith("about to raise") for event in lines)

    def test_a_failure_skips_what_lies_below_and_lets_the_rest_run(self, new_session: NewSession) -> None:
        with new_session("failing", failures=9) as session:
            result = session.run()
            assert result.state is SessionState.FAILED
            assert states(session) == {
                "//start": "succeeded", "//fail": "failed", "//after": "skipped", "//beside": "succeeded"
            }  # fmt: skip
            assert "//fail" in result.nodes[NodePath("//after")].detail
            outcome = session.outcome("//fail")
        assert outcome is not None
        assert outcome.error is not None
        assert outcome.error.type == "ValueError"
        assert outcome.error.text.startswith("run 1 with")
        assert "pipelines_of_contract.py" in outcome.error.traceback

    def test_a_node_is_tried_again_and_what_lies_below_goes_on(
        self, new_session: NewSession, runs: Callable[[str], int]
    ) -> None:
        with new_session("failing", failures=2, nodes={"//fail": {"retries": 3}}) as session:
            result = session.run()
            assert result.succeeded, result.nodes
            assert session.output("//after") == "after 5"
        assert runs("fail") == 3

    def test_retries_end(self, new_session: NewSession, runs: Callable[[str], int]) -> None:
        with new_session("failing", failures=9, nodes={"//fail": {"retries": 1}}) as session:
            assert not session.run().succeeded
        assert runs("fail") == 2

    def test_a_session_that_failed_goes_on_where_it_failed(
        self, new_session: NewSession, runs: Callable[[str], int]
    ) -> None:
        with new_session("failing", failures=1) as session:
            assert not session.run().succeeded
            result = session.run()
            assert result.succeeded, result.nodes
            assert session.node_rows()[NodePath("//fail")].attempt == 2
        assert (runs("start"), runs("fail")) == (1, 2)

    @pytest.mark.parametrize("how", ["odd", "unwritable", "exit"])
    def test_whatever_a_body_does_is_told_as_text(self, new_session: NewSession, how: str) -> None:
        with new_session("failing", failures=9, how=how) as session:
            assert session.run().state is SessionState.FAILED
            assert states(session)["//fail"] == "failed"
            assert states(session)["//beside"] == "succeeded"
            assert session.node_rows()[NodePath("//fail")].detail

    @pytest.mark.parametrize("how", ["os-exit", "kill"])
    def test_a_body_that_ends_its_process_fails_and_stops_nothing_else(self, new_session: NewSession, how: str) -> None:
        if not self.KILLS_WORKERS:
            pytest.skip("a body that ends its process ends more than itself here")
        started = time.monotonic()
        with new_session("failing", failures=9, how=how) as session:
            assert session.run().state is SessionState.FAILED
            assert states(session)["//fail"] == "failed"
            assert states(session)["//beside"] == "succeeded"
        assert time.monotonic() - started < PATIENCE_SECONDS

    def test_a_node_that_hangs_is_ended_when_its_time_is_over(
        self, new_session: NewSession, settings: Mapping[str, Any]
    ) -> None:
        if not self.has(settings, Capability.KILL):
            with pytest.raises(InvalidPipelineError, match="timeout_seconds"):
                new_session("sleeping", timeout_seconds=2)
            return
        started = time.monotonic()
        with new_session("sleeping", nodes={"//one": {"timeout_seconds": 3}, "//two": {"seconds": 0.1}}) as session:
            assert session.run().state is SessionState.FAILED
            assert states(session) == {"//one": "failed", "//two": "succeeded", "//after": "skipped"}
            assert "timeout_seconds" in session.node_rows()[NodePath("//one")].detail
            ended = session.outcome("//one")
            if ended is not None and ended.error is not None:  # nobody else can write it down where a worker is killed
                assert ended.error.type == "TimeoutError"
                assert "KeyboardInterrupt" not in ended.error.traceback
        assert time.monotonic() - started < PATIENCE_SECONDS

    def test_a_request_to_stop_gives_every_node_its_final_state(
        self, new_session: NewSession, runs: Callable[[str], int]
    ) -> None:
        seconds = 2.0 if not self.KILLS_WORKERS else 60.0
        started = time.monotonic()
        with new_session("sleeping", seconds=seconds) as session:
            result = run_and_stop(session, runs)
            assert result.state is SessionState.STOPPED
            assert result.nodes[NodePath("//after")].state in {NodeState.CANCELLED, NodeState.SKIPPED}
            assert len(result.nodes) == 3
        assert time.monotonic() - started < PATIENCE_SECONDS

    def test_a_worker_with_other_code_refuses_before_the_body(
        self, new_session: NewSession, settings: Mapping[str, Any], module: Path, runs: Callable[[str], int]
    ) -> None:
        if self.has(settings, Capability.LIVE_OBJECTS):
            pytest.skip("the process that created the session is the one that runs it")
        with new_session("contract") as session:
            source = module.read_text()
            module.write_text(source.replace("return value * factor", "return value + factor"))
            result = session.run()
            assert result.state is SessionState.FAILED, result.nodes
            row = result.nodes[NodePath("//start")]
            assert row.state is NodeState.REFUSED
            assert "Multiply.__call__" in row.detail
            assert runs("start") == 0
            module.write_text(source)
            result = session.run()
            assert result.succeeded, result.nodes

    def test_a_node_that_no_worker_may_take_fails_in_words(
        self, new_session: NewSession, settings: Mapping[str, Any]
    ) -> None:
        if not self.has(settings, Capability.TAGS):
            with pytest.raises(InvalidPipelineError, match="tags"):
                new_session("contract", nodes={"//start": {"tags": ["nowhere"]}})
            return
        started = time.monotonic()
        hurried = self.hurried(settings)
        with new_session("contract", nodes={"//start": {"tags": ["nowhere"]}}, engines=hurried) as session:
            assert session.run().state is SessionState.FAILED
            assert "nowhere" in session.node_rows()[NodePath("//start")].detail
        assert time.monotonic() - started < PATIENCE_SECONDS

    def test_settings_that_change_meanwhile_reach_nodes_that_have_not_started(self, new_session: NewSession) -> None:
        with new_session("failing", failures=1, nodes={"//fail": {"retries": 1}}) as session:

            def observe(event: Event) -> None:
                if isinstance(event, NodeEvent) and event.path == "//fail" and event.state is NodeState.PENDING:
                    session.revise({"how": "exit"})

            assert session.run(observers=[observe]).succeeded

    def test_nodes_may_run_on_different_engines(self, new_session: NewSession, settings: Mapping[str, Any]) -> None:
        others: Sequence[str] = ["//start", "//add"]
        with new_session("contract", nodes={path: {"engine": "in-process"} for path in others}) as session:
            result = session.run()
            assert result.succeeded, result.nodes
            assert session.outputs() == {"text": "222 and 400000 bytes"}
