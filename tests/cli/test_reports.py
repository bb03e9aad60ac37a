"""What is told of a run that is over, whatever became of it."""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from oneml.habitats.cli.failures import ReportedError
from oneml.habitats.cli.plan_text import source_text
from oneml.habitats.cli.printing import one_line
from oneml.habitats.cli.published import Published, pipeline_outputs
from oneml.habitats.cli.results import print_result
from oneml.habitats.cli.running import raise_unless_succeeded
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.sessions.run_result import RunResult
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome, PortRecord
from oneml.habitats.values.plan import (
    ExternalSource,
    GatherSource,
    InputSource,
    LiteralSource,
    Plan,
    PlannedNode,
    PortSource,
    WholeSource,
)
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

A, B, C, LOST, LEFT = (NodePath(f"//{name}") for name in ("a", "b", "c", "lost", "left"))


class FakeSession:
    """A session of two nodes with two ports each; what they published stays in memory."""

    habitat = "h"

    def __init__(self, outputs: Mapping[str, InputSource]) -> None:
        self.plan = Plan(
            nodes={path: PlannedNode(path=path, provider="p", inputs={}, outputs=("x", "y")) for path in (A, B)},
            outputs=outputs,
        )

    def ports(self, path: NodePath) -> Mapping[str, PortRecord]:
        del path
        return {}

    def output(self, path: NodePath, port: str) -> object:
        return {"x": f"{path}.{port}", "y": float("nan")}[port]

    def outcome(self, path: NodePath) -> NodeOutcome | None:
        if path == C:
            return NodeOutcome(
                path, NodeState.REFUSED, 0, None, ErrorRecord("DriftError", "It\n  differs", "Traceback")
            )
        if path == LEFT:
            return NodeOutcome(path, NodeState.FAILED, 1, None, ErrorRecord("WorkerEndedError", "its", "about to go"))
        if path == LOST:
            return NodeOutcome(path, NodeState.FAILED, 1, None, ErrorRecord("WorkerEndedError", "its worker ended", ""))
        if path != A:
            return None
        return NodeOutcome(path, NodeState.FAILED, 2, 0.1, ErrorRecord("KeyError", "k", "Traceback ...\nKeyError: k\n"))

    def as_session(self) -> PipelineSession:
        return cast("PipelineSession", self)


def result(state: SessionState, rows: Sequence[tuple[str, NodeState, str]]) -> RunResult:
    at = datetime.now(UTC)
    nodes = {NodePath(path): NodeRow(NodePath(path), each, 1, at, None, detail) for path, each, detail in rows}
    return RunResult(session_id=SessionId("mine"), state=state, nodes=nodes)


def told(state: SessionState, *rows: tuple[str, NodeState, str]) -> ReportedError:
    with pytest.raises(ReportedError) as caught:
        raise_unless_succeeded(FakeSession({}).as_session(), result(state, rows))
    return caught.value


def test_a_breakpoint_without_anybody_to_ask_says_where_there_is_somebody() -> None:
    error = told(SessionState.FAILED, ("//b", NodeState.FAILED, "bdb.BdbQuit"))
    assert "\nA breakpoint has nobody to ask there. Here: oneml reproduce mine //b --pdb\n" in error.message


def test_success_is_no_error() -> None:
    rows = [("//a", NodeState.SUCCEEDED, "")]
    raise_unless_succeeded(FakeSession({}).as_session(), result(SessionState.SUCCEEDED, rows))


def test_traceback_of_a_failure_stands_before_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    error = told(SessionState.FAILED, ("//a", NodeState.FAILED, "KeyError: k"), ("//b", NodeState.FAILED, "x"))
    assert capsys.readouterr().err == "//a raised in attempt 2:\nTraceback ...\nKeyError: k\n\n"
    assert error.exit_code == 1


def test_where_nothing_was_raised_no_heading_stands_before_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    error = told(SessionState.STOPPED, ("//lost", NodeState.FAILED, "its worker ended"))
    assert capsys.readouterr().err == ""
    assert error.message.splitlines()[1:] == [
        "  //lost failed: its worker ended",
        "See more: oneml sessions show mine",
        "Run what is left: oneml sessions run mine",
    ]


def test_a_node_whose_worker_ended_raised_nothing_and_what_it_wrote_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told(SessionState.FAILED, ("//left", NodeState.FAILED, "its worker ended"))
    assert capsys.readouterr().err == "//left wrote at last, in attempt 1:\nabout to go\n\n"


def test_refusal_is_drawn_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    error = told(SessionState.FAILED, ("//c", NodeState.REFUSED, "DriftError: It differs"))
    assert capsys.readouterr().err == "//c was refused:\nIt\n  differs\n\n"
    assert error.exit_code == 3


