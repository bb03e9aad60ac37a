"""Taking over what another session computed: the key, the lookup, and what is never taken."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats import (
    HabitatRegistry,
    PipelineNodeSettings,
    PipelineServiceClient,
    PipelineSession,
    PipelineSessionSettings,
)
from oneml.habitats.errors import CorruptArtifactError
from oneml.habitats.ports.observer import Event, NodeEvent
from oneml.habitats.sessions import fingerprints, keys, reuse
from oneml.habitats.sessions.attempts import AttemptLog, Commit, read_commit
from oneml.habitats.sessions.index import reconcile
from oneml.habitats.sessions.node_identity import NodeIdentity
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.sessions.reuse import ReuseKeys, reuse_key
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import (
    ExternalSource,
    GatherSource,
    InputSource,
    LiteralSource,
    PlannedNode,
    PortSource,
    WholeSource,
)
from oneml.habitats.values.session_id import SessionId

Clients = Callable[..., PipelineServiceClient]

A, B, C = NodePath("//a"), NodePath("//b"), NodePath("//c")


def record(digit: str, *, serializer: str = "json", version: int = 1) -> PortRecord:
    return PortRecord(serializer, version, digit * 64, 1, b"1")


def keys_of(
    attempts: AttemptLog | None = None, *, settings: PipelineSettings | None = None, known: str | None = "r"
) -> ReuseKeys:
    return ReuseKeys(
        identity_of=lambda _path: NodeIdentity("f", known),
        settings_of=lambda _path: settings or PipelineSettings.model_construct(),
        attempts=attempts or AttemptLog(MemoryArtifactStore(), SessionId("s1")),
        external={"table": record("e")},
    )


def node(*, path: NodePath = C, **inputs: InputSource) -> PlannedNode:
    return PlannedNode(path, "c", inputs, ("output",))


def upstream(**ports: PortRecord) -> AttemptLog:
    """Return commits of //a with these ports, and of //b with one."""
    attempts = AttemptLog(MemoryArtifactStore(), SessionId("s1"))
    for path, published in ((A, ports), (B, {"output": record("b")})):
        attempts.commit(path, Commit(1, 0.0, "2026-01-01T00:00:00Z", published))
    return attempts


def key_after(source: InputSource, **ports: PortRecord) -> str | None:
    return keys_of(upstream(**ports)).of(node(x=source))


class TestKey:
    def test_it_is_known_by_content_alone(self) -> None:
        port = PortSource(A, "x")
        assert key_after(port, x=record("1"), y=record("2")) == key_after(port, x=record("1"), y=record("3"))
        assert key_after(port, x=record("1")) == key_after(PortSource(A, "y"), y=record("1"))

    @pytest.mark.parametrize(
        "ports",
        [
            {"x": record("2")},
            {"x": record("1", serializer="text")},
            {"x": record("1", version=2)},
            {"x": record("1"), "y": record("1")},
            {"y": record("1")},
        ],
    )
    def test_whatever_the_ports_hold_counts(self, ports: Mapping[str, PortRecord]) -> None:
        assert key_after(WholeSource(A), **ports) != key_after(WholeSource(A), x=record("1"))

    def test_kinds_of_sources_and_their_order_differ(self) -> None:
        one, two = PortSource(A, "x"), PortSource(B, "output")
        sources: list[InputSource] = [
            one,
            two,
            WholeSource(A),
            GatherSource((one, two)),
            GatherSource((two, one)),
            GatherSource((one,)),
            GatherSource((WholeSource(A),)),
            LiteralSource(1),
            LiteralSource(1.5),
            LiteralSource("1"),
            LiteralSource(None),
            ExternalSource("table"),
            ExternalSource("absent"),
        ]
        found = [key_after(source, x=record("a")) for source in sources]
        assert None not in found
        assert len(set(found)) == len(sources)

    def test_identity_path_and_parameter_count(self) -> None:
        found = {
            keys_of().of(node(x=LiteralSource(1))),
            keys_of().of(node(y=LiteralSource(1))),
            keys_of().of(node(path=B, x=LiteralSource(1))),
            keys_of(known="s").of(node(x=LiteralSource(1))),
        }
        assert len(found) == 4
        assert keys_of().of(node(x=LiteralSource(1))) in found

    def test_what_merely_comes_before_does_not_count(self) -> None:
        plain = node(x=LiteralSource(1))
        assert keys_of().of(plain) == keys_of().of(plain._replace(after=(A,), label="x=1"))

    def test_there_is_none_where_something_is_unknown(self) -> None:
        literal = node(x=LiteralSource(1))
        assert keys_of().of(literal) is not None
        assert keys_of(known=None).of(literal) is None
        assert keys_of(settings=PipelineSettings.model_construct(reusable=False)).of(literal) is None
        assert keys_of(settings=PipelineSettings.model_construct(store="memory:")).of(literal) is None
        assert keys_of().of(node(x=PortSource(A, "output"))) is None
        assert keys_of(upstream(y=record("1"))).of(node(x=PortSource(A, "x"))) is None
        assert keys_of().of(node(x=GatherSource((WholeSource(A),)))) is None

    @given(st.dictionaries(st.text(), st.lists(st.text() | st.integers() | st.none()), max_size=3))
    def test_it_is_a_hash_of_the_canonical_document(self, contents: Mapping[str, list[str | int | None]]) -> None:
        try:
            document = canonical_json([reuse.REUSE_SCHEMA, "r", C, contents])
        except UnicodeEncodeError:
            return
        assert reuse._encode([reuse.REUSE_SCHEMA, "r", C, contents]).encode() == document
        assert len(reuse_key("r", node(), contents)) == 64


