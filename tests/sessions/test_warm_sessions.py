"""A session that stays open on a worker: what it keeps, for how long, and what one node says of another."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forked import Forks
from installed_site import Site
from oneml.habitats import PipelineServiceClient
from oneml.habitats.errors import UnknownSessionError
from oneml.habitats.sessions import entry_settings, worker
from oneml.habitats.sessions.entry_settings import EntrySettings
from oneml.habitats.sessions.fingerprints import Fingerprints
from oneml.habitats.sessions.opened import OpenedSession
from oneml.habitats.sessions.worker import WarmSessions
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.states import NodeState, SessionState

Clients = Callable[..., PipelineServiceClient]

START, MULTIPLY = NodePath("//start"), NodePath("//multiply/0")


def test_entries_for_a_node_count_on_a_worker_that_has_read_the_whole_plan(new_client: Clients) -> None:
    new_client().create_session("arithmetic", session_id="s1", settings={"nodes": {"//start": {"retries": 7}}}).close()
    with new_client().session("arithmetic", "s1") as worker:
        assert worker.plan.nodes
        assert worker.open().settings_of(START).retries == 7
        assert worker.open().settings_of(MULTIPLY).retries == 0


def test_a_worker_keeps_settings_for_few_sets_of_entries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(entry_settings, "KEPT_MAX", 2)
    sources = ProcessSources(environ={}, working_directory=tmp_path)
    base = resolve_settings(PipelineSettings, habitat="plain", sources=sources)
    made: list[str] = []

    def with_entries(entries: JsonObject) -> EffectiveSettings[PipelineSettings]:
        made.extend(entries)
        return base

    kept = EntrySettings(base, with_entries)
    for path in ("//a", "//b", "//a", "//c", "//a", "//b"):
        kept.at({path: {}})
    assert made == ["//a", "//b", "//c", "//b"]


def test_a_node_that_differs_is_not_offered_for_reuse_and_others_are(
    new_client: Clients, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    new_client().create_session("arithmetic", session_id="s1", settings={"verification": {"mode": "warn"}}).close()
    of_node = Fingerprints.of_node

    def differing(self: Fingerprints, node: object, *rest: object) -> str | None:
        path = getattr(node, "path", "")
        return "other" if path == START else of_node(self, node, *rest)  # type: ignore[arg-type]

    with new_client().session("arithmetic", "s1") as worker:
        opened = worker.open()
        assert opened.node_identity(MULTIPLY).reuse is not None
        monkeypatch.setattr(Fingerprints, "of_node", differing)
        opened.prove(START)
        assert "//start: " in caplog.text
        assert opened.node_identity(START).reuse is None
        assert opened.node_identity(MULTIPLY).reuse is not None


def test_a_container_is_not_closed_under_a_node_whose_outputs_are_carried(
    new_client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_client().create_session("arithmetic", session_id="s1").close()
    closed: list[str] = []
    close, prove = OpenedSession.close, OpenedSession.prove

    def closing(self: OpenedSession) -> None:
        closed.append("closed")
        close(self)

    worker = new_client().session("arithmetic", "s1")

    def closed_meanwhile(self: OpenedSession, path: NodePath) -> None:
        worker.close()
        assert closed == []
        prove(self, path)

    monkeypatch.setattr(OpenedSession, "close", closing)
    monkeypatch.setattr(OpenedSession, "prove", closed_meanwhile)
    outcome, revision = worker.run_carried("//start", attempt=1, upstream={}, inline_max_bytes=1000)
    assert revision == 0
    assert outcome.state is NodeState.SUCCEEDED
    assert closed == ["closed"]


def test_of_several_distributions_with_one_name_that_of_the_recipe_runs_and_no_other(
    tmp_path: Path, forks: Forks
) -> None:
    site = Site(tmp_path, forks=forks)
    folder = Path(__file__).parent / "importable"
    habitats = {"arithmetic": "session_pipelines:Arithmetic"}
    site.install("session-pipelines", files=folder, packages=["session_pipelines.py"], habitats=habitats)
    session_id = site.create("arithmetic")
    rivals = {"rival": "ArithmeticElsewhere", "another": "Troubled"}
    for name, container in rivals.items():
        site.install(name, files=folder, packages=[], habitats={"arithmetic": f"session_pipelines:{container}"})
    worked = site.work("arithmetic", session_id, "//start")
    assert worked.returncode == 0, worked.stderr
    (site.metadata("session-pipelines") / "entry_points.txt").write_text("")
    refused = site.work("arithmetic", session_id, "//multiply/0")
    assert refused.returncode == 3
    assert "rival 1.0" in refused.stderr
    assert "session-pipelines==1.0" in refused.stderr


def test_where_a_removed_session_stands_is_that_there_is_none(new_client: Clients) -> None:
    with new_client().create_session("arithmetic", session_id="s1") as session:
        assert session.state is SessionState.CREATED
        new_client().remove_session("s1")
        with pytest.raises(UnknownSessionError, match='no session "s1"'):
            _ = session.state


class Closable:
    """A session that says when it is closed."""

    def __init__(self, name: str, closed: list[str]) -> None:
        self.name = name
        self.close = lambda: closed.append(name)


def test_a_worker_closes_sessions_beyond_its_limit_and_none_under_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Client:
        def __init__(self, *, store: str | None) -> None:
            del store

        def session(self, _habitat: str, session_id: str) -> Closable:
            return Closable(session_id, closed)

    monkeypatch.setattr(worker, "PipelineServiceClient", Client)
    warm = WarmSessions(limit=1)
    with warm.leased(None, "h", "long") as held:
        with warm.leased(None, "h", "short"):
            assert closed == []
        assert closed == ["short"]
        with warm.leased(None, "h", "long") as again:
            assert again is held
    with warm.leased(None, "h", "next"):
        assert closed == ["short", "long"]
    warm.close()
    assert closed == ["short", "long", "next"]
