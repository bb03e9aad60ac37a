"""Nodes, what feeds them, namespaces, order, settings."""

import dataclasses
import linecache
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from oneml.habitats.errors import PipelineBuiltError
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.values.plan import (
    ExternalInput,
    ExternalSource,
    GatherSource,
    LiteralSource,
    PlannedNode,
    PortSource,
    WholeSource,
)

Give = Callable[[object], Any]


class Parts(NamedTuple):
    train: list[int]
    held_out: list[int]


class Load:
    def __call__(self) -> list[int]: ...


class Split:
    def __call__(self, digits: list[int], seed: int = 7) -> Parts: ...


class Fit:
    def __call__(self, parts: Parts, c: float) -> float: ...


class Add:
    def __call__(self, x: float, y: float = 0.0, *, z: float = 0.0) -> float: ...


class Total:
    def __call__(self, values: Sequence[float]) -> float: ...


class Clean:
    def __call__(self) -> None: ...


def test_a_pipeline_becomes_a_plan_of_names(pipeline: PipelineBuilder, give: Give) -> None:
    digits = pipeline.node("load", give(Load))()
    parts = pipeline.node("split", give(Split))(digits=digits)
    pipeline.output("held_out", parts.held_out)
    plan = pipeline.build()
    assert list(plan.nodes) == ["//load", "//split"]
    split = plan.nodes["//split"]
    assert split == PlannedNode(
        path="//split",
        provider="split",
        inputs={"digits": PortSource("//load", "output")},
        outputs=("held_out", "train"),
        whole=f"{__name__}:Parts",
        place=split.place,
    )
    assert plan.outputs == {"held_out": PortSource("//split", "held_out")}


def test_a_node_knows_the_line_that_defines_it(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.node("load", give(Load))()
    place = pipeline.build().nodes["//load"].place
    assert place is not None
    assert place.file == __file__
    assert "give(Load)" in linecache.getline(place.file, place.line)


def test_a_whole_result_feeds_what_takes_it_whole(pipeline: PipelineBuilder, give: Give) -> None:
    parts = pipeline.node("split", give(Split))(digits=pipeline.node("load", give(Load))())
    pipeline.node("fit", give(Fit))(parts=parts, c=0.5)
    assert pipeline.build().nodes["//fit"].inputs == {"parts": WholeSource("//split"), "c": LiteralSource(0.5)}


def test_inputs_may_be_given_by_position(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.node("add", give(Add))(1.0, 2.0, z=3.0)
    inputs = pipeline.build().nodes["//add"].inputs
    assert inputs == {"x": LiteralSource(1.0), "y": LiteralSource(2.0), "z": LiteralSource(3.0)}


def test_a_list_of_results_is_gathered(pipeline: PipelineBuilder, give: Give) -> None:
    results = [pipeline.node(name, give(Add))(x=1.0) for name in ("b", "a")]
    pipeline.node("total", give(Total))(values=results)
    source = pipeline.build().nodes["//total"].inputs["values"]
    assert source == GatherSource((PortSource("//b", "output"), PortSource("//a", "output")))


def test_nodes_of_a_namespace_lie_below_it(pipeline: PipelineBuilder, give: Give) -> None:
    prep = pipeline.namespace("prep")
    digits = prep.node("load", give(Load))()
    pipeline.output("parts", prep.namespace("deep").node("split", give(Split))(digits=digits))
    prep.output("digits", digits)
    plan = pipeline.build()
    assert list(plan.nodes) == ["//prep/load", "//prep/deep/split"]
    assert list(plan.outputs) == ["parts", "digits"]


def test_a_namespace_opened_twice_is_the_same(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.namespace("prep").node("a", give(Load))()
    pipeline.namespace("prep").node("b", give(Load))()
    assert list(pipeline.build().nodes) == ["//prep/a", "//prep/b"]


def test_nodes_come_after_others_without_data(pipeline: PipelineBuilder, give: Give) -> None:
    load = pipeline.node("load", give(Load))
    parts = pipeline.node("split", give(Split))(digits=load())
    clean = pipeline.node("clean", give(Clean), after=[load, parts.train, parts])
    pipeline.node("last", give(Load), after=(clean, clean()))
    nodes = pipeline.build().nodes
    assert nodes["//clean"].after == ("//load", "//split")
    assert nodes["//last"].after == ("//clean",)
    assert nodes["//clean"].outputs == ()


def test_a_node_that_is_never_called_is_still_a_node(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.node("load", give(Load))
    assert list(pipeline.build().nodes) == ["//load"]


def test_inputs_of_the_pipeline_feed_nodes(pipeline: PipelineBuilder, give: Give) -> None:
    digits = pipeline.input("digits", list[int])
    seed = pipeline.input("seed", int, required=False)
    pipeline.node("split", give(Split))(digits=digits, seed=seed)
    plan = pipeline.build()
    assert plan.inputs == {
        "digits": ExternalInput("digits", "list[int]", True),
        "seed": ExternalInput("seed", "int", False),
    }
    assert plan.nodes["//split"].inputs == {"digits": ExternalSource("digits"), "seed": ExternalSource("seed")}


def test_a_class_of_an_input_is_told_with_its_module(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.node("fit", give(Fit))(parts=pipeline.input("parts", Parts), c=1.0)
    assert pipeline.build().inputs["parts"].form == f"{__name__}:Parts"


@dataclasses.dataclass
class FakeSettings:
    """Stands for what an author gives as node settings."""

    retries: int
    asked: int = 0

    def entries(self) -> dict[str, object]:
        self.asked += 1
        return {"retries": self.retries}


def test_settings_of_a_node_are_in_the_plan_as_entries(pipeline: PipelineBuilder, give: Give) -> None:
    settings = FakeSettings(retries=2)
    pipeline.node("a", give(Load), settings=settings)
    pipeline.node("b", give(Load), settings={"retries": 3, "fields": {"c": (1, 2)}})
    pipeline.node("c", give(Load), settings={})
    pipeline.node("d", give(Load), settings=settings)
    found = pipeline.build().node_settings
    assert found == {"//a": {"retries": 2}, "//b": {"retries": 3, "fields": {"c": [1, 2]}}, "//d": {"retries": 2}}
    assert settings.asked == 1


def test_an_empty_pipeline_is_a_plan_without_nodes(pipeline: PipelineBuilder) -> None:
    assert pipeline.build().nodes == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda pipeline, give: pipeline.node("b", give(Load)),
        lambda pipeline, _: pipeline.input("x", int),
        lambda pipeline, _: pipeline.output("x", 3),
        lambda pipeline, _: pipeline.each([1]),
        lambda pipeline, _: pipeline.gather(3),
        lambda pipeline, _: pipeline.connect(),
        lambda pipeline, _: pipeline.build(),
    ],
)
def test_a_built_pipeline_cannot_change(
    change: Callable[[PipelineBuilder, Give], object], pipeline: PipelineBuilder, give: Give
) -> None:
    call = pipeline.node("a", give(Load))
    pipeline.build()
    with pytest.raises(PipelineBuiltError, match="cannot change any more"):
        change(pipeline, give)
    with pytest.raises(PipelineBuiltError):
        call()
