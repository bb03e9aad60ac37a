"""Parts of a pipeline: which nodes they have, whose outputs they take over, and what is refused."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from dependency_injector import providers

from oneml.habitats import (
    HabitatRegistry,
    Parts,
    PipelineBuilder,
    PipelineComponents,
    PipelineServiceClient,
    PipelineSession,
    SessionOutput,
)
from oneml.habitats.errors import (
    InvalidInputsError,
    InvalidSelectionError,
    NoParentError,
    NotSelectedError,
    ParentRefusedError,
    UnknownNodeError,
)
from oneml.habitats.sessions.selection import Narrowed, narrowed, selection_of
from oneml.habitats.values.lineage import Parent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import (
    ExternalInput,
    ExternalSource,
    GatherSource,
    InputSource,
    Plan,
    PlannedNode,
    PortSource,
    WholeSource,
)

Clients = Callable[..., PipelineServiceClient]
TOTAL = 2 + 20 + 200


def port(path: str) -> PortSource:
    return PortSource(NodePath(path), "output")


def planned(path: str, *after: str, **inputs: InputSource) -> PlannedNode:
    return PlannedNode(NodePath(path), "body", inputs, ("output",), after=tuple(map(NodePath, after)))


def diamond() -> Plan:
    """Load, two branches of which one is a fan-out, a join, and a node that only comes after it."""
    nodes = [
        planned("//load", table=ExternalSource("table")),
        planned("//left", x=port("//load"), y=ExternalSource("other")),
        planned("//right/0", x=port("//load")),
        planned("//right/1", x=WholeSource(NodePath("//load"))),
        planned("//join", x=port("//left"), ys=GatherSource((port("//right/0"), port("//right/1")))),
        planned("//report", "//join"),
    ]
    return Plan(
        nodes={node.path: node for node in nodes},
        inputs={name: ExternalInput(name, "int", required=True) for name in ("table", "other")},
        outputs={"joined": port("//join"), "loaded": port("//load")},
        fan_outs={NodePath("//right"): (NodePath("//right/0"), NodePath("//right/1"))},
        node_settings={NodePath("//left"): {"retries": 1}},
    )


def part(*, in_memory: tuple[str, ...] = (), **paths: str | list[str]) -> Narrowed:
    given = {"start_at": (), "stop_at": (), "only": (), **paths}
    selection = selection_of(**given)  # type: ignore[arg-type]
    assert selection is not None
    return narrowed(diamond(), selection, in_memory=lambda path: path in in_memory)


@pytest.mark.parametrize(
    ("paths", "selected", "taken_over"),
    [
        ({"stop_at": "//left"}, "//load //left", ""),
        ({"stop_at": ["//left", "//right/1"]}, "//load //left //right/1", ""),
        ({"start_at": "//join"}, "//join //report", "//load //left //right/0 //right/1"),
        ({"start_at": "//right"}, "//right/0 //right/1 //join //report", "//load //left"),
        ({"start_at": "//left", "stop_at": "//join"}, "//left //join", "//load //right/0 //right/1"),
        ({"only": "//right"}, "//right/0 //right/1", "//load"),
        ({"only": "//report"}, "//report", ""),
        ({"only": ["//load", "//join"]}, "//load //join", "//left //right/0 //right/1"),
    ],
)
def test_which_nodes_run_and_which_are_taken_over(
    paths: Mapping[str, str | list[str]], selected: str, taken_over: str
) -> None:
    found = part(**paths)
    assert [path for path in found.plan.nodes if path in found.selected] == selected.split()
    assert list(found.taken_over) == taken_over.split()
    assert set(found.plan.nodes) == found.selected | set(found.taken_over)


def test_what_belongs_to_other_nodes_is_left_out() -> None:
    plan = part(only=["//right/1", "//report"]).plan
    assert plan.outputs == {"loaded": port("//load")}
    assert plan.fan_outs == {"//right": ("//right/1",)}
    assert plan.node_settings == {}
    assert {name: one.required for name, one in plan.inputs.items()} == {"table": True, "other": False}
    assert plan.nodes[NodePath("//report")].after == ()


def test_a_selected_node_above_what_is_taken_over_is_proven_too() -> None:
    assert part(only=["//load", "//join"]).proven == ("//load", "//left", "//right/0", "//right/1")


def test_memory_is_no_place_to_take_over_from_unless_nobody_reads_it() -> None:
    found = part(start_at="//join", in_memory=("//load",))
    assert found.taken_over == ("//left", "//right/0", "//right/1")
    assert found.proven[0] == "//load"
    with pytest.raises(InvalidSelectionError, match=r"outputs of //load are needed, and stay in memory"):
        part(only="//left", in_memory=("//load",))


@pytest.mark.parametrize(
    ("paths", "error", "message"),
    [
        ({"start_at": "//lfet"}, UnknownNodeError, r'no node "//lfet"\. Known: .* Did you mean "//left"\?'),
        ({"stop_at": "//rigth"}, UnknownNodeError, r'Did you mean "//right"\?'),
        (
            {"start_at": "//join", "stop_at": "//left"},
            InvalidSelectionError,
            r"--from //join --to //left cannot be run: nothing lies between: //left does not come after //join",
        ),
        ({"only": "//join", "stop_at": "//left"}, InvalidSelectionError, r"--from and --to .* cannot be given beside"),
    ],
)
def test_what_selects_nothing_is_refused(paths: Mapping[str, str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        part(**paths)


def calls(session: PipelineSession) -> list[str]:
    return sorted(session.open().components.client().calls)  # type: ignore[attr-defined]


def run(client: PipelineServiceClient, **given: object) -> PipelineSession:
    with client.create_session("arithmetic", **given) as session:  # type: ignore[arg-type]
        assert session.run().succeeded
    return session


@pytest.mark.parametrize("engine", ["in-process", "process"])
def test_start_at_takes_over_what_flows_in_and_runs_the_rest(client: PipelineServiceClient, engine: str) -> None:
    first = run(client)
    nodes = {"nodes": {"//multiply/1": {"offset": 5}}, "engine": engine}
    with client.create_session("arithmetic", settings=nodes, start_at="//multiply") as session:
        assert session.run().succeeded
        assert session.output("//total") == TOTAL + 5
        reused = {path: row.reused_from for path, row in session.node_rows().items() if row.reused_from}
        assert reused == {"//start": first.session_id}
        if engine == "in-process":
            assert calls(session) == ["multiply 1", "multiply 10", "multiply 100"]
    assert session.recipe.parent == Parent(first.session_id)
    assert str(session.recipe.selection) == "--from //multiply"
    assert client.list_sessions()[0].parent == first.session_id


def test_a_part_of_a_part_and_resuming_one(client: PipelineServiceClient) -> None:
    first = run(client)
    second = run(client, only="//total")
    assert set(second.plan.nodes) == {"//start", "//multiply/0", "//multiply/1", "//multiply/2", "//total"}
    with client.create_session("arithmetic", start_at="//halve", parent=second.session_id[:30]) as third:
        third.run_node("//halve")
    with client.load_session(third.session_id) as again:
        assert again.run().succeeded
        assert again.outputs() == {"text": f"+{TOTAL / 2} m"}
        assert {row.reused_from for row in again.node_rows().values()} == {None, first.session_id, second.session_id}


def test_stop_at_needs_no_parent_and_leaves_the_rest_out(client: PipelineServiceClient) -> None:
    session = run(client, stop_at="//multiply/1")
    assert list(session.plan.nodes) == ["//start", "//multiply/1"]
    assert session.recipe.parent is None
    assert session.outputs() == {}
    loaded = client.load_session(session.session_id)
    for one in (session, loaded):
        with pytest.raises(NotSelectedError, match=r'no node "//total" .* only --to //multiply/1 of its pipeline'):
            one.output("//total")
    with pytest.raises(InvalidSelectionError, match="needs no outputs of another session"):
        client.create_session("arithmetic", stop_at="//start", parent=session.session_id)


def test_what_differs_is_named_and_nothing_is_written(client: PipelineServiceClient) -> None:
    first = run(client)
    count = len(client.list_sessions())
    with pytest.raises(ParentRefusedError) as caught:
        client.create_session("arithmetic", only="//total", settings={"start": 3})
    assert dict(caught.value.nodes) == {"//start": "is not what was run there"}
    (drift,) = caught.value.drifts
    assert (drift.subject, drift.expected, drift.found) == ("start", "2", "3")
    assert caught.value.parent == first.session_id
    assert "Start earlier (--from //start)" in str(caught.value)
    assert len(client.list_sessions()) == count


def test_the_newest_session_that_computed_the_same_is_taken(client: PipelineServiceClient) -> None:
    same = run(client)
    run(client, settings={"start": 3})
    with client.create_session("arithmetic", stop_at="//start"):
        pass
    assert run(client, only="//halve").recipe.parent == Parent(same.session_id)
    assert run(client, only="//halve", settings={"start": 3}).recipe.parent != Parent(same.session_id)


def test_without_anything_computed_there_is_no_parent(client: PipelineServiceClient) -> None:
    with pytest.raises(NoParentError, match=r'The outputs of //total are needed, and no session of "arithmetic"'):
        client.create_session("arithmetic", only="//halve")
    with pytest.raises(NoParentError, match=r"start earlier \(--from //multiply\)"):
        client.create_session("arithmetic", only="//total")
    with client.create_session("arithmetic") as idle:
        pass
    with pytest.raises(NoParentError, match=rf"session {idle.session_id} has none of //total"):
        client.create_session("arithmetic", only="//halve", parent=idle.session_id)


def test_settings_of_nodes_that_run_anew_are_no_reason_why_others_are_refused(client: PipelineServiceClient) -> None:
    run(client)
    changed = {"nodes": {"//multiply/0": {"offset": 5}, "//multiply/1": {"offset": 6}, "//multiply": {"retries": 2}}}
    with pytest.raises(ParentRefusedError) as caught:
        client.create_session("arithmetic", start_at="//multiply/1", settings=changed)
    assert list(caught.value.nodes) == ["//multiply/0"]
    assert [(drift.subject, drift.field) for drift in caught.value.drifts] == [("offset", "//multiply/0")]


def test_nodes_that_are_not_reusable_are_known_by_their_fingerprints(client: PipelineServiceClient) -> None:
    settings = {"reusable": False}
    first = run(client, settings=settings)
    assert run(client, only="//total", settings=settings).recipe.parent == Parent(first.session_id)
    with pytest.raises(ParentRefusedError, match=r"//multiply/1 is not what was run there"):
        client.create_session(
            "arithmetic", only="//total", settings={**settings, "nodes": {"//multiply/1": {"offset": 5}}}
        )


def test_where_to_start_leaves_nothing_that_is_refused(client: PipelineServiceClient) -> None:
    run(client)
    changed = {"nodes": {"//multiply/0": {"offset": 5}, "//multiply/2": {"offset": 5}}}
    with pytest.raises(ParentRefusedError) as caught:
        client.create_session("arithmetic", only="//halve", settings=changed)
    assert "Start earlier (--from //multiply), " in str(caught.value)
    assert run(client, start_at=caught.value.starts, settings=changed).recipe.parent is not None


class Give:
    def __init__(self, how: Callable[[], int]) -> None:
        self.how = how

    def __call__(self) -> int:
        return self.how()


class Double:
    def __call__(self, number: int) -> int:
        return 2 * number


class Living(PipelineComponents):
    give = providers.Factory(Give, lambda: 3)
    double = providers.Factory(Double)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("double", self.double)(number=pipeline.node("give", self.give)())


def test_why_a_node_cannot_be_proven_the_same_is_told(client: PipelineServiceClient) -> None:
    client.registry.register("living", Living)
    with client.create_session("living") as session:
        assert session.run().succeeded
    with pytest.raises(ParentRefusedError) as caught:
        client.create_session("living", start_at="//double")
    assert re.match(r"cannot be proven the same: \"give\" is given a lambda", caught.value.nodes["//give"])


def test_what_a_revision_changed_is_not_mistaken_for_what_ran(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic", settings={"reusable": False}) as first:
        first.run_node("//start")
        first.run_node("//multiply/0")
        first.revise({"offset": 7})
        first.run()
    changed = {"reusable": False, "offset": 7}
    with pytest.raises(ParentRefusedError) as caught:
        client.create_session("arithmetic", only="//total", settings=changed)
    assert list(caught.value.nodes) == ["//multiply/0"]
    assert caught.value.starts == ("//multiply/0",)


def test_inputs_that_are_not_given_are_those_of_the_parent(client: PipelineServiceClient) -> None:
    with client.create_session("with-inputs", inputs={"table": [1, 2]}) as first:
        first.run()
    with client.create_session("with-inputs", start_at="//double", inputs={"table": [4]}) as changed:
        changed.run()
        assert changed.outputs() == {"doubled": [8]}
    with client.create_session("with-inputs", only="//where") as session:
        assert session.run().succeeded
        assert list(session.plan.nodes) == ["//where"]


def test_an_artifact_that_is_gone_is_not_taken_over(client: PipelineServiceClient, tmp_path: Path) -> None:
    table = list(range(5000))
    with client.create_session("with-inputs", inputs={"table": table}) as first:
        first.run()
    source = SessionOutput(first.session_id[:30], "//double")
    with client.create_session("with-inputs", inputs={"table": source}) as second:
        assert second.recipe.input_sources == {"table": SessionOutput(first.session_id, "//double", "output")}
        second.run()
        assert second.output("//double", form=list[int])[-1] == 4 * 4999
    digest = first.ports("//double")["output"].digest
    for file in (tmp_path / "store").rglob(f"*{digest[2:]}*"):
        file.unlink()
    with pytest.raises(InvalidInputsError, match="the artifact is missing in the store"):
        client.create_session("with-inputs", inputs={"table": source})


def test_workers_read_the_very_output_that_was_named(client: PipelineServiceClient) -> None:
    with client.create_session("with-inputs", inputs={"table": [1, 2]}) as first:
        first.run()
    inputs = {"table": SessionOutput(first.session_id, "//double", "output")}
    with client.create_session("with-inputs", inputs=inputs, settings={"engine": "process"}) as second:
        assert second.run().succeeded
        assert second.outputs() == {"doubled": [4, 8]}
        assert second.recipe.inputs["table"].digest == first.ports("//double")["output"].digest


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (("0197f3c2-nobody", "//double"), r'Input "table" is session:.*: There is no session'),
        (("SAME", "//doubel"), r'There is no node "//doubel"'),
        (("SAME", "//double", "table"), r'Node "//double" has no output "table"\. Known: output'),
        (("SAME", "//where"), r"//where\.output|Input should be|array"),
        (("IDLE", "//double"), r"//double has no output: it has not run\. Run it first: oneml sessions run"),
    ],
)
def test_outputs_that_cannot_be_given_are_refused(
    client: PipelineServiceClient, source: tuple[str, ...], message: str
) -> None:
    with client.create_session("with-inputs", inputs={"table": [1]}) as first:
        first.run()
    with client.create_session("with-inputs", inputs={"table": [1]}) as idle:
        ids = {"SAME": first.session_id, "IDLE": idle.session_id}
    with pytest.raises(InvalidInputsError, match=message):
        client.create_session(
            "with-inputs", inputs={"table": SessionOutput(ids.get(source[0], source[0]), *source[1:])}
        )


Changing = Callable[..., PipelineServiceClient]


@pytest.fixture
def changing(new_client: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Changing]:
    """Give a client that sees the pipeline with this code, as another process would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def see(code: str) -> PipelineServiceClient:
        sys.modules.pop("changing_pipeline", None)
        (tmp_path / "changing_pipeline.py").write_text(code)
        registry = HabitatRegistry(search_path=[])
        registry.register("changing", "changing_pipeline:Changing")
        client = new_client()
        client.registry = registry
        return client

    yield see
    sys.modules.pop("changing_pipeline", None)


