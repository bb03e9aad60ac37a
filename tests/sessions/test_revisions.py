"""Settings that change while a session lives: nodes that have not started take them, workers prove them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient, PipelineSession
from oneml.habitats.engines.in_process import InProcessEngine
from oneml.habitats.errors import (
    DriftError,
    FixedSettingError,
    InvalidDocumentError,
    InvalidPipelineError,
    RecipeAlteredError,
    SessionBusyError,
    SettingsError,
    SignatureRefusedError,
    SigningKeyMissingError,
)
from oneml.habitats.ports.observer import Event, NodeEvent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

Clients = Callable[..., PipelineServiceClient]
MULTIPLY = [NodePath(f"//multiply/{number}") for number in range(3)]
KEY = "k" * 40


class WhenStartIsDone:
    """Changes settings as soon as the first node has succeeded."""

    def __init__(self, change: Callable[[], object]) -> None:
        self._change = change

    def __call__(self, event: Event) -> None:
        if isinstance(event, NodeEvent) and event.path == "//start" and event.state is NodeState.SUCCEEDED:
            self._change()


def total(session: PipelineSession) -> int:
    return session.output("//total", form=int)


@pytest.mark.parametrize("settings", [{}, {"workers": 2}, {"store": "memory:"}, {"engine": "process", "workers": 2}])
def test_nodes_that_have_not_started_take_the_newest_settings(
    client: PipelineServiceClient, settings: Mapping[str, object]
) -> None:
    with client.create_session("arithmetic", settings=settings) as session:
        observer = WhenStartIsDone(lambda: session.revise({"offset": 5, "start": 1000}))
        assert session.run(observers=[observer]).succeeded
        assert session.output("//start") == 2
        assert total(session) == 222 + 3 * 5


def test_a_change_of_the_process_reaches_its_open_sessions_and_later_ones(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session, client.create_session("arithmetic") as other:
        assert other.run().succeeded
        revisions = client.change_settings("arithmetic", {"offset": 5})
        assert set(revisions) == {session.session_id}
        assert revisions[session.session_id].nodes == tuple(MULTIPLY)
        assert session.run().succeeded
        assert (total(session), total(other)) == (237, 222)
    with client.create_session("arithmetic") as later:
        assert later.run().succeeded
        assert total(later) == 237
        assert later.open().revision == 0


def test_what_the_session_sets_itself_stands_above_a_change(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic", settings={"offset": 1}) as session:
        assert session.revise({"offset": 5}).nodes == ()
        assert session.run().succeeded
        assert total(session) == 225


def test_a_change_that_changes_nothing_makes_no_revision(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        assert session.revise({"offset": 0}).number == 0
        assert [session.revise({"offset": offset}).number for offset in (1, 2)] == [1, 2]
        assert set(session.revise({"offset": 3}).nodes) == set(MULTIPLY)


def test_values_that_were_read_while_the_dag_was_defined_stay(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        revision = session.revise({"factors": [7], "offset": 0})
        assert (revision.nodes, revision.unread) == ((), ("factors",))
        assert session.run().succeeded
        assert total(session) == 222


def test_an_attempt_is_claimed_with_its_revision(client: PipelineServiceClient, tmp_path: Path) -> None:
    with client.create_session("arithmetic") as session:
        session.run_node("//start")
        session.revise({"offset": 5})
        session.run_node("//multiply/0")
    claims = {file.name.partition("-")[0]: json.loads(file.read_bytes()) for file in tmp_path.rglob("*.1.claim")}
    assert claims["start"]["revision"] == 0
    assert next(claim for name, claim in claims.items() if name != "start")["revision"] == 1


def test_a_worker_takes_the_newest_revision_each_time_it_runs_a_node(new_client: Clients) -> None:
    driver, elsewhere = new_client(), new_client()
    with driver.create_session("arithmetic") as session:
        worker = elsewhere.session("arithmetic", session.session_id)
        with worker:
            worker.run_node("//start")
            session.revise({"offset": 5})
            worker.run_node("//multiply/0")
            session.revise({"offset": 6})
            worker.run_node("//multiply/1")
        assert [session.output(path) for path in MULTIPLY[:2]] == [7, 26]
        assert worker.prove("//multiply/2").revision == 2


def test_what_a_revision_changed_stays_changed_in_the_next_that_changes_other_nodes(new_client: Clients) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        session.revise({"offset": 5})
        assert session.revise({"start": 7}).nodes == ("//start",)
    assert new_client().session("arithmetic", "s1").prove(MULTIPLY[0]).revision == 2


def test_a_revision_outlives_the_process_that_made_it(new_client: Clients) -> None:
    with new_client().create_session("arithmetic") as session:
        session.revise({"offset": 5})
    with new_client().load_session(session.session_id) as again:
        assert again.run().succeeded
        assert total(again) == 237


def test_a_session_that_is_written_down_can_be_revised_before_it_runs(new_client: Clients) -> None:
    new_client().create_session("arithmetic", session_id="s1").close()
    with new_client().load_session("s1") as loaded:
        assert set(loaded.revise({"offset": 5}).nodes) == set(MULTIPLY)
    with new_client().load_session("s1") as again:
        assert again.run().succeeded
        assert total(again) == 237


@pytest.mark.parametrize(
    "values",
    [{"timeout_seconds": 5}, {"resources": {"gpus": 1}}, {"tags": ["big"]}, {"image": "x"}, {"start": 3, "image": "x"}],
)
def test_a_change_asks_of_no_engine_what_it_cannot_do(
    client: PipelineServiceClient, values: Mapping[str, object]
) -> None:
    with client.create_session("arithmetic") as session:
        with pytest.raises(InvalidPipelineError, match=r'//start asks for .*engine "in-process" cannot'):
            session.revise(values)
        with pytest.raises(InvalidPipelineError):
            client.change_settings("arithmetic", values)
        assert session.revise({"priority": 2, "retries": 1}).number == 1
        assert session.run().succeeded


class GivenEngine:
    """An engine that only clients know that are given it."""

    name = "given"
    capabilities = InProcessEngine.capabilities
    open = InProcessEngine().open


def test_what_engines_can_do_that_are_not_known_here_is_not_asked(new_client: Clients) -> None:
    driver = new_client(engines=[GivenEngine()])
    driver.create_session("arithmetic", session_id="s1", settings={"engine": "given"}).close()
    with new_client().load_session("s1") as loaded:
        assert loaded.revise({"priority": 2}).number == 1


def test_only_the_driver_changes_the_settings_of_a_running_session(new_client: Clients) -> None:
    driver, rival = new_client(), new_client()
    with driver.create_session("arithmetic", session_id="s1") as session, rival.load_session("s1") as loaded:
        refused: list[BaseException] = []

        def change() -> None:
            with pytest.raises(SessionBusyError) as caught:
                loaded.revise({"offset": 5})
            refused.append(caught.value)

        assert session.run(observers=[WhenStartIsDone(change)]).succeeded
        assert len(refused) == 1
        assert total(session) == 222


@pytest.mark.parametrize("name", ["engine", "workers", "on_failure", "store", "verification", "allow_pickle"])
def test_settings_by_which_a_session_is_driven_are_fixed(client: PipelineServiceClient, name: str) -> None:
    with client.create_session("arithmetic") as session, pytest.raises(FixedSettingError, match=f'"{name}"'):
        session.revise({name: "process"})


@pytest.mark.parametrize("values", [{"ofset": 3}, {"offset": "three"}, {"factors": 3}])
def test_a_wrong_change_changes_nothing(client: PipelineServiceClient, values: Mapping[str, object]) -> None:
    with client.create_session("arithmetic") as session:
        with pytest.raises(SettingsError):
            session.revise(values)
        with pytest.raises(SettingsError):
            client.change_settings("arithmetic", values)
        assert session.open().revision == 0
    with client.create_session("arithmetic") as later:
        assert later.open().settings.session == session.open().settings.session


def revision_file(tmp_path: Path) -> Path:
    (file,) = tmp_path.rglob("revisions/1.json")
    return file


def test_an_altered_revision_is_refused(new_client: Clients, tmp_path: Path) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        session.revise({"offset": 5})
    file = revision_file(tmp_path)
    file.write_bytes(file.read_bytes().replace(b'"offset":5', b'"offset":6'))
    worker = new_client().session("arithmetic", "s1")
    with pytest.raises(RecipeAlteredError, match="revision 1 of session s1"):
        worker.run_node("//start")


def test_what_a_revision_says_of_nodes_is_held_against_its_hash(new_client: Clients, tmp_path: Path) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        session.revise({"offset": 5})
    (file,) = tmp_path.rglob("recipe/revision-1-*.json")
    file.write_bytes(b"{}")
    worker = new_client().session("arithmetic", "s1")
    with pytest.raises(RecipeAlteredError, match="revision 1 of session s1"):
        worker.prove("//multiply/0")


def test_a_revision_of_another_session_is_refused(new_client: Clients, tmp_path: Path) -> None:
    for name in ("s1", "s2"):
        with new_client().create_session("arithmetic", session_id=name) as session:
            session.revise({"offset": 5})
    one, other = sorted(tmp_path.rglob("revisions/1.json"))
    other.write_bytes(one.read_bytes())
    with pytest.raises(InvalidDocumentError, match="revision 1 of session s2"):
        new_client().session("arithmetic", "s2").run_node("//start")


def test_an_unsigned_revision_is_refused_where_a_key_is_configured(new_client: Clients, tmp_path: Path) -> None:
    with new_client({"ONEML_SIGNING_KEY": KEY}).create_session("arithmetic", session_id="s1") as session:
        session.revise({"offset": 5})
    worker = new_client({"ONEML_SIGNING_KEY": KEY}).session("arithmetic", "s1")
    assert worker.prove("//multiply/0").revision == 1
    file = revision_file(tmp_path)
    document = json.loads(file.read_bytes())
    del document["signature"]
    file.write_text(json.dumps(document))
    with pytest.raises(SignatureRefusedError, match="revision 1 of session s1 is refused: it is not signed"):
        worker.prove("//multiply/0")


def test_a_signed_session_is_not_revised_without_a_key(new_client: Clients) -> None:
    with new_client({"ONEML_SIGNING_KEY": KEY}).create_session("arithmetic", session_id="s1"):
        pass
    with pytest.raises(SigningKeyMissingError, match="Session s1 is signed, and no signing key is configured here"):
        new_client().load_session("s1").revise({"offset": 5})
    assert new_client({"ONEML_SIGNING_KEY": KEY}).load_session("s1").revise({"offset": 5}).number == 1


def test_the_fingerprint_of_a_revision_is_what_a_worker_proves(
    new_client: Clients, registry: HabitatRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        before = session.prove("//multiply/0").fingerprint
        session.revise({"offset": 5})
        after = session.prove("//multiply/0").fingerprint
        assert session.prove("//start").fingerprint != after
    assert before != after
    import session_pipelines

    monkeypatch.setattr(registry, "load", lambda _: session_pipelines.ArithmeticElsewhere)
    with pytest.raises(DriftError):
        new_client().session("arithmetic", "s1").prove("//multiply/0")


def test_a_revision_tells_the_nodes_that_it_changes_and_no_others(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        assert set(session.revise({"offset": 5}).nodes) == set(MULTIPLY)
        assert session.revise({"start": 7}).nodes == ("//start",)
        assert set(session.revise({"offset": 0}).nodes) == set(MULTIPLY)
        assert session.revise({"start": 2}).nodes == ("//start",)
        assert session.run().succeeded
        assert total(session) == 222


def test_a_revision_keeps_what_another_process_revised_meanwhile(new_client: Clients) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        other = new_client().load_session("s1")
        assert other.revise({"offset": 5}).number == 1
        assert session.revise({"start": 3}).number == 2
        assert session.run().succeeded
        assert (total(session), other.open().revision) == (3 * 111 + 3 * 5, 1)


def test_the_process_that_created_a_session_runs_it_at_the_newest_revision(new_client: Clients) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        new_client().load_session("s1").revise({"offset": 5})
        assert session.run().succeeded
        assert total(session) == 237


def test_a_container_stays_open_while_a_node_runs_in_it(new_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        session.run_node("//start")
        closed: list[bool] = []
        older = session.open()
        monkeypatch.setattr(older, "close", lambda: closed.append(True))
        run = older.runner.run

        def revised_meanwhile(path: NodePath) -> NodeOutcome:
            new_client().load_session("s1").revise({"offset": 5})
            assert session.run_node("//multiply/1").attempt == 1
            assert closed == []
            return run(path)

        monkeypatch.setattr(older.runner, "run", revised_meanwhile)
        session.run_node("//multiply/0")
        assert closed == [True]
        assert [session.output(path) for path in MULTIPLY[:2]] == [2, 25]
