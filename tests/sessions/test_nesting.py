"""Sessions that bodies of nodes create: their parents, their ids, what stops them, and what is taken up again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient, PipelineSession, PipelineSessionContext
from oneml.habitats.errors import NoSessionError
from oneml.habitats.sessions import nesting
from oneml.habitats.sessions.context import Executing
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.nesting import nested_session
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.lineage import Parent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import derived_session_id, parse_session_id
from oneml.habitats.values.states import SessionState

SITE = Path(__file__).parent / "nested_site"
ENGINES: Mapping[str, Mapping[str, object]] = {
    "inline": {},
    "threads": {"workers": 2},
    "process": {"engine": "process"},
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SITE))
    monkeypatch.setenv("PYTHONPATH", str(SITE))
    for name in [name for name in os.environ if name.startswith("ONEML_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def nested_client(environment: None, tmp_path: Path) -> PipelineServiceClient:
    sources = ProcessSources(environ={}, working_directory=tmp_path)
    registry = HabitatRegistry(search_path=[str(SITE)])
    return PipelineServiceClient(store=(tmp_path / "store").as_uri(), registry=registry, sources=sources)


@pytest.mark.parametrize("engine", ENGINES)
def test_children_name_their_parent_wherever_it_runs(nested_client: PipelineServiceClient, engine: str) -> None:
    with nested_client.create_session("outer", settings=ENGINES[engine]) as session:
        result = session.run()
        assert result.succeeded, result.nodes
        found = session.outputs()["found"]
    assert isinstance(found, dict)
    assert sorted(found.values()) == [4, 8]
    rows = {row.session_id: row for row in nested_client.list_sessions()}
    assert set(rows) == {session.session_id, *found}
    for child in found:
        assert (rows[child].parent, rows[child].state) == (session.session_id, SessionState.SUCCEEDED)
        recipe = nested_client.load_session(child).recipe
        assert recipe.parent == Parent(session.session_id, NodePath("//fold"), 1)


@pytest.mark.parametrize("engine", ["inline", "process"])
def test_another_attempt_takes_up_what_the_first_computed(
    nested_client: PipelineServiceClient, tmp_path: Path, engine: str
) -> None:
    settings = {"folder": str(tmp_path), "fail_after": str(tmp_path / "failed"), "retries": 1, **ENGINES[engine]}
    with nested_client.create_session("outer", settings=settings) as session:
        result = session.run()
        assert result.succeeded, result.nodes
        assert result.nodes[NodePath("//fold")].attempt == 2
    assert (tmp_path / "scaled").read_text().split() == ["1", "2", "2", "4"]
    assert len(nested_client.list_sessions()) == 3


def test_a_failure_inside_is_that_of_the_node(nested_client: PipelineServiceClient) -> None:
    with nested_client.create_session("outer", settings={"factor": -1}) as session:
        assert not session.run().succeeded
        error = session.outcome("//fold").error  # type: ignore[union-attr]
    assert error is not None
    assert error.type == "oneml.habitats.errors.SessionFailedError"
    assert "//first failed: ValueError: a negative factor" in error.text


def test_a_habitat_may_nest_itself(nested_client: PipelineServiceClient) -> None:
    with nested_client.create_session("countdown", inputs={"number": 2}) as session:
        assert session.run().succeeded
        assert session.output("//count") == [2, 1, 0]
    parents = {row.session_id: row.parent for row in nested_client.list_sessions()}
    assert len(parents) == 3
    assert set(parents.values()) - {None} < set(parents)


def test_outside_of_bodies_there_is_nothing_to_nest_in() -> None:
    with pytest.raises(NoSessionError):
        PipelineSessionContext.nested_session("inner")
    with pytest.raises(NoSessionError), PipelineSessionContext.entered("inner", parse_session_id("s")):
        PipelineSessionContext.client()


def test_derived_ids_are_decided_by_every_part() -> None:
    one = derived_session_id("a", "b")
    assert one == derived_session_id("a", "b")
    assert len({one, derived_session_id("ab"), derived_session_id("b", "a"), derived_session_id("a", "b", "")}) == 4
    assert one[14] == "8"


@pytest.mark.parametrize("settings", [(), ("--workers", "2"), ("--engine", "process")], ids=ENGINES)
def test_an_interrupt_stops_both(environment: None, tmp_path: Path, settings: tuple[str, ...]) -> None:
    variables = {**os.environ, "ONEML_STORE_URL": (tmp_path / "store").as_uri(), "HOME": str(tmp_path)}
    options = ["--set", "wait_seconds=60", "--set", f"folder={tmp_path}", "--session-id", "outer", "-q"]
    if "--workers" in settings:
        options += ["--set", "inner_engine=process"]  # a thread cannot be ended
    command = [sys.executable, "-m", "oneml.habitats", "run-pipeline", "outer", *options, *settings]
    with subprocess.Popen(command, env=variables, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 60
        while not (tmp_path / "scaled").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    client = PipelineServiceClient(
        store=(tmp_path / "store").as_uri(), registry=HabitatRegistry(search_path=[str(SITE)])
    )
    states = {row.habitat: row.state for row in client.list_sessions()}
    assert states["outer"] is SessionState.STOPPED
    assert states["inner"] in {SessionState.STOPPED, SessionState.INTERRUPTED}, errors


def test_an_inner_body_is_interrupted_in_place_of_the_outer_one() -> None:
    outer, inner = Interrupts(), Interrupts()
    with outer.listening():
        outer.enter_body()
        with pytest.raises(KeyboardInterrupt), inner.listening(outer=outer):
            signal.raise_signal(signal.SIGINT)  # nothing is torn: no inner body runs
        assert (inner.count, outer.count) == (1, 1)
        with inner.listening(outer=outer):
            inner.enter_body()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            outer.leave_body()
        assert (inner.count, outer.count) == (1, 2)


def test_a_session_in_a_thread_sees_interrupts_of_the_outer_one() -> None:
    outer, inner = Interrupts(), Interrupts()
    outer.strike()
    seen: list[int] = []

    def nested() -> None:
        with inner.listening(outer=outer):
            seen.append(inner.count)
            outer.strike()
            seen.append(inner.count)

    thread = threading.Thread(target=nested)
    thread.start()
    thread.join()
    assert seen == [0, 1]


def test_a_child_that_got_other_settings_is_not_taken_up_again(nested_client: PipelineServiceClient) -> None:
    def child() -> PipelineSession:
        return nested_session(
            nested_client, Executing("outer", parse_session_id("outer"), NodePath("//fold"), 1), "inner",
            name="", settings={}, inputs={"number": 2},
        )  # fmt: skip

    with child() as first, child() as same:
        assert same.session_id == first.session_id
        first.revise({"factor": 7})
        with child() as other:
            assert other.session_id != first.session_id


def test_a_child_that_another_attempt_creates_meanwhile_is_taken_up_whole(
    nested_client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    executing = Executing("outer", parse_session_id("outer"), NodePath("//fold"), 1)
    more: Mapping[str, Any] = {
        "name": "",
        "settings": {"nodes": {"//first": {"store": "memory:"}}},
        "inputs": {"number": 2},
    }
    with nested_session(nested_client, executing, "inner", **more) as first:
        seen = [None]
        existing = nesting._existing
        monkeypatch.setattr(nesting, "_existing", lambda *given: seen.pop() if seen else existing(*given))
        with nested_session(nested_client, executing, "inner", **more) as second:
            assert second.session_id == first.session_id
            second.run_node("//first")  # as no worker may


@pytest.mark.parametrize("engine", ["inline", "process"])
def test_a_node_that_ran_sessions_is_run_again_since_it_does_not_know_what_they_computed_with(
    nested_client: PipelineServiceClient, engine: str
) -> None:
    settings = ENGINES[engine]
    with nested_client.create_session("outer", settings=settings) as first:
        assert first.run().succeeded
    with nested_client.create_session("outer", settings=settings) as second:
        assert second.run(reuse=True).succeeded
        assert second.node_rows()[NodePath("//fold")].reused_from is None