def test_code_that_changed_is_no_source(changing: Changing) -> None:
    with changing(CHANGING).create_session("changing") as first:
        assert first.run().succeeded
    with pytest.raises(ParentRefusedError) as caught:
        changing(CHANGING.replace("return 1", "return 11")).create_session("changing", only="//two")
    assert "//one" in caught.value.nodes
    assert any("changing_pipeline" in drift.subject for drift in caught.value.drifts)


@pytest.mark.parametrize("reusable", [True, False])
def test_what_other_code_computed_where_that_was_allowed_is_no_source(changing: Changing, *, reusable: bool) -> None:
    settings = {"verification": {"mode": "warn"}, "reusable": reusable}
    with changing(CHANGING).create_session("changing", settings=settings) as first:
        pass
    with changing(CHANGING.replace("return 1", "return 11")).load_session(first.session_id) as drifted:
        assert drifted.run().succeeded
        assert drifted.output("//one") == 11
    with pytest.raises(ParentRefusedError, match="other code was allowed there"):
        changing(CHANGING).create_session("changing", only="//two", settings=settings)


def test_what_stayed_in_memory_under_a_revision_is_not_mistaken_for_what_was_recorded(
    client: PipelineServiceClient,
) -> None:
    settings: Mapping[str, object] = {"nodes": {"//start": {"store": "memory:"}}}
    with client.create_session("arithmetic", settings=settings) as first:
        first.revise({"start": 3})
        assert first.run().succeeded
        assert first.output("//total") == 333
    with pytest.raises(ParentRefusedError) as caught:
        client.create_session("arithmetic", only="//total", settings=settings)
    assert "//start" in caught.value.nodes


