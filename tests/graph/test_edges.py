"""Edges as values, and ports by name."""

from collections.abc import Callable
from typing import Any, NamedTuple

from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.values.plan import ExternalSource, GatherSource, LiteralSource, PortSource, WholeSource

Give = Callable[[object], Any]
Problems = Callable[[], list[str]]


class Parts(NamedTuple):
    train: int
    held_out: str


class Split:
    def __call__(self) -> Parts: ...


class Take:
    def __call__(self, x: int, y: str = "") -> int: ...


class TakeParts:
    def __call__(self, parts: Parts) -> int: ...


class Total:
    def __call__(self, values: list[int]) -> int: ...


def test_edges_connect_only_when_they_are_given_to_connect(pipeline: PipelineBuilder, give: Give) -> None:
    split, take = pipeline.node("split", give(Split)), pipeline.node("take", give(Take))
    unused = split.outputs.held_out >> take.inputs.y
    pipeline.connect(split.outputs.train >> take.inputs.x)
    assert pipeline.build().nodes["//take"].inputs == {"x": PortSource("//split", "train")}
    assert unused.target.name == "y"


def test_both_directions_mean_the_same(pipeline: PipelineBuilder, give: Give) -> None:
    split, take = pipeline.node("split", give(Split)), pipeline.node("take", give(Take))
    pipeline.connect(split.outputs.train >> take.inputs.x, take.inputs.y << split.outputs.held_out)
    inputs = pipeline.build().nodes["//take"].inputs
    assert inputs == {"x": PortSource("//split", "train"), "y": PortSource("//split", "held_out")}


def test_handles_inputs_and_values_can_be_sources(pipeline: PipelineBuilder, give: Give) -> None:
    take, again, last = (pipeline.node(name, give(Take)) for name in ("take", "again", "last"))
    handle = take()
    pipeline.connect(
        pipeline.input("digits", int) >> take.inputs.x,
        handle >> again.inputs.x,
        again.inputs.y << "text",
        last.inputs.x << pipeline.each([1, 2]),
    )
    pipeline.node("total", give(Total))(values=pipeline.gather(last.outputs.output))
    nodes = pipeline.build().nodes
    assert nodes["//take"].inputs == {"x": ExternalSource("digits")}
    assert nodes["//again"].inputs == {"x": PortSource("//take", "output"), "y": LiteralSource("text")}
    assert nodes["//last/1"].inputs == {"x": LiteralSource(2)}
    assert isinstance(nodes["//total"].inputs["values"], GatherSource)


def test_all_outputs_together_are_the_whole_result(pipeline: PipelineBuilder, give: Give) -> None:
    split, take = pipeline.node("split", give(Split)), pipeline.node("take", give(TakeParts))
    pipeline.connect(split.outputs >> take.inputs.parts)
    assert pipeline.build().nodes["//take"].inputs == {"parts": WholeSource("//split")}


def test_outputs_by_name_are_outputs_of_the_pipeline(pipeline: PipelineBuilder, give: Give) -> None:
    split = pipeline.node("split", give(Split))
    pipeline.output("train", split.outputs.train)
    assert pipeline.build().outputs == {"train": PortSource("//split", "train")}


def test_ports_can_be_listed(pipeline: PipelineBuilder, give: Give) -> None:
    assert dir(pipeline.node("split", give(Split)).outputs) == ["held_out", "train"]
    assert dir(pipeline.node("take", give(Take)).inputs) == ["x", "y"]


def test_edges_against_the_order_of_definition_are_sorted(pipeline: PipelineBuilder, give: Give) -> None:
    last, middle, first = (pipeline.node(name, give(Take)) for name in ("last", "middle", "first"))
    pipeline.connect(
        first.outputs.output >> middle.inputs.x, middle.outputs.output >> last.inputs.x, first.inputs.x << 1
    )
    assert list(pipeline.build().nodes) == ["//first", "//middle", "//last"]


def test_edges_to_ports_that_do_not_exist_are_reported(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    split, take = pipeline.node("split", give(Split)), pipeline.node("take", give(Take))
    pipeline.connect(split.outputs.trian >> take.inputs.x)
    pipeline.connect(split.outputs.held_out >> take.inputs.yy)
    assert problems() == [
        'Node "//split" has no output "trian". Known: held_out, train. Did you mean "train"?',
        'Node "//take" has no input "yy". Known: x, y. Did you mean "y"?',
    ]


def test_an_input_is_fed_once(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    split, take = pipeline.node("split", give(Split)), pipeline.node("take", give(Take))
    take(1)
    pipeline.connect(split.outputs.train >> take.inputs.x)
    assert problems() == ['Input "x" of node "//take" is fed twice. Connect one thing to it.']


def test_types_of_edges_must_fit(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    split, take = pipeline.node("split", give(Split)), pipeline.node("take", give(Take))
    pipeline.connect(split.outputs.held_out >> take.inputs.x)
    assert problems() == ['Input "x" of node "//take" takes int, but output "held_out" of "//split" gives str.']


def test_what_is_no_edge_is_reported(pipeline: PipelineBuilder, problems: Problems) -> None:
    pipeline.connect(3)  # type: ignore[arg-type]  # the case
    assert problems() == ["connect() takes edges, source >> node.inputs.name, not an int."]


def test_nodes_of_another_pipeline_cannot_be_connected(
    pipeline: PipelineBuilder, other_pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    foreign = other_pipeline.node("foreign", give(Split))
    take = pipeline.node("take", give(Take))
    handle = foreign()
    pipeline.connect(foreign.outputs.train >> take.inputs.x)
    pipeline.connect(take.inputs.y << other_pipeline.node("other", give(Take))(x=1))
    pipeline.connect(other_pipeline.node("third", give(Take)).inputs.x << 1)
    pipeline.output("train", handle.train)
    pipeline.node("after", give(Split), after=[foreign])
    pipeline.node("list", give(Total))(values=[handle.train])
    found = problems()
    assert found[0].startswith('Input "x" of node "//take" is fed by "//foreign" of another pipeline.')
    assert found[1].startswith('Input "y" of node "//take" is fed by "//other" of another pipeline.')
    assert found[2] == 'Input "x" belongs to another pipeline.'
    assert found[3] == 'Output "train" takes a result of a node of this pipeline, not "//foreign".'
    assert found[4] == '"after" of node "//after" takes nodes of this pipeline or their results, not "//foreign".'
    assert found[5] == 'Input "values" of node "//list" is fed by "//foreign" of another pipeline.'
