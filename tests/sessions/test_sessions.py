"""Sessions from creation to outputs, in this process and by workers."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from oneml.habitats import (
    HabitatRegistry,
    PipelineNodeSettings,
    PipelineServiceClient,
    PipelineSession,
    PipelineSessionContext,
    PipelineSessionSettings,
    replace,
)
from oneml.habitats.errors import (
    AmbiguousSessionError,
    DuplicateHabitatError,
    HabitatMismatchError,
    InputsMissingError,
    InvalidInputsError,
    InvalidPipelineError,
    LiveOverridesError,
    NoOutputError,
    NoSessionError,
    SessionBusyError,
    SessionExistsError,
    SettingsError,
    StoreError,
    UnknownHabitatError,
    UnknownNodeError,
    UnknownPortError,
    UnknownSessionError,
    UnprovenError,
)
from oneml.habitats.ports.observer import Event, NodeEvent, SessionEvent
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import NodeState, SessionState

Clients = Callable[..., PipelineServiceClient]

TOTAL = 2 + 20 + 200


def states(session: PipelineSession) -> Mapping[str, str]:
    return {path: row.state.value for path, row in session.node_rows().items()}


@pytest.mark.parametrize("settings", [{}, {"workers": 3}, {"store": "memory:"}, {"engine": "process", "workers": 2}])
def test_a_pipeline_gives_the_same_outputs_wherever_its_nodes_run(
    client: PipelineServiceClient, settings: Mapping[str, object]
) -> None:
    with client.create_session("arithmetic", settings=settings) as session:
        result = session.run()
        assert result.succeeded, result.nodes
        assert set(states(session).values()) == {"succeeded"}
        assert session.outputs() == {"text": f"+{TOTAL / 2} m"}
        assert session.output("//halve") == {"half": TOTAL / 2, "sign": "+"}
        assert session.output("//multiply/1", form=int) == 20


def test_outputs_by_processes_are_those_in_process_byte_for_byte(client: PipelineServiceClient) -> None:
    digests = []
    for engine in ("in-process", "process"):
        with client.create_session("arithmetic", settings={"engine": engine}) as session:
            assert session.run().succeeded
            digests.append(
                {
                    path: {port: record.digest for port, record in session.ports(path).items()}
                    for path in session.plan.nodes
                }
            )
    assert digests[0] == digests[1]
    assert len(digests[0]) == 7


def test_settings_reach_nodes_by_layer(new_client: Clients) -> None:
    client = new_client({"ARITH_START": "3"})
    settings = PipelineSessionSettings(
        fields={"factors": (1, 2)}, nodes={"//multiply/1": PipelineNodeSettings(fields={"offset": 100})}
    )
    with client.create_session("arithmetic", settings=settings) as session:
        assert session.run().succeeded
        assert session.output("//total") == 3 + 6 + 100


def test_a_loaded_session_reads_without_opening_the_container(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        session.run()
    loaded = client.load_session(session.session_id[:30])
    assert loaded.session_id == session.session_id
    assert loaded.state is SessionState.SUCCEEDED
    assert loaded.output("//total", form=int) == TOTAL
    assert list(loaded.plan.nodes) == list(session.plan.nodes)


def test_two_sessions_of_one_habitat_run_at_once_without_touching(client: PipelineServiceClient) -> None:
    sessions = [client.create_session("arithmetic", settings={"start": start}) for start in (1, 2)]
    clients = [session.open().components.client() for session in sessions]  # type: ignore[attr-defined]
    threads = [threading.Thread(target=session.run) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [session.output("//total") for session in sessions] == [111, 222]
    assert clients[0] is not clients[1]
    assert [len(one.calls) for one in clients] == [4, 4]
    for session in sessions:
        session.close()


def test_run_executes_what_is_not_committed_and_nothing_else(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        session.run_node("//start")
        session.run_node("//multiply/2")
        assert states(session) == {"//start": "succeeded", "//multiply/2": "succeeded"}
    with client.load_session(session.session_id) as again:
        assert again.run().succeeded
        calls = again.open().components.client().calls  # type: ignore[attr-defined]
        assert sorted(calls) == ["multiply 1", "multiply 10"]
        assert again.run().succeeded
        assert len(calls) == 2


def test_run_node_twice_runs_it_once(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        first, second = session.run_node("//start"), session.run_node("//start")
        assert (first.attempt, second.attempt) == (1, 1)
        assert session.open().components.client().calls == ["start"]  # type: ignore[attr-defined]


def test_run_node_before_its_inputs_names_them(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        with pytest.raises(InputsMissingError) as caught:
            session.run_node("//total")
        assert caught.value.missing == ["//multiply/0", "//multiply/1", "//multiply/2"]
        assert states(session) == {}


def test_run_node_leaves_a_final_state_when_the_body_raises(client: PipelineServiceClient) -> None:
    with client.create_session("troubled", settings={"kind": "raise"}) as session:
        outcome = session.run_node("//bad")
        assert outcome.state is NodeState.FAILED
    assert states(client.load_session(session.session_id)) == {"//bad": "failed"}


@pytest.mark.parametrize("engine", ["in-process", "process"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("raise", "ValueError: bad token"),
        ("nameless", r"FileNotFoundError: no file \udcff"),
        ("odd", "OddError: one"),
        ("exit", "SystemExit: 0"),
        ("lock", "lock"),
        ("generator", "generator"),
        ("wrong", "output.token is a pydantic.types.SecretStr"),
    ],
)
def test_a_node_that_fails_says_why_and_only_what_lies_below_is_skipped(
    client: PipelineServiceClient, kind: str, said: str, engine: str
) -> None:
    with client.create_session("troubled", settings={"kind": kind, "engine": engine}) as session:
        result = session.run()
        assert result.state is SessionState.FAILED
        assert states(session) == {"//bad": "failed", "//after": "skipped", "//alone": "succeeded"}
        assert said in result.nodes[NodePath("//bad")].detail
        with pytest.raises(NoOutputError, match="//after has no output: skipped, because //bad failed"):
            session.output("//after")


@pytest.mark.parametrize("kind", ["exit", "os-exit"])
def test_a_body_that_leaves_its_process_with_0_is_a_failure(client: PipelineServiceClient, kind: str) -> None:
    with client.create_session("troubled", settings={"kind": kind, "engine": "process"}) as session:
        assert session.run().nodes[NodePath("//bad")].state is NodeState.FAILED


def test_a_flood_on_stdout_with_broken_utf_8_does_not_block(client: PipelineServiceClient) -> None:
    with client.create_session("troubled", settings={"kind": "flood", "engine": "process"}) as session:
        assert session.run().succeeded
        assert session.output("//bad") == "fine"


def test_a_node_that_cannot_write_its_output_names_type_port_and_place(client: PipelineServiceClient) -> None:
    with client.create_session("troubled", settings={"kind": "lock"}) as session:
        detail = session.run().nodes[NodePath("//bad")].detail
        assert "//bad" in detail
        assert '"output"' in detail
        assert "deep" in detail


def test_a_generator_is_refused_also_where_outputs_stay_in_memory(client: PipelineServiceClient) -> None:
    with client.create_session("troubled", settings={"kind": "generator", "store": "memory:"}) as session:
        assert "generator" in session.run().nodes[NodePath("//bad")].detail
        with pytest.raises(NoOutputError):
            session.output("//bad")


def test_on_failure_stop_keeps_other_branches_from_starting(client: PipelineServiceClient) -> None:
    with client.create_session("troubled", settings={"kind": "raise", "on_failure": "stop"}) as session:
        session.run()
        assert states(session) == {"//bad": "failed", "//after": "skipped", "//alone": "skipped"}


def test_a_secret_is_a_reference_in_the_recipe_and_masked_in_errors(new_client: Clients, tmp_path: Path) -> None:
    canary = "s3cr3t-canary-value"
    client = new_client({"TROUBLE_TOKEN": canary})
    with client.create_session("troubled", settings={"kind": "raise"}) as session:
        detail = session.run().nodes[NodePath("//bad")].detail
    assert detail.startswith("ValueError: bad token ")
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert canary not in detail
    assert canary.encode() not in written
    assert b"TROUBLE_TOKEN" in written


def test_inputs_from_outside_are_committed_with_the_session(client: PipelineServiceClient) -> None:
    with client.create_session("with-inputs", inputs={"table": (1, 2)}, settings={"engine": "process"}) as session:
        assert session.run().succeeded
        assert session.outputs() == {"doubled": [2, 4]}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, r'Input "table" \(.*\) is missing'),
        ({"table": ["x"]}, 'Input "table" takes'),
        ({"table": [1], "tabel": [2]}, 'There is no input "tabel".*Did you mean "table"'),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_anything_is_written(
    client: PipelineServiceClient, inputs: Mapping[str, object], said: str
) -> None:
    with pytest.raises(InvalidInputsError, match=said):
        client.create_session("with-inputs", inputs=inputs)
    assert client.list_sessions() == []


def test_a_body_knows_its_session_and_its_resources_close_before_the_commit(client: PipelineServiceClient) -> None:
    import session_pipelines

    session_pipelines.OPENED.clear()
    with client.create_session("with-inputs", inputs={"table": []}) as session:
        session.run()
        assert session.output("//where") == "with-inputs //where"
    assert session_pipelines.OPENED == ["open", "body", "close"]
    with pytest.raises(NoSessionError):
        PipelineSessionContext.current()


def test_observers_see_every_change_of_state(client: PipelineServiceClient) -> None:
    seen: list[Event] = []
    with client.create_session("troubled") as session:
        session.run(observers=[seen.append])
    nodes = [(event.path, event.state.value) for event in seen if isinstance(event, NodeEvent)]
    assert [event.state for event in seen if isinstance(event, SessionEvent)] == ["running", "succeeded"]
    assert nodes[:2] == [("//bad", "running"), ("//bad", "succeeded")]
    assert len(nodes) == 6


def test_a_session_that_another_thread_drives_is_refused(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        refused: list[BaseException] = []

        def also_run(_event: Event) -> None:
            try:
                client.load_session(session.session_id).run()
            except SessionBusyError as error:
                refused.append(error)

        assert session.run(observers=[also_run]).succeeded
    assert refused


def test_stop_ends_a_run_with_final_states(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        result = session.run(observers=[lambda event: session.stop()])
        assert result.state is SessionState.STOPPED
        assert session.state is SessionState.STOPPED
        assert {row.state for row in result.nodes.values()} <= {NodeState.CANCELLED, NodeState.SUCCEEDED}
        assert session.run().succeeded


def test_overrides_belong_to_their_session_alone(client: PipelineServiceClient) -> None:
    from session_pipelines import Arithmetic, Client

    fake = Client()
    with (
        client.create_session("arithmetic", replace(Arithmetic.client, fake)) as replaced,
        client.create_session("arithmetic") as plain,
    ):
        replaced.run()
        plain.run()
    assert len(fake.calls) == 4
    with pytest.raises(LiveOverridesError, match='"client" is replaced by live objects'):
        client.load_session(replaced.session_id).run()


def test_a_session_of_code_that_was_patched_in_its_process_is_run_by_no_other(
    new_client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    import session_pipelines  # type: ignore[import-not-found]

    with monkeypatch.context() as patch:
        patch.setattr(session_pipelines.Sum, "__call__", lambda _self, values: -sum(values))
        with new_client().create_session("arithmetic", session_id="s1") as session:
            assert session.run_node("//start").state is NodeState.SUCCEEDED
    reason = r"session_pipelines:Sum.__call__ was changed in the process since it was imported"
    with pytest.raises(UnprovenError, match=f"^//multiply/0 of session s1 cannot be proven .*\n  {reason}"):
        new_client().session("arithmetic", "s1").run_node("//multiply/0")
    with pytest.raises(UnprovenError, match=f"^Session s1 cannot be proven .*\n  {reason}"):
        new_client().load_session("s1").run()


def test_live_overrides_are_refused_where_nodes_leave_the_process(client: PipelineServiceClient) -> None:
    from session_pipelines import Arithmetic, Client

    with pytest.raises(InvalidPipelineError, match='"client" is replaced by a live Client') as caught:
        client.create_session("arithmetic", replace(Arithmetic.client, Client()), settings={"engine": "process"})
    assert "Reference" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"strat": 1}, SettingsError, 'Did you mean "start"'),
        ({"nodes": {"//multipyl": {"retries": 1}}}, SettingsError, 'Did you mean "//multiply"'),
        ({"nodes": {"//start": {"start": 1}}}, SettingsError, '"start" reads settings.session.start'),
        ({"timeout_seconds": 1}, InvalidPipelineError, 'engine "in-process" cannot end a running node'),
        ({"image": "x:1"}, InvalidPipelineError, 'image "x:1"'),
        ({"engine": "ray", "nodes": {"//start": {"priority": 1}}}, InvalidPipelineError, "//start asks for a priority"),
        ({"serializers": {"output": "jsno"}}, InvalidPipelineError, "No serializer 'jsno'"),
        ({"serializers": {"outptu": "json"}}, InvalidPipelineError, 'Did you mean "output"'),
        ({"engine": "process", "store": "memory:"}, InvalidPipelineError, "keeps its outputs in memory"),
        (
            {"store": "memory:", "nodes": {"//total": {"engine": "process", "store": None}}},
            InvalidPipelineError,
            "//total needs //multiply/0, whose outputs stay in memory",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_written(
    client: PipelineServiceClient, settings: Mapping[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said.replace("(", r"\(")):
        client.create_session("arithmetic", settings=settings)
    assert client.list_sessions() == []


def test_names_that_nobody_knows_say_what_is_known(client: PipelineServiceClient) -> None:
    with pytest.raises(UnknownHabitatError, match='Did you mean "arithmetic"'):
        client.create_session("arithmetics")
    with client.create_session("arithmetic") as session:
        session.run()
        with pytest.raises(UnknownNodeError, match='Did you mean "//total"'):
            session.output("//totla")
        with pytest.raises(UnknownPortError, match=r'Known: half, sign\. Did you mean "half"'):
            session.output("//halve", "halve")
    with pytest.raises(UnknownSessionError):
        client.load_session("00000000-nothing")


def test_ids_are_used_once_and_found_by_prefix(client: PipelineServiceClient) -> None:
    client.create_session("arithmetic", session_id="my-session-1").close()
    client.create_session("arithmetic", session_id="my-session-2").close()
    with pytest.raises(SessionExistsError):
        client.create_session("arithmetic", session_id="my-session-1")
    with pytest.raises(AmbiguousSessionError, match="my-session-1, my-session-2\\. Give more of it"):
        client.load_session("my-session-")
    assert client.load_session("my-session-2").session_id == "my-session-2"
    with pytest.raises(UnknownSessionError, match="Ids start so: give at least 8 characters of one"):
        client.load_session("my-sess")


def test_of_many_ids_that_start_alike_a_few_are_named() -> None:
    fitting = [f"my-session-{number}" for number in range(10)]
    assert "my-session-4 and 5 more. Give more of it." in str(
        AmbiguousSessionError(prefix="my-session", fitting=fitting)
    )


def test_a_worker_takes_only_the_habitat_of_the_session(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        pass
    with pytest.raises(HabitatMismatchError, match='one of habitat "arithmetic", not of "troubled"'):
        client.session("troubled", session.session_id)
    with client.session("arithmetic", session.session_id) as worker:
        assert worker.run_node("//start").state is NodeState.SUCCEEDED


def test_sessions_are_listed_newest_first_and_again_after_the_index_is_lost(
    new_client: Clients, tmp_path: Path
) -> None:
    client = new_client()
    with (
        client.create_session("arithmetic") as first,
        client.create_session("troubled", settings={"kind": "raise"}) as second,
    ):
        first.run()
        second.run()
    listed = client.list_sessions()
    assert [(row.session_id, row.state.value) for row in listed] == [
        (second.session_id, "failed"),
        (first.session_id, "succeeded"),
    ]
    assert client.list_sessions() == listed
    for file in (tmp_path / "store").rglob("*.sqlite3*"):
        file.unlink()
    again = new_client().list_sessions()
    assert [(row.session_id, row.habitat, row.state, row.created_at) for row in again] == [
        (row.session_id, row.habitat, row.state, row.created_at) for row in listed
    ]
    assert states(new_client().load_session(second.session_id))["//bad"] == "failed"


def test_a_removed_session_is_gone(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        session.run()
    client.remove_session(session.session_id)
    assert client.list_sessions() == []
    with pytest.raises(UnknownSessionError):
        client.load_session(session.session_id)


def test_previewing_writes_nothing(new_client: Clients, tmp_path: Path) -> None:
    preview = new_client().preview("arithmetic", settings={"start": 5})
    assert preview.container == "session_pipelines:Arithmetic"
    assert len(preview.plan.nodes) == 7
    assert not (tmp_path / "store").exists()


def test_a_name_registered_for_two_containers_is_an_error(client: PipelineServiceClient) -> None:
    client.registry.register("arithmetic", "session_pipelines:Arithmetic")
    with pytest.raises(DuplicateHabitatError):
        client.registry.register("arithmetic", "session_pipelines:Troubled")


def test_a_closed_session_leaves_nothing_alive(client: PipelineServiceClient) -> None:
    alive: list[weakref.ref[object]] = []
    for _ in range(5):
        with client.create_session("arithmetic", settings={"store": "memory:"}) as session:
            session.run()
            alive += [weakref.ref(session), weakref.ref(session.open().components)]
        del session
    gc.collect()
    assert [ref for ref in alive if ref() is not None] == []


def test_a_node_that_runs_long_is_seen_to_run(client: PipelineServiceClient) -> None:
    with client.create_session("sleepy", settings={"engine": "in-process", "seconds": 3.0}) as session:
        driver = threading.Thread(target=session.run)
        driver.start()
        time.sleep(1.5)
        seen = states(client.load_session(session.session_id))
        told = client.load_session(session.session_id).state
        session.stop()
        driver.join(30)
    assert seen["//one"] == "running"
    assert told is SessionState.RUNNING


def test_a_timeout_stays_the_final_state_whatever_the_worker_wrote(client: PipelineServiceClient) -> None:
    settings = {"engine": "process", "timeout_seconds": 1.5}
    with client.create_session("sleepy", settings=settings) as session:
        result = session.run()
        assert result.state is SessionState.FAILED
    rows = client.load_session(session.session_id).node_rows()
    assert {row.state.value for row in rows.values()} == {"failed"}
    assert "TimeoutError" in rows[NodePath("//one")].detail


def test_a_request_to_stop_right_at_the_start_is_heard(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        refreshed = session._openings.refreshed

        def stop_meanwhile() -> OpenedSession:
            session.stop()
            return refreshed()

        session._openings.refreshed = stop_meanwhile  # type: ignore[method-assign]
        assert session.run().state is SessionState.STOPPED


def test_an_unreadable_recipe_is_left_out_of_the_list(
    client: PipelineServiceClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client.create_session("arithmetic", session_id="good").close()
    bad = tmp_path / "store" / "sessions" / "bad" / "recipe.json"
    bad.parent.mkdir()
    bad.write_text("{")
    assert [row.session_id for row in client.list_sessions()] == ["good"]
    assert "left out of the list" in caplog.text


@pytest.mark.parametrize("settings", [{}, {"engine": "process"}])
def test_a_commit_that_is_gone_is_told_and_computed_again(
    client: PipelineServiceClient, settings: Mapping[str, object]
) -> None:
    with client.create_session("arithmetic", settings=settings) as first:
        assert first.run().succeeded
    client.store.delete_tree(keys.commit_key(first.session_id, NodePath("//total")))
    with client.load_session(first.session_id) as session:
        with pytest.raises(
            StoreError, match=f"of //total .* is missing.* again: oneml sessions run {first.session_id}"
        ):
            session.output("//total")
        assert session.run().succeeded
        assert session.output("//total") == TOTAL


def test_outputs_that_stayed_in_the_memory_of_another_session_object_are_no_failure_of_the_store(
    client: PipelineServiceClient,
) -> None:
    with client.create_session("arithmetic", settings={"store": "memory:"}) as first:
        assert first.run().succeeded
    with (
        client.load_session(first.session_id) as session,
        pytest.raises(NoOutputError, match="stayed in the memory of the process that ran it"),
    ):
        session.output("//total")


def test_an_id_that_was_removed_halfway_starts_anew(client: PipelineServiceClient, tmp_path: Path) -> None:
    with client.create_session("arithmetic", session_id="again") as session:
        assert session.run().succeeded
    (tmp_path / "store" / "sessions" / "again" / "recipe.json").unlink()
    with client.create_session("arithmetic", settings={"start": 3}, session_id="again") as session:
        assert states(session) == {}
        assert session.run().succeeded
        assert session.output("//start") == 3


def test_a_session_without_its_recipe_says_so_and_can_be_removed(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic", session_id="s2") as session:
        assert session.run().succeeded
    client.store.delete_tree(keys.recipe_key(session.session_id))
    for read in (lambda: client.load_session("s2"), lambda: client.session("arithmetic", "s2")):
        with pytest.raises(UnknownSessionError, match=r"recipe of session .* is gone .*`oneml sessions rm s2` removes"):
            read()
    assert client.remove_session("s2") == "s2"
    assert client.store.children(keys.session_prefix(session.session_id)) == []
    with pytest.raises(UnknownSessionError, match='There is no session "s2"'):
        client.remove_session("s2")
    assert client.list_sessions() == []


def test_a_node_run_alone_in_memory_is_not_lost_by_a_run(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic", settings={"store": "memory:"}) as session:
        session.run_node("//start")
        assert session.run().succeeded
        assert set(states(client.load_session(session.session_id)).values()) == {"succeeded"}
        assert len(states(client.load_session(session.session_id))) == 7


def test_a_coroutine_body_runs_where_a_loop_runs_already(client: PipelineServiceClient) -> None:
    async def notebook() -> bool:
        with client.create_session("troubled") as session:
            return session.run().succeeded

    assert asyncio.run(notebook())


def test_a_misspelt_variable_of_ours_is_told(new_client: Clients, caplog: pytest.LogCaptureFixture) -> None:
    new_client({"ONEML_STORE_UR": "x"}).list_sessions()
    assert "ONEML_STORE_UR is no variable of oneml, and has no effect." in caplog.text
    assert 'Did you mean "ONEML_STORE_URL"?' in caplog.text


def test_a_table_of_a_settings_file_for_a_misspelt_habitat_is_told(
    client: PipelineServiceClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "oneml.toml").write_text("[habitats.trubled]\n[habitats.arithmetic]\n[habitats.other]\n")
    client.preview("troubled")
    place = tmp_path / "oneml.toml"
    said = '[habitats."trubled"] is of no known habitat, and has no effect. Did you mean [habitats."troubled"]?'
    assert caplog.messages == [f"{said} ({place}:1)"]


def test_a_session_that_workers_have_finished_is_told_and_listed_as_succeeded(client: PipelineServiceClient) -> None:
    with client.create_session("troubled") as session:
        for path in session.plan.nodes:
            session.run_node(path)
    assert client.load_session(session.session_id).state is SessionState.SUCCEEDED
    assert [row.state for row in client.list_sessions()] == [SessionState.SUCCEEDED]


def test_a_container_with_any_number_of_lambdas_runs_in_its_process(
    client: PipelineServiceClient, registry: HabitatRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"part_{number}" for number in range(700)]
    parts = "".join(f"    {name} = providers.Factory(lambda: 1)\n" for name in names)
    (tmp_path / "many_lambdas.py").write_text(MANY.format(parts=parts, given=", ".join(names)))
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.register("many-lambdas", "many_lambdas:Many")
    with client.create_session("many-lambdas") as session:
        assert session.run().succeeded
        assert session.recipe.unproven[-1] == "668 more reasons"


MANY = """
from dependency_injector import providers
from oneml.habitats import PipelineComponents

class Body:
    def __init__(self, *parts): ...
    def __call__(self) -> int:
        return 1

class Many(PipelineComponents):
{parts}
    body = providers.Factory(Body, {given})

    def define(self, pipeline):
        pipeline.node("body", self.body)()
"""