def test_of_very_many_failures_some_are_shown_and_all_are_counted() -> None:
    error = told(SessionState.FAILED, *[(f"//n/{number}", NodeState.FAILED, "x\n\ny") for number in range(25)])
    lines = error.message.splitlines()
    assert lines[0] == "session mine failed: 25 failed."
    assert lines[1] == "  //n/0 failed: x y"
    assert len(lines) == 15
    assert lines[-4:] == [
        "  and 15 more",
        "See more: oneml sessions show mine",
        "Run again what failed: oneml sessions run mine",
        "After a change of code or settings: oneml run-pipeline h --reuse",
    ]


@pytest.mark.parametrize(
    ("state", "rows", "code"),
    [
        (SessionState.FAILED, [("//a", NodeState.REFUSED, "")], 3),
        (SessionState.FAILED, [("//a", NodeState.REFUSED, ""), ("//b", NodeState.FAILED, "")], 1),
        (SessionState.STOPPED, [("//a", NodeState.CANCELLED, "")], 130),
        (SessionState.STOPPED, [("//a", NodeState.FAILED, ""), ("//b", NodeState.CANCELLED, "")], 130),
    ],
)
def test_exit_code_says_how_a_run_ended(state: SessionState, rows: list[tuple[str, NodeState, str]], code: int) -> None:
    assert told(state, *rows).exit_code == code


def test_outputs_of_the_pipeline_are_taken_apart_into_ports_of_nodes_that_are_done() -> None:
    outputs: dict[str, InputSource] = {
        "one": PortSource(A, "x"),
        "whole": WholeSource(A),
        "gathered": GatherSource((PortSource(A, "x"), PortSource(B, "x"))),
        "late": WholeSource(B),
    }
    found = pipeline_outputs(FakeSession(outputs).as_session(), {A})
    assert {name: [(each.node, each.port) for each in several] for name, several in found.items()} == {
        "one": [(A, "x")],
        "whole": [(A, "x"), (A, "y")],
        "gathered": [(A, "x")],
        "late": [],
    }
    assert [each.value for each in found["whole"]] == ["//a.x", "NaN"]


def test_an_output_of_several_ports_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    outputs: dict[str, InputSource] = {
        "one": PortSource(A, "x"),
        "whole": WholeSource(A),
        "gathered": GatherSource((PortSource(A, "x"), PortSource(B, "x"))),
    }
    ended = result(SessionState.SUCCEEDED, [(path, NodeState.SUCCEEDED, "") for path in (A, B)])
    print_result(FakeSession(outputs).as_session(), ended, as_json=False)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "one: //a.x",
        "whole.x: //a.x",
        "whole.y: NaN",
        "gathered: //a.x",
        "gathered: //b.x",
    ]


def test_value_that_fits_no_line_is_told_by_how_to_get_it() -> None:
    record = PortRecord("json", 1, "0" * 64, 5000, None)
    for value in ("two\nlines", "x" * 201, list(range(100))):
        shown = Published(A, "x", record, value, has_value=True).line("mine")
        assert shown == "json, 5000 B: oneml output mine //a x"
    assert Published(A, "x", None, None, has_value=False).line("mine") == "kept in memory, gone when this process ends"
    assert Published(A, "x", record, [1, None], has_value=True).line("mine") == "[1, null]"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (PortSource(A, "output"), "//a"),
        (PortSource(A, "x"), "//a.x"),
        (WholeSource(A), "//a"),
        (ExternalSource("name"), "input name"),
        (LiteralSource({"k": "ä"}), '{"k": "ä"}'),
        (LiteralSource("x" * 50), f'"{"x" * 39}...'),
        (GatherSource(()), "[]"),
        (GatherSource((PortSource(A, "x"),)), "[//a.x]"),
        (GatherSource((WholeSource(A), WholeSource(A), WholeSource(B))), "[//a ... //b]"),
    ],
)
def test_what_feeds_a_port_is_told_in_a_few_characters(source: InputSource, text: str) -> None:
    assert source_text(source) == text


def test_long_and_many_lined_texts_become_one_line() -> None:
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 300) == "x" * 197 + "..."
    assert one_line("x" * 200) == "x" * 200


def test_what_is_written_to_standard_output_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with stdout_kept_for_data():
        print("from Python")  # noqa: T201  # as bodies do
        os.write(1, b"from below\n")
    os.write(1, b"data\n")
    seen = capfd.readouterr()
    assert seen.out == "data\n"
    assert sorted(seen.err.splitlines()) == ["from Python", "from below"]


def test_a_thread_that_outlives_the_block_prints_to_standard_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # for good, says the function: until this test has ended
    go_on = threading.Event()

    def late() -> None:
        go_on.wait(10)
        print("late")  # noqa: T201  # as bodies do

    with stdout_kept_for_data():
        left = threading.Thread(target=late)
        left.start()
    print("data")  # noqa: T201  # as commands do
    go_on.set()
    left.join()
    seen = capfd.readouterr()
    assert (seen.out, seen.err) == ("data\n", "late\n")


def test_standard_output_comes_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), stdout_kept_for_data():
        raise KeyError
    os.write(1, b"data\n")
    assert capfd.readouterr().out == "data\n"