def test_code_that_was_patched_here_takes_nothing_over(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    client = changing(CHANGING)
    with client.create_session("changing") as first:
        assert first.run().succeeded
    monkeypatch.setattr(sys.modules["changing_pipeline"].One, "__call__", lambda _self: 12)
    with pytest.raises(ParentRefusedError, match="//one"):
        client.create_session("changing", only="//two")


def test_a_session_that_cannot_be_read_is_passed_over(client: PipelineServiceClient, tmp_path: Path) -> None:
    same = run(client)
    with client.create_session("arithmetic", session_id="broken") as broken:
        assert broken.run().succeeded
    (recipe,) = tmp_path.rglob("broken/recipe.json")
    recipe.chmod(0o600)
    recipe.write_text(recipe.read_text()[:100])
    assert run(client, only="//halve").recipe.parent == Parent(same.session_id)


def test_parts_of_which_one_is_gone_are_neither_taken_over_nor_reused_nor_given(
    client: PipelineServiceClient, registry: HabitatRegistry, tmp_path: Path
) -> None:
    registry.register("publishing", "publishing_pipelines:Publishing")
    settings = {"folder": str(tmp_path)}
    with client.create_session("publishing", settings=settings) as first:
        assert first.run().succeeded
        parts = first.output("//folds", form=Parts[list[int]])
    assert parts.records is not None
    digest = parts.records["fold-2"].digest
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file() and path.name == digest)
    file.unlink()
    with pytest.raises(ParentRefusedError, match="//folds has lost an output"):
        client.create_session("publishing", settings=settings, only="//sizes")
    with pytest.raises(InvalidInputsError, match="the artifact is missing"):
        client.create_session("with-inputs", inputs={"table": SessionOutput(first.session_id, "//folds")})
    with client.create_session("publishing", settings=settings) as second:
        result = second.run(reuse=True)
        assert result.succeeded, result.nodes
        assert second.node_rows()[NodePath("//folds")].reused_from is None
    assert file.exists()


