"""Comparing two sessions by what was recorded of them."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from oneml.habitats import (
    HabitatRegistry,
    PipelineNodeSettings,
    PipelineServiceClient,
    PipelineSession,
    PipelineSessionSettings,
)
from oneml.habitats.errors import RecipeAlteredError
from oneml.habitats.sessions.comparison import SessionComparison, compare_sessions
from oneml.habitats.sessions.output_comparison import output_drifts
from oneml.habitats.sessions.plan_comparison import plan_drifts
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import ExternalInput, GatherSource, LiteralSource, Plan, PlannedNode, PortSource

Clients = Callable[..., PipelineServiceClient]
Edit = Callable[[str, str], SessionComparison]

SOURCE = """
from dependency_injector import providers
from pydantic_settings import SettingsConfigDict
from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

FACTOR = 2


class ShiftSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="SHIFT_")
    by: int = 1


class Shift:
    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self) -> int:
        return FACTOR * self.by


class Shifting(PipelineComponents):
    settings = Settings(ShiftSettings)
    shift = providers.Factory(Shift, by=settings.session.by)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("shift", self.shift)()
"""


def ran(client: PipelineServiceClient, habitat: str = "arithmetic", **given: object) -> PipelineSession:
    with client.create_session(habitat, **given) as session:  # type: ignore[arg-type]
        session.run()
    return client.load_session(session.session_id)


def compared(one: PipelineSession, other: PipelineSession) -> SessionComparison:
    found = compare_sessions(one.recorded(), other.recorded())
    assert not one.is_open
    assert not other.is_open
    return found


def told(drifts: Sequence[Drift]) -> list[tuple[str, str, str, str | None, str | None]]:
    return [drift[:5] for drift in drifts]


def test_equal_sessions_differ_in_nothing(client: PipelineServiceClient) -> None:
    found = compared(ran(client), ran(client))
    assert found.same
    assert not any(found.sections.values()), found
    assert found.seconds.keys() == found.seconds.keys()
    assert all(seconds is not None for both in found.seconds.values() for seconds in both)


def test_settings_and_outputs_tell_values_and_sources(new_client: Clients) -> None:
    one = ran(new_client({"ARITH_START": "2"}))
    other = ran(new_client({"ARITH_START": "4"}), settings={"factors": [1, 10, 100]})
    found = compared(one, other)
    assert told(found.settings) == [("setting", "start", "", "2", "4")]
    assert found.settings[0].expected_source == "ARITH_START"
    assert told(found.outputs)[0] == ("output", "//start", "output", "2", "4")
    assert len(found.outputs) == 7
    assert (found.plan, found.graph, found.code, found.packages) == ([], (), [], [])


def test_defaults_and_sessions_are_sources_too(client: PipelineServiceClient) -> None:
    drift = compared(ran(client), ran(client, settings={"start": 3})).settings[0]
    assert "session_pipelines.py:" in drift.expected_source
    assert Path(__file__).name in drift.found_source


def test_settings_of_nodes_name_the_node(client: PipelineServiceClient) -> None:
    settings = PipelineSessionSettings(nodes={"//multiply/1": PipelineNodeSettings(fields={"offset": 5}, retries=2)})
    found = compared(ran(client), ran(client, settings=settings)).settings
    assert told(found) == [
        ("setting", "offset", "//multiply/1", None, "5"),
        ("setting", "retries", "//multiply/1", None, "2"),
    ]
    assert Path(__file__).name in found[0].found_source


def test_members_of_a_fan_out_come_and_go_with_their_edges(client: PipelineServiceClient) -> None:
    found = compared(ran(client), ran(client, settings={"factors": [1, 20]}))
    assert told(found.plan) == [
        ("node", "//multiply/1", "input factor", "10", "20"),
        ("node", "//multiply/2", "", "multiply (factor=100)", None),
        (
            "node",
            "//total",
            "input values",
            "[//multiply/0.output, //multiply/1.output, //multiply/2.output]",
            "[//multiply/0.output, //multiply/1.output]",
        ),
    ]
    assert "session_pipelines.py:" in found.plan[0].expected_source
    assert NodePath("//multiply/2") not in found.seconds


def test_inputs_from_outside_are_compared_by_content(client: PipelineServiceClient) -> None:
    found = compared(*[ran(client, "with-inputs", inputs={"table": table}) for table in ([1], [2])])
    assert told(found.plan) == [("input", "table", "value", "[1]", "[2]")]
    assert told(found.outputs) == [("output", "//double", "output", "[2]", "[4]")]


def test_states_are_compared_with_why(client: PipelineServiceClient) -> None:
    found = compared(ran(client, "troubled"), ran(client, "troubled", settings={"kind": "odd"}))
    assert [drift[:4] for drift in found.outputs] == [
        ("node", "//bad", "state", "succeeded"),
        ("node", "//after", "state", "succeeded"),
    ]
    assert "failed (session_pipelines.OddError: one)" in str(found.outputs[0].found)
    assert str(found.outputs[1].found).startswith("skipped (because //bad failed")


def test_sessions_that_never_ran_have_no_outputs_to_compare(client: PipelineServiceClient) -> None:
    sessions = []
    for _ in range(2):
        with client.create_session("arithmetic") as session:
            sessions.append(client.load_session(session.session_id))
    assert compared(*sessions).same


def test_different_habitats_can_be_compared(client: PipelineServiceClient) -> None:
    found = compared(ran(client), ran(client, "troubled"))
    assert found.first.habitat == "arithmetic"
    assert found.second.habitat == "troubled"
    assert ("habitat", "arithmetic", "name", "arithmetic", "troubled") in told(found.code)
    assert ("provider", "total", "", "session_pipelines:Sum", None) in told(found.graph)
    assert {drift.found for drift in found.plan if drift.subject == "//total"} == {None}
    assert {drift.expected for drift in found.settings if drift.subject == "kind"} == {None}
    assert found.seconds == {}


def test_it_has_a_form_in_json(client: PipelineServiceClient) -> None:
    found = compared(ran(client), ran(client, settings={"start": 3}))
    document = json.loads(canonical_json(found.to_json()))
    assert document["same"] is False
    assert document["settings"][0]["subject"] == "start"
    assert document["second"]["session_id"] == found.second.session_id
    assert document["code"] == []


class TestCode:
    @pytest.fixture
    def after(
        self, new_client: Clients, registry: HabitatRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Edit]:
        """Compare a session of a module with one after an edit of it, each from a folder of its own."""

        def create(name: str, source: str) -> PipelineSession:
            folder = tmp_path / name
            folder.mkdir()
            (folder / "shifting.py").write_text(source)
            sys.modules.pop("shifting", None)
            registry._loaded.pop("shifting", None)
            with monkeypatch.context() as patch:
                patch.syspath_prepend(str(folder))
                return ran(new_client(), "shifting")

        def edited(old: str, new: str) -> SessionComparison:
            assert old in SOURCE
            return compared(create("one", SOURCE), create("two", SOURCE.replace(old, new)))

        registry.register("shifting", "shifting:Shifting")
        yield edited
        sys.modules.pop("shifting", None)

    def test_a_constant_is_named_with_both_texts_and_lines(self, after: Edit) -> None:
        found = after("FACTOR = 2", "\n\nFACTOR = 3")
        assert told(found.code) == [("code", "shifting:FACTOR", "constant", "FACTOR = 2", "FACTOR = 3")]
        assert (found.code[0].expected_source, found.code[0].found_source) == ("shifting.py:6", "shifting.py:8")
        assert (found.graph, found.settings) == ([], [])
        assert told(found.outputs) == [("output", "//shift", "output", "2", "3")]

    def test_a_comment_is_no_difference(self, after: Edit) -> None:
        assert after("FACTOR = 2", "FACTOR = 2  # twice").same

    def test_an_edge_of_a_provider_is_told_in_the_graph(self, after: Edit, tmp_path: Path) -> None:
        found = after("by=settings.session.by", "by=7")
        assert told(found.graph)[0][:3] == ("provider", "settings.session.by", "")
        assert [drift.found for drift in found.graph if drift.subject == "shift"] == ["7"]
        assert {drift.expected_source for drift in found.graph if drift.subject == "shift"} == {
            f"{tmp_path / 'one' / 'shifting.py'}:24"
        }

    def test_a_setting_that_is_declared_otherwise_is_told_once(self, after: Edit) -> None:
        found = after("by: int = 1", "by: float = 1")
        assert [drift.subject for drift in found.settings] == ["by"] * len(found.settings)
        assert found.settings


def test_a_missing_document_is_an_error(client: PipelineServiceClient, tmp_path: Path) -> None:
    one = ran(client)
    for file in (tmp_path / "store" / "sessions").rglob("code-*.json"):
        file.unlink()
    with pytest.raises(RecipeAlteredError):
        compared(one, one)


class TestPlan:
    def node(self, **changed: object) -> PlannedNode:
        return PlannedNode(NodePath("//a"), "a", {"x": LiteralSource(1)}, ("output",))._replace(**changed)

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"provider": "b"}, "provider"),
            ({"inputs": {"x": LiteralSource(1.0)}}, "input x"),
            ({"inputs": {"x": LiteralSource(True)}}, "input x"),
            ({"inputs": {}}, "input x"),
            ({"inputs": {"x": GatherSource((PortSource(NodePath("//b"), "output"),))}}, "input x"),
            ({"outputs": ("half", "sign")}, "outputs"),
            ({"whole": "m:Split"}, "result"),
            ({"after": (NodePath("//b"),)}, "after"),
        ],
    )
    def test_every_part_of_a_node_counts(self, changed: dict[str, object], field: str) -> None:
        plans = [Plan(nodes={NodePath("//a"): node}) for node in (self.node(), self.node(**changed))]
        assert [drift.field for drift in plan_drifts(plans[0], plans[1], {}, {})] == [field]

    def test_labels_places_and_order_do_not_count(self) -> None:
        other = PlannedNode(NodePath("//b"), "b", {}, ())
        one = Plan(nodes={NodePath("//a"): self.node(label="x=1"), NodePath("//b"): other})
        two = Plan(nodes={NodePath("//b"): other, NodePath("//a"): self.node()})
        assert plan_drifts(one, two, {}, {}) == []

    def test_inputs_and_outputs_of_the_pipeline_count(self) -> None:
        one = Plan(nodes={}, inputs={"t": ExternalInput("t", "int", required=True)}, outputs={"o": LiteralSource(1)})
        two = Plan(nodes={}, inputs={"t": ExternalInput("t", "str", required=True)})
        assert told(plan_drifts(one, two, {}, {})) == [
            ("input", "t", "type", "int", "str"),
            ("output", "o", "", "1", None),
        ]

    def test_long_outputs_are_shown_by_their_hash(self) -> None:
        plan = Plan(nodes={NodePath("//a"): self.node()})
        ports = [{"output": PortRecord("json", 1, digit * 64, 9000, None)} for digit in "ab"]
        found = output_drifts(plan, plan, {}, {}, lambda _: ports[0], lambda _: ports[1])
        assert told(found) == [
            (
                "output",
                "//a",
                "output",
                "json, 9000 bytes, sha256 aaaaaaaaaaaa",
                "json, 9000 bytes, sha256 bbbbbbbbbbbb",
            )
        ]
