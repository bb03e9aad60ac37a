"""Sessions of pipelines that include others: settings, overrides, scopes, proof, on several engines."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient, PipelineSession, Reference, replace
from oneml.habitats.errors import (
    ClosedScopeError,
    DefinitionFailedError,
    DriftError,
    HabitatMissingError,
    InvalidComponentsError,
    InvalidOverrideError,
    InvalidPipelineError,
    LiveOverridesError,
    OverrideInForceError,
    SettingsError,
    UnknownSettingError,
)
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.sessions import verified_parts
from oneml.habitats.sessions.comparison import compare_sessions
from oneml.habitats.sessions.explaining import session_explanations
from oneml.habitats.sessions.included_identity import IncludedIdentity
from oneml.habitats.sessions.recipe import read_explanation
from oneml.habitats.settings.explanations import setting_explanations
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath

Clients = Callable[..., PipelineServiceClient]
IMPORTABLE = Path(__file__).parent / "importable"
FIRST, SECOND = NodePath("//first/scale"), NodePath("//second/scale")


@pytest.fixture(autouse=True)
def _registered(registry: HabitatRegistry) -> None:
    for name in ("Study", "Campaign", "Loop", "Deep"):
        registry.register(name.lower(), f"included_pipelines:{name}")
    registry.register("scaling", "ruler_pipelines:Scaling")


@pytest.fixture
def rulers(client: PipelineServiceClient) -> Any:
    """The module of the included habitat, which can be imported once a client is there."""
    import ruler_pipelines  # found by then

    del client
    ruler_pipelines.CLOSED.clear()
    return ruler_pipelines


def ran(session: PipelineSession) -> Mapping[str, object]:
    with session:
        assert session.run().succeeded
        return session.outputs()


@pytest.mark.parametrize("settings", [{}, {"store": "memory:"}, {"engine": "process", "workers": 2}])
def test_a_habitat_that_is_included_twice_has_settings_of_its_own_each_time(
    client: PipelineServiceClient, settings: Mapping[str, object]
) -> None:
    assert ran(client.create_session("study", settings=settings)) == {"first": 6, "second": 30}


def test_pipelines_nest_and_workers_open_only_what_their_node_needs(client: PipelineServiceClient) -> None:
    session = client.create_session("campaign", settings={"nodes": {"//study/second": {"factor": 3}}})
    assert ran(session) == {"total": 12, "second": 18}
    worker = client.session("campaign", session.session_id)
    with worker:
        assert worker.prove("//study/second/scale").fingerprint is not None
        assert worker.run_node("//study/second/scale").ports
        parts = worker.open().components.opened_parts
        assert list(parts.paths) == ["//study", "//study/first", "//study/second"]
        assert [type(part).__name__ for part in parts.opened()] == ["Scaling"]
    again = client.load_session(session.session_id)
    with again:
        assert again.run().succeeded
        assert again.reproduce("//study/first/scale").same


def test_settings_stand_author_below_session_below_entry(new_client: Clients) -> None:
    client = new_client({"SCALING_FACTOR": "7", "SCALING_SHIFT": "1"})
    assert ran(client.create_session("study")) == {"first": 6 * 7 // 2 + 3, "second": 33}
    line = CommandLineSettings(assignments=["//first:factor=2", "//second/scale:shift=5", "//second:retries=4"])
    session = client.create_session("study", settings={"retries": 2}, command_line=line)
    settings = session.open().settings
    assert settings.node(FIRST).retries == 2
    assert settings.node(SECOND).retries == 4
    assert ran(session) == {"first": 9, "second": 45}


def test_entry_of_a_namespace_says_for_what_is_included_in_it_how_nodes_run(client: PipelineServiceClient) -> None:
    entries = {"//deep": {"retries": 2, "rows": 2}, "//deep/scaling": {"shift": 1}}
    session = client.create_session("deep", settings={"nodes": entries})
    worker = client.session("deep", session.session_id)
    node = NodePath("//deep/scaling/scale")
    with session, worker:
        for opened in (session.open(), worker.open()):
            assert [opened.settings_of(path).retries for path in (NodePath("//deep/table"), node)] == [2, 2]
        assert session.run().succeeded
        assert session.outputs() == {"scaled": [1, 3]}
        assert worker.prove(node).fingerprint is not None


def test_explanations_say_where_a_value_of_an_included_habitat_comes_from(new_client: Clients) -> None:
    client = new_client({"SCALING_SHIFT": "1"})
    line = CommandLineSettings(assignments=["//first:factor=9"])
    session = client.create_session("study", command_line=line)
    settings = session.open().settings
    (second,) = setting_explanations(settings.at(SECOND), SECOND, names=["factor"])
    assert (second.value, second.origin.layer) == (10, Layer.INCLUDE)
    assert re.search(r"included_pipelines.py:\d+$", second.origin.source)
    (first,) = setting_explanations(settings.at(FIRST), FIRST, names=["factor"])
    assert (first.value, str(first.origin)) == (9, "--set //first:factor=9")

    models = {"//first": settings.at(FIRST).model, "//second": settings.at(SECOND).model}

    def recorded(path: str, name: str) -> tuple[object, str]:
        (found,) = session_explanations(
            client.store, session.recipe, models.__getitem__, path=NodePath(path), names=[name]
        )
        return found.value, str(found.origin)

    assert recorded(FIRST, "factor") == (9, "--set //first:factor=9")
    assert recorded("//second", "factor") == (10, second.origin.source)
    assert recorded(SECOND, "shift") == (1, "SCALING_SHIFT")
    session.close()


@pytest.mark.parametrize(
    ("assignment", "error", "text"),
    [
        ("//first:facto=3", UnknownSettingError, 'Did you mean "factor"?'),
        ("//first/scale:facto=3", UnknownSettingError, "ScalingSettings"),
        ("//first:workers=3", SettingsError, "is shared by the whole session"),
        ("//first/scale:factor=3", SettingsError, "reads settings.session.factor"),
        ("//first/scael:shift=3", SettingsError, 'Did you mean "//first/scale"?'),
        ("//fist:factor=3", SettingsError, 'for "//fist", which is no node'),
    ],
)
def test_entries_that_do_not_fit_the_included_habitat_are_refused(
    client: PipelineServiceClient, assignment: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=re.escape(text)):
        client.create_session("study", command_line=CommandLineSettings(assignments=[assignment]))


def test_overrides_reach_every_container_of_the_class_and_workers(client: PipelineServiceClient, rulers: Any) -> None:
    half = replace(rulers.Scaling.ruler, provider=Reference(rulers.Ruler, "ruler_pipelines:HalvingRuler", factor=0))
    session = client.create_session("study", half, settings={"engine": "process"})
    assert sorted(session.recipe.overrides) == ["//first:ruler", "//second:ruler"]
    assert ran(session) == {"first": 1, "second": 1}
    live = replace(rulers.Scaling.ruler, rulers.Ruler(4))
    other = client.create_session("study", live)
    assert ran(other) == {"first": 12, "second": 12}
    with pytest.raises(LiveOverridesError, match="//first:ruler"):
        client.session("study", other.session_id).prove(FIRST)
    with pytest.raises(InvalidPipelineError, match='"//first:ruler" is replaced by a live Ruler'):
        client.create_session("study", live, settings={"engine": "process"})


def test_overrides_of_strangers_and_of_everybody_are_refused(client: PipelineServiceClient, rulers: Any) -> None:
    override = replace(rulers.Scaling.ruler, rulers.Ruler(4))
    with pytest.raises(InvalidOverrideError, match="none of Arithmetic's"):
        client.create_session("arithmetic", override)
    rulers.Scaling.ruler.override(rulers.Ruler(4))
    try:
        with pytest.raises(OverrideInForceError, match='"ruler" of the class'):
            client.create_session("study")
    finally:
        rulers.Scaling.ruler.reset_override()


def test_resources_close_in_reverse_order_of_including_and_before_the_outer_one(
    client: PipelineServiceClient, rulers: Any
) -> None:
    import included_pipelines  # found by then

    order = included_pipelines.CLOSED = rulers.CLOSED
    with client.create_session("study") as session:
        assert session.run().succeeded
        assert order == ["scratch 2", "scratch 10"]
    assert order[2:] == ["log 10", "log 2", "outer"]


def test_habitat_that_includes_itself_is_refused_with_the_path(client: PipelineServiceClient) -> None:
    chain = "Loop (/) -> Round (//round) -> Loop (//round/again)"
    with pytest.raises(InvalidPipelineError, match=re.escape(f"it would include itself: {chain}.")):
        client.create_session("loop")


def test_what_is_wrong_with_an_included_class_tells_the_include_path(
    client: PipelineServiceClient, registry: HabitatRegistry
) -> None:
    import included_broken  # found by now

    registry.register("captive", included_broken.IncludesCaptive)
    with pytest.raises(InvalidComponentsError, match=r"Captive, included at //held, has a problem:\n.* \(session\)"):
        client.create_session("captive")
    registry.register("raising", included_broken.IncludesRaising)
    with pytest.raises(DefinitionFailedError, match=r"included_broken:Raising, included at //loud.* KeyError"):
        client.create_session("raising")


def test_settings_that_fit_none_of_several_included_habitats_are_refused_together(
    client: PipelineServiceClient, registry: HabitatRegistry
) -> None:
    import included_broken  # found by now

    registry.register("misset", included_broken.IncludesMisset)
    with pytest.raises(SettingsError) as caught:
        client.create_session("misset")
    assert [problem.setting for problem in caught.value.problems] == ["facto", "workers"]


def test_a_change_of_the_included_habitat_reaches_open_sessions_and_later_ones(
    client: PipelineServiceClient,
) -> None:
    with client.create_session("study") as session:
        revisions = client.change_settings("scaling", {"shift": 100})
        assert [sorted(one.nodes) for one in revisions.values()] == [sorted([FIRST, SECOND])]
        assert session.run().succeeded
        assert session.outputs() == {"first": 306, "second": 330}
        worker = client.session("study", session.session_id)
        assert worker.prove(FIRST).revision == 1
    assert ran(client.create_session("study")) == {"first": 306, "second": 330}


def test_a_change_of_the_session_says_for_included_nodes_how_they_run(client: PipelineServiceClient) -> None:
    with client.create_session("study") as session:
        session.revise({"rows": 5, "retries": 3})
        settings = session.open().settings
        assert (settings.node(FIRST).retries, settings.node(SECOND).retries) == (3, 1)
        assert session.run().succeeded
        assert session.outputs() == {"first": 20, "second": 100}


def test_outputs_are_reused_where_nothing_that_they_depend_on_differs(client: PipelineServiceClient) -> None:
    ran(client.create_session("study"))
    with client.create_session("study", settings={"nodes": {"//first": {"factor": 3}}}) as session:
        result = session.run(reuse=True)
        reused = [path for path, row in result.nodes.items() if row.reused_from is not None]
        assert reused == ["//table", SECOND, "//noted"]


def test_sessions_are_compared_by_habitat(client: PipelineServiceClient) -> None:
    one = client.create_session("study")
    other = client.create_session("study", settings={"nodes": {"//first": {"factor": 3}}})
    found = compare_sessions(one.recorded(), other.recorded())
    told = [(drift.subject, drift.field, drift.expected, drift.found) for drift in found.settings]
    assert ("factor", "//first", "2", "3") in told
    assert not [*found.graph, *found.code]
    one.close()
    other.close()


def test_recipe_holds_what_a_worker_needs_and_no_more(client: PipelineServiceClient) -> None:
    with client.create_session("study") as session:
        recipe = session.recipe
        assert [record.container for record in recipe.included.values()] == ["ruler_pipelines:Scaling"] * 2
        included = recipe.settings["included"]
        assert isinstance(included, Mapping)
        assert set(included["//first"]["process"]) == {"factor", "shift", "token"}  # type: ignore[index, call-overload]
        explained = read_explanation(client.store, recipe, "graph")["included"]
        assert isinstance(explained, Mapping)
        assert set(explained) == {"//first", "//second"}
    with client.create_session("arithmetic") as session:
        assert "included" not in session.recipe.settings


def test_secrets_of_included_habitats_are_told_apart(new_client: Clients) -> None:
    environ = {"ONEML_SIGNING_KEY": "k" * 40, "RULER_TOKEN": "green"}
    given = {"nodes": {"//first": {"token": "env:RULER_TOKEN"}}}
    session = new_client(environ).create_session("study", settings=given)
    assert list(session.recipe.secrets) == ["//first:token"]
    assert "green" not in str(session.recipe)
    assert new_client(environ).session("study", session.session_id).prove(FIRST).fingerprint is not None
    other = new_client({**environ, "RULER_TOKEN": "red"}).session("study", session.session_id)
    assert other.prove(SECOND).fingerprint is not None
    with pytest.raises(DriftError, match="//first:token"):
        other.prove(FIRST)
    session.close()


def test_name_that_leads_to_another_class_on_the_worker_is_refused(
    client: PipelineServiceClient, tmp_path: Path
) -> None:
    session = client.create_session("study")
    session.close()
    elsewhere = HabitatRegistry(search_path=[])
    elsewhere.register("study", "included_pipelines:Study")
    elsewhere.register("scaling", "included_broken:Wide")
    sources = ProcessSources(environ={}, working_directory=tmp_path)
    worker = PipelineServiceClient(store=client.store.url, registry=elsewhere, sources=sources)
    with worker.session("study", session.session_id) as found:
        assert found.prove("//table").fingerprint is not None
        with pytest.raises(DriftError, match="included_broken:Wide"):
            found.prove(SECOND)


def test_graph_of_an_included_habitat_that_differs_is_refused_where_a_node_reaches_it(
    client: PipelineServiceClient, rulers: Any
) -> None:
    session = client.create_session("study")
    session.close()
    ruler = rulers.Scaling.ruler
    declared = dict(ruler.kwargs)
    try:
        ruler.set_kwargs(factor=3)
        rulers.Scaling._compiled = None
        with client.session("study", session.session_id) as worker:
            assert worker.prove("//table").fingerprint is not None
            with pytest.raises(DriftError, match="//first:ruler"):
                worker.prove(FIRST)
    finally:
        ruler.set_kwargs(**declared)
        rulers.Scaling._compiled = None


def test_worker_of_a_pipeline_that_includes_nothing_loads_nothing_of_it(client: PipelineServiceClient) -> None:
    session = client.create_session("arithmetic")
    session.close()
    program = (
        "import sys\n"
        "from oneml.habitats import HabitatRegistry, PipelineServiceClient\n"
        "registry = HabitatRegistry(search_path=[])\n"
        "registry.register('arithmetic', 'session_pipelines:Arithmetic')\n"
        f"client = PipelineServiceClient(store={client.store.url!r}, registry=registry)\n"
        f"assert client.session('arithmetic', '{session.session_id}').run_node('//start').ports\n"
        "assert 'oneml.habitats.sessions.verified' in sys.modules\n"
        "names = ('habitats.parts', 'settings.included', 'sessions.verified_parts', 'sessions.included_records')\n"
        "print([name for name in names if f'oneml.habitats.{name}' in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def _site(folder: Path) -> Mapping[str, str]:
    """Install both modules as distributions of their own."""
    folder.mkdir()
    offers = {
        "rulers": ("ruler_pipelines", "scaling = ruler_pipelines:Scaling\n"),
        "studies": ("included_pipelines", "study = included_pipelines:Study\n"),
    }
    for name, (module, line) in offers.items():
        (folder / f"{module}.py").write_text((IMPORTABLE / f"{module}.py").read_text())
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[oneml.habitats]\n{line}")
        (info / "RECORD").write_text(f"{module}.py,,\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ONEML_")}
    return {**environ, "PYTHONPATH": str(folder), "ONEML_STORE_URL": (folder.parent / "store").as_uri()}


def _run(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "oneml.habitats", *arguments]
    return subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=False)


def test_fresh_workers_run_included_nodes_and_refuse_other_code(tmp_path: Path) -> None:
    environ = _site(tmp_path / "site")
    create = "from oneml.habitats import PipelineServiceClient as C; print(C().create_session('study').session_id)"
    made = subprocess.run([sys.executable, "-c", create], env=environ, capture_output=True, text=True, check=True)
    node = {**environ, "ONEML_HABITATS_PIPELINE": "study", "ONEML_PIPELINE_SESSION_ID": made.stdout.strip()}
    assert [_run(node, "run-pipeline-node", path).returncode for path in ("//table", FIRST)] == [0, 0]
    ruler = tmp_path / "site" / "ruler_pipelines.py"
    source = ruler.read_text()
    ruler.write_text(source.replace("self.factor * value", "self.factor + value"))
    refused = _run(node, "run-pipeline-node", SECOND)
    assert refused.returncode == 3
    assert "ruler_pipelines" in refused.stderr
    ruler.write_text(source)
    (tmp_path / "site" / "rulers-1.0.dist-info").rename(tmp_path / "site" / "rulers-1.1.dist-info")
    refused = _run(node, "run-pipeline-node", SECOND)
    assert refused.returncode == 3
    assert "rulers" in refused.stderr
    explained = _run(environ, "settings", "explain", "study", SECOND, "factor", "--json", "--set", "//second:factor=4")
    (setting,) = json.loads(explained.stdout)["settings"]
    assert (setting["value"], setting["source"]) == (4, "--set //second:factor=4")


def test_plan_of_thousands_of_included_nodes_needs_no_more_than_the_outer_one(
    client: PipelineServiceClient, registry: HabitatRegistry
) -> None:
    import included_broken  # found by now

    registry.register("wide", included_broken.IncludesWide)
    with client.create_session("wide", settings={"store": "memory:"}) as session:
        assert len(session.plan.nodes) == 2 * included_broken.COUNT
        assert not session.open().settings.node_paths()


def test_store_in_memory_serves_included_habitats(registry: HabitatRegistry, client: PipelineServiceClient) -> None:
    del client  # which lets the modules be found
    other = PipelineServiceClient(store="memory:", registry=registry)
    assert isinstance(other.store, MemoryArtifactStore)
    assert ran(other.create_session("study")) == {"first": 6, "second": 30}


def test_a_settings_model_that_differs_is_refused_however_often_a_warm_worker_is_asked(
    client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = client.create_session("study")
    session.close()
    with client.session("study", session.session_id) as worker:
        assert worker.run_node("//table").ports
        monkeypatch.setattr(IncludedIdentity, "schema_of", staticmethod(lambda _: {"properties": {}}))
        for _ in range(2):
            with pytest.raises(DriftError, match="//first:"):
                worker.run_node(FIRST)


def test_what_differs_without_effect_is_told_of_included_habitats_too(new_client: Clients) -> None:
    session = new_client().create_session("study")
    session.close()
    with new_client({"SCALING_SHIFT": "5"}).session("study", session.session_id) as worker:
        assert not worker.prove("//table").notices
        (notice,) = worker.prove(FIRST).notices
    assert notice.startswith("//first: SCALING_SHIFT gives ")
    assert notice.endswith("with shift = 0")


def test_name_that_several_distributions_offer_leads_to_the_recorded_class(
    client: PipelineServiceClient, registry: HabitatRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = client.create_session("study")
    session.close()
    other = HabitatEntry("scaling", "included_broken:Wide", distribution="others", version="1.0")
    monkeypatch.setattr(registry, "_installed", [other])
    registry._loaded.clear()
    with client.session("study", session.session_id) as worker:
        assert worker.prove(SECOND).fingerprint is not None


def test_container_that_opens_after_the_session_was_closed_builds_nothing(client: PipelineServiceClient) -> None:
    session = client.create_session("study")
    session.close()
    with client.session("study", session.session_id) as worker:
        opened = worker.open()
    with pytest.raises(ClosedScopeError):
        opened.components.open_node(FIRST, opened.settings_of(FIRST))


def test_all_finalizers_of_all_containers_run_and_are_told(client: PipelineServiceClient, rulers: Any) -> None:
    class FailingList(list[str]):
        def append(self, item: str) -> None:
            super().append(item)
            if item.startswith("log"):
                raise OSError(item)

    rulers.CLOSED = closed = FailingList()
    try:
        session = client.create_session("study")
        assert session.run().succeeded
        with pytest.raises(BaseExceptionGroup) as caught:
            session.close()
    finally:
        rulers.CLOSED = []
    assert list(closed)[-2:] == ["log 10", "log 2"]
    told = [str(error) for group in caught.value.exceptions for error in group.exceptions]  # type: ignore[attr-defined]
    assert told == ["log 10", "log 2"]
    session.close()


def test_files_are_held_against_the_recipe_before_an_included_habitat_is_imported(
    client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = client.create_session("study")
    session.close()
    changed: list[NodePath] = []

    def refuse(path: NodePath) -> None:
        changed.append(path)
        raise HabitatMissingError(habitat="scaling", distribution="rulers", version="1.0", others=[])

    with client.session("study", session.session_id) as worker:
        verified = worker.open().verified
        assert verified is not None
        monkeypatch.setattr(verified, "check_again", refuse)
        monkeypatch.setattr(verified_parts, "included_container", None)
        with pytest.raises(HabitatMissingError):
            worker.run_node(FIRST)
    assert changed == ["//first"]


def test_entry_at_an_include_path_is_explained_once(client: PipelineServiceClient) -> None:
    session = client.create_session("study", command_line=CommandLineSettings(assignments=["//first:factor=9"]))
    with session:
        (found,) = setting_explanations(session.open().settings.at(FIRST), FIRST, names=["factor"])
    assert [hidden.value for hidden in found.hidden] == [2]


def test_proving_a_node_and_asking_for_its_container_wait_for_each_other_in_no_circle(
    client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.create_session("study", session_id="s1").close()
    part, asking = NodePath("//first"), list[Thread]()
    worker = client.session("study", "s1")
    opened = worker.open()
    assert opened.verified is not None
    included = opened.verified.included
    assert included is not None
    told = included._without_effect

    def told_late(*arguments: Any) -> Any:
        if not asking:
            asking.append(Thread(target=lambda: opened.components.opened_part(part), daemon=True))
            asking[0].start()
            asking[0].join(0.2)  # it waits by now for what is opened here
        return told(*arguments)

    monkeypatch.setattr(included, "_without_effect", told_late)
    proving = Thread(target=lambda: included.identity(part), daemon=True)
    proving.start()
    proving.join(20)
    asking[0].join(20)
    assert [thread.is_alive() for thread in (proving, *asking)] == [False, False]
    assert [type(part).__name__ for part in opened.components.opened_parts.opened()] == ["Scaling"]
    worker.close()  # which would wait, too, where they do