class TestCommitDocument:
    def test_it_keeps_the_key_and_the_source(self) -> None:
        store = MemoryArtifactStore()
        commit = Commit(0, 0.5, "2026-01-01T00:00:00Z", {"x": record("1")}, "d" * 64, SessionId("s0"))
        AttemptLog(store, SessionId("s1")).commit(A, commit)
        assert read_commit(store, SessionId("s1"), A) == commit
        outcome = AttemptLog(store, SessionId("s1")).outcome(A)
        assert outcome is not None
        assert (outcome.reuse_key, outcome.reused_from, outcome.attempt) == ("d" * 64, "s0", 0)

    @pytest.mark.parametrize("fields", [{"reuse_key": "x"}, {"reuse_key": 1}, {"reused_from": "../.."}])
    def test_what_is_no_key_or_session_is_refused(self, fields: Mapping[str, str]) -> None:
        store = MemoryArtifactStore()
        document = {"schema": "oneml.commit/1", "node": A, "attempt": 1, "seconds": 0, "ended_at": "", "ports": {}}
        store.create_if_absent(keys.commit_key(SessionId("s1"), A), canonical_json({**document, **fields}))
        with pytest.raises(CorruptArtifactError, match="commit of //a"):
            read_commit(store, SessionId("s1"), A)


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What stands for the code and settings of each provider; those not named are what they always were."""
    found: dict[str, str] = {}

    def identity(opened: OpenedSession, path: NodePath) -> NodeIdentity:
        planned = opened.runner._nodes.node(path)
        start = opened.settings.session.model_dump().get("start", 0) if planned.provider == "start" else 0
        return NodeIdentity("f", f"{planned.provider} {found.get(planned.provider, '')} {start}")

    monkeypatch.setattr(OpenedSession, "node_identity", identity)
    return found


def run(client: PipelineServiceClient, *, reuse: bool = True, **settings: object) -> PipelineSession:
    with client.create_session("arithmetic", settings=settings) as session:
        result = session.run(reuse=reuse)
        assert result.succeeded, result.nodes
    return session


def reused(session: PipelineSession) -> set[str]:
    return {path for path, row in session.node_rows().items() if row.reused_from is not None}


ALL = {"//start", "//multiply/0", "//multiply/1", "//multiply/2", "//total", "//halve", "//describe"}


@pytest.mark.usefixtures("digests")
class TestRunning:
    @pytest.mark.parametrize("workers", [1, 3])
    def test_a_second_run_runs_nothing_and_says_from_where(self, client: PipelineServiceClient, workers: int) -> None:
        first = run(client, reuse=False)
        events: list[Event] = []
        with client.create_session("arithmetic", settings={"workers": workers}) as second:
            result = second.run(reuse=True, observers=[events.append])
            assert result.succeeded
            assert second.open().components.client().calls == []  # type: ignore[attr-defined]
        assert {row.reused_from for row in result.nodes.values()} == {first.session_id}
        assert {row.attempt for row in result.nodes.values()} == {0}
        assert [event.state for event in events if isinstance(event, NodeEvent)] == ["succeeded"] * 7
        assert {event.reused_from for event in events if isinstance(event, NodeEvent)} == {first.session_id}
        again = client.load_session(second.session_id)
        assert reused(again) == ALL
        assert again.outputs() == first.outputs()
        assert again.ports("//halve") == first.ports("//halve")

    def test_nothing_is_looked_up_unless_asked(self, client: PipelineServiceClient) -> None:
        run(client)
        assert reused(run(client, reuse=False)) == set()

    def test_what_is_below_a_change_runs_where_contents_differ(self, client: PipelineServiceClient) -> None:
        run(client)
        changed = run(client, start=4)
        assert reused(changed) == set()
        assert changed.output("//total") == 444

    def test_equal_contents_cut_off_what_is_below_a_change(
        self, client: PipelineServiceClient, digests: dict[str, str]
    ) -> None:
        run(client)
        digests["multiply"] = "edited"
        assert reused(run(client)) == ALL - {"//multiply/0", "//multiply/1", "//multiply/2"}

    def test_members_of_a_fan_out_are_reused_one_by_one(self, client: PipelineServiceClient) -> None:
        run(client, factors=[1, 10])
        assert reused(run(client, factors=[1, 10, 100])) == {"//start", "//multiply/0", "//multiply/1"}

    def test_the_session_that_computed_is_named_through_others(self, client: PipelineServiceClient) -> None:
        first = run(client)
        run(client)
        assert {row.reused_from for row in run(client).node_rows().values()} == {first.session_id}

    def test_a_session_that_reused_is_a_source_when_the_first_is_gone(self, client: PipelineServiceClient) -> None:
        first, second = run(client), run(client)
        client.remove_session(first.session_id)
        third = run(client)
        assert reused(third) == ALL
        assert third.outputs() == second.outputs()

    def test_a_removed_session_is_no_source(self, client: PipelineServiceClient) -> None:
        client.remove_session(run(client).session_id)
        assert reused(run(client)) == set()

    def test_a_pointer_into_nothing_means_running(self, client: PipelineServiceClient) -> None:
        first = run(client)
        client.store.delete_tree(keys.session_prefix(first.session_id))
        assert reused(run(client)) == set()

    def test_a_commit_that_is_none_is_passed_over(
        self, client: PipelineServiceClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        first = run(client)
        key = keys.commit_key(first.session_id, NodePath("//total"))
        client.store.delete_tree(key)
        client.store.create_if_absent(key, b"{}")
        assert reused(run(client)) == ALL - {"//total"}
        assert f"Session {first.session_id} is no source for //total" in caplog.text

    def test_a_commit_under_another_key_is_not_taken(self, client: PipelineServiceClient) -> None:
        first = run(client)
        key = keys.commit_key(first.session_id, NodePath("//total"))
        data = client.store.read(key, limit_bytes=1 << 20)
        found = read_commit(client.store, first.session_id, NodePath("//total"))
        assert data is not None
        assert found is not None
        assert found.reuse_key is not None
        client.store.delete_tree(key)
        client.store.create_if_absent(key, data.replace(found.reuse_key.encode(), b"0" * 64))
        assert reused(run(client)) == ALL - {"//total"}

    def test_nodes_that_are_not_reusable_are_neither_offered_nor_taken(self, client: PipelineServiceClient) -> None:
        run(client, reusable=False)
        assert reused(run(client)) == set()
        assert reused(run(client, reusable=False)) == set()
        assert reused(run(client)) == ALL

    def test_what_stays_in_memory_is_neither_offered_nor_taken(self, client: PipelineServiceClient) -> None:
        run(client, store="memory:")
        assert reused(run(client)) == set()
        assert reused(run(client, store="memory:")) == set()

    def test_resuming_reuses_what_is_left(self, client: PipelineServiceClient) -> None:
        run(client)
        with client.create_session("arithmetic") as session:
            session.run_node("//start")
            result = session.run(reuse=True)
        assert {path for path, row in result.nodes.items() if row.reused_from} == ALL - {"//start"}

    def test_two_sessions_at_once_both_succeed(self, client: PipelineServiceClient) -> None:
        sessions = [client.create_session("arithmetic", settings={"workers": 2}) for _ in range(2)]
        results: list[bool] = []
        threads = [
            threading.Thread(target=lambda one=one: results.append(one.run(reuse=True).succeeded)) for one in sessions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert results == [True, True]
        assert sessions[0].outputs() == sessions[1].outputs()
        for session in sessions:
            session.close()


@pytest.mark.usefixtures("digests")
class TestRebuilding:
    def test_a_lost_index_finds_the_keys_again(self, new_client: Clients, tmp_path: Path) -> None:
        first = run(new_client())
        for file in (tmp_path / "store" / "index").glob("*.sqlite3*"):
            file.unlink()
        client = new_client()
        assert reused(run(client)) == set()
        for file in (tmp_path / "store" / "index").glob("*.sqlite3*"):
            file.unlink()
        client = new_client()
        reconcile(client.store, client._index)
        third = run(client)
        assert reused(third) == ALL
        assert {row.reused_from for row in third.node_rows().values()} != {first.session_id}

    def test_what_a_worker_ran_is_a_source_once_its_session_was_driven(self, client: PipelineServiceClient) -> None:
        with client.create_session("arithmetic") as first:
            client.session("arithmetic", first.session_id).run_node("//start")
            first.run()
        assert "//start" in reused(run(client))


@pytest.mark.usefixtures("digests")
class TestArtifacts:
    @pytest.fixture
    def large(self, client: PipelineServiceClient) -> Callable[..., PipelineSession]:
        """Run the habitat whose output is too large to stand in its commit."""

        def make() -> PipelineSession:
            with client.create_session("with-inputs", inputs={"table": list(range(5000))}) as session:
                assert session.run(reuse=True).succeeded
            return session

        return make

    def artifact(self, tmp_path: Path, session: PipelineSession) -> Path:
        digest = session.ports("//double")["output"].digest
        return tmp_path / "store" / "blobs" / digest[:2] / digest

    def test_large_outputs_are_shared(self, large: Callable[..., PipelineSession]) -> None:
        first, second = large(), large()
        assert reused(second) == {"//double", "//where"}
        assert first.ports("//double") == second.ports("//double")

    def test_an_artifact_that_is_gone_or_cut_means_running(
        self, large: Callable[..., PipelineSession], tmp_path: Path
    ) -> None:
        file = self.artifact(tmp_path, large())
        whole = file.read_bytes()
        file.unlink()
        assert reused(large()) == {"//where"}
        file.write_bytes(whole[:-1])
        assert reused(large()) == {"//where"}
        assert file.read_bytes() == whole

    def test_an_artifact_that_was_altered_is_an_error_when_it_is_read(
        self, large: Callable[..., PipelineSession], tmp_path: Path
    ) -> None:
        file = self.artifact(tmp_path, large())
        file.write_bytes(bytes(reversed(file.read_bytes())))
        second = large()
        assert "//double" in reused(second)
        with pytest.raises(CorruptArtifactError):
            second.output("//double")


class TestWhatNodesReallyAre:
    """With the identities that sessions give their nodes."""

    def test_workers_and_threads_reuse_from_each_other(self, client: PipelineServiceClient) -> None:
        first = run(client, reuse=False, engine="process", workers=2)
        assert reused(run(client, workers=2)) == ALL
        second = run(client, engine="process", workers=2, retries=1)
        assert reused(second) == ALL
        assert {row.reused_from for row in second.node_rows().values()} == {first.session_id}

    def test_a_setting_counts_where_it_is_read(self, client: PipelineServiceClient) -> None:
        run(client)
        nodes = {"//multiply/1": PipelineNodeSettings(fields={"offset": 5})}
        with client.create_session("arithmetic", settings=PipelineSessionSettings(nodes=nodes)) as session:
            session.run(reuse=True)
            assert reused(session) == {"//start", "//multiply/0", "//multiply/2"}

    def test_a_failure_is_not_reused_and_what_stands_beside_it_is(self, client: PipelineServiceClient) -> None:
        with client.create_session("troubled", settings={"kind": "raise"}) as first:
            first.run()
        with client.create_session("troubled", settings={"kind": "raise", "retries": 1}) as second:
            rows = second.run(reuse=True).nodes
        assert {path: (row.state.value, row.attempt) for path, row in rows.items()} == {
            "//bad": ("failed", 2),
            "//after": ("skipped", 0),
            "//alone": ("succeeded", 0),
        }

    def test_code_that_was_patched_in_this_process_is_no_source(
        self, client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import session_pipelines  # type: ignore[import-not-found]

        with monkeypatch.context() as patch:
            patch.setattr(session_pipelines.Sum, "__call__", lambda _self, values: -sum(values))
            assert run(client, reuse=False).output("//total") == -222
        assert run(client).output("//total") == 222

    def test_what_a_worker_runs_unproven_is_no_source(
        self, new_client: Clients, registry: HabitatRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "loose_helper.py").write_text("VALUE = 1\n")
        (tmp_path / "loose_pipeline.py").write_text(LOOSE)
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.register("loose", "loose_pipeline:Loose")
        with new_client().create_session("loose", session_id="s1", settings={"verification": {"mode": "warn"}}):
            outcome = new_client().session("loose", "s1").run_node("//valued")
        assert (outcome.state.value, outcome.reuse_key) == ("succeeded", None)


LOOSE = """
import loose_helper
from dependency_injector import providers
from oneml.habitats import PipelineComponents


class Valued:
    def __call__(self) -> int:
        return loose_helper.VALUE


class Loose(PipelineComponents):
    valued = providers.Factory(Valued)

    def define(self, pipeline):
        pipeline.node("valued", self.valued)()
"""


def test_digests_of_what_nodes_read_are_kept_within_bounds(
    client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "NARROW_MAX", 2)
    nodes = {f"//multiply/{n}": PipelineNodeSettings(fields={"offset": n}) for n in range(1, 3)}
    with client.create_session("arithmetic", settings=PipelineSessionSettings(nodes=nodes)) as session:
        found = [session.open().node_identity(NodePath(f"//multiply/{n}")).fingerprint for n in (0, 1, 2, 0, 1, 2)]
    assert found[:3] == found[3:]
    assert len(set(found)) == 3
    assert len(session.open().fingerprints._narrow) <= 2  # pyright: ignore[reportPrivateUsage]  # what is kept