def test_items_of_a_stream_are_held_against_the_type_of_the_input(
    client: PipelineServiceClient, registry: HabitatRegistry
) -> None:
    registry.register("streaming", "streaming_pipelines:Streaming")
    registry.register("reading", "streaming_pipelines:Reading")
    with client.create_session("streaming", only=["//numbers", "//both"]) as source:
        assert source.run().succeeded
    with client.create_session("reading", inputs={"numbers": SessionOutput(source.session_id, "//numbers")}) as session:
        assert session.run().succeeded
        assert session.outputs() == {"doubled": 2 * sum(range(100))}
    with client.create_session("reading", only="//double") as part:
        assert part.recipe.input_sources == {"numbers": SessionOutput(source.session_id, "//numbers", "output")}
    with pytest.raises(InvalidInputsError, match="item 0"):
        client.create_session("reading", inputs={"numbers": SessionOutput(source.session_id, "//both", "rows")})


CHANGING = """
from dependency_injector import providers
from oneml.habitats import PipelineComponents


class One:
    def __call__(self) -> int:
        return 1


class Two:
    def __call__(self, one: int) -> int:
        return one + 1


class Changing(PipelineComponents):
    one = providers.Factory(One)
    two = providers.Factory(Two)

    def define(self, pipeline):
        pipeline.node("two", self.two)(one=pipeline.node("one", self.one)())
"""
