"""Included pipelines: their namespaces, inputs, outputs, and what is said where they do not fit."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import ExternalSource, GatherSource, LiteralSource, PortSource, WholeSource
from oneml.habitats.values.plan_json import plan_from_json, plan_header_to_json

Give = Callable[[object], Any]
Problems = Callable[[], list[str]]


class Parts(NamedTuple):
    train: str
    rest: str


class Load:
    def __call__(self) -> str: ...


class Split:
    def __call__(self, text: str, seed: int = 1) -> Parts: ...


class Train:
    def __call__(self, parts: Parts) -> float: ...


class Best:
    def __call__(self, scores: Sequence[float]) -> float: ...


@pytest.fixture
def training(give: Give) -> Callable[[PipelineBuilder], None]:
    """Stand for a habitat: split, train, and two inputs."""

    def training(pipeline: PipelineBuilder) -> None:
        text = pipeline.input("text", str)
        seed = pipeline.input("seed", int, required=False)
        parts = pipeline.node("split", give(Split))(text=text, seed=seed)
        pipeline.output("parts", parts)
        pipeline.output("score", pipeline.node("train", give(Train))(parts=parts))

    return training


def test_nodes_lie_in_the_namespace_and_ports_are_connected(
    pipeline: PipelineBuilder, give: Give, training: Any
) -> None:
    loaded = pipeline.node("load", give(Load))()
    included = pipeline.include("training", training)
    pipeline.connect(included.inputs.text << loaded)
    pipeline.output("score", included.outputs.score)
    plan = pipeline.build()
    assert list(plan.nodes) == ["//load", "//training/split", "//training/train"]
    assert plan.nodes[NodePath("//training/split")].inputs == {"text": PortSource(NodePath("//load"), "output")}
    assert plan.nodes[NodePath("//training/split")].provider == "//training:split"
    assert plan.outputs == {"score": PortSource(NodePath("//training/train"), "output")}
    assert plan.included == {"//training": "training"}


def test_outputs_feed_inputs_of_another_with_either_arrow_and_as_arguments(
    pipeline: PipelineBuilder, give: Give, training: Any
) -> None:
    first = pipeline.include("first", training, inputs={"text": "abc"})
    second = pipeline.include("second", training)
    pipeline.connect(first.outputs.parts.train >> second.inputs.text)
    pipeline.output("best", pipeline.node("best", give(Best))([first.outputs.score, second.outputs.score]))
    plan = pipeline.build()
    assert plan.nodes[NodePath("//second/split")].inputs["text"] == PortSource(NodePath("//first/split"), "train")
    assert plan.nodes[NodePath("//first/split")].inputs["text"] == LiteralSource("abc")
    scores = (PortSource(NodePath("//first/train"), "output"), PortSource(NodePath("//second/train"), "output"))
    assert plan.nodes[NodePath("//best")].inputs["scores"] == GatherSource(scores)


def test_inputs_are_handed_on_and_outputs_renamed(pipeline: PipelineBuilder, training: Any) -> None:
    raw = pipeline.input("raw", str)
    pipeline.include("t", training, inputs={"text": raw}, outputs={"score": "accuracy", "parts": "both"})
    plan = pipeline.build()
    assert plan.nodes[NodePath("//t/split")].inputs == {"text": ExternalSource("raw")}
    assert plan.outputs == {
        "accuracy": PortSource(NodePath("//t/train"), "output"),
        "both": WholeSource(NodePath("//t/split")),
    }


def test_pipelines_nest_and_hand_inputs_down(pipeline: PipelineBuilder, training: Any) -> None:
    def study(inner: PipelineBuilder) -> None:
        words = inner.input("words", str)
        found = inner.include("deep", training, inputs={"text": words})
        inner.output("score", found.outputs.score)

    outer = pipeline.include("study", study, inputs={"words": "abc"})
    pipeline.output("score", outer.outputs.score)
    plan = pipeline.build()
    assert list(plan.nodes) == ["//study/deep/split", "//study/deep/train"]
    assert plan.nodes[NodePath("//study/deep/split")].inputs == {"text": LiteralSource("abc")}
    assert plan.nodes[NodePath("//study/deep/split")].provider == "//study/deep:split"
    assert plan.outputs["score"] == PortSource(NodePath("//study/deep/train"), "output")


def test_values_of_a_fan_out_go_through_an_included_pipeline(
    pipeline: PipelineBuilder, give: Give, training: Any
) -> None:
    included = pipeline.include("training", training, inputs={"text": pipeline.each(["a", "b"])})
    pipeline.node("best", give(Best))(pipeline.gather(included.outputs.score))
    plan = pipeline.build()
    assert plan.fan_outs[NodePath("//training/train")] == ("//training/train/0", "//training/train/1")
    assert plan.nodes[NodePath("//training/split/1")].label == "text=b"
    assert len(list(plan.nodes[NodePath("//best")].upstreams())) == 2


def test_a_whole_pipeline_comes_before_a_node_without_data(
    pipeline: PipelineBuilder, give: Give, training: Any
) -> None:
    included = pipeline.include("training", training, inputs={"text": "abc"})
    pipeline.node("load", give(Load), after=[included])()
    assert pipeline.build().nodes[NodePath("//load")].after == ("//training/split", "//training/train")


def test_a_pipeline_that_needs_nothing_may_stand_alone(pipeline: PipelineBuilder, give: Give) -> None:
    def cleaning(inner: PipelineBuilder) -> None:
        inner.node("load", give(Load))()

    pipeline.include("cleaning", cleaning)
    assert list(pipeline.build().nodes) == ["//cleaning/load"]


def test_plan_header_keeps_what_is_included(pipeline: PipelineBuilder, training: Any) -> None:
    pipeline.include("t", training, inputs={"text": "abc"})
    plan = pipeline.build()
    again = plan_from_json(plan_header_to_json(plan), nodes=plan.nodes, node_settings=plan.node_settings, what="a plan")
    assert again.included == {"//t": "training"}


def test_required_input_that_nothing_feeds_names_both_places_and_the_node(
    pipeline: PipelineBuilder, problems: Problems, training: Any
) -> None:
    included = pipeline.include("training", training)
    found = problems()
    assert len(found) == 1
    assert found[0].startswith('Pipeline "//training" (training) needs input "text" by "//training/split", which')
    assert "test_inclusion.py:" in found[0]
    assert "... >> included.inputs.text" in found[0]
    pipeline.connect("abc" >> included.inputs.text)
    assert len(pipeline.build().nodes) == 2


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (["text"], 'Input "text" of pipeline "//t" cannot be dropped: it is required by "//t/split", declared at'),
        (["txt"], 'Pipeline "//t" has no input or output "txt" to drop.'),
    ],
)
def test_what_cannot_be_dropped(
    pipeline: PipelineBuilder, problems: Problems, training: Any, without: Sequence[str], message: str
) -> None:
    fed = {} if "text" in without else {"text": "abc"}
    pipeline.include("t", training, inputs=fed, without=without)
    assert [found.startswith(message) for found in problems()] == [True]


def test_dropped_input_and_output_cannot_be_used(pipeline: PipelineBuilder, problems: Problems, training: Any) -> None:
    included = pipeline.include("t", training, inputs={"text": "abc"}, without=["seed", "score"])
    pipeline.connect(3 >> included.inputs.seed)
    pipeline.output("score", included.outputs.score)
    first, second = problems()
    assert first == 'Pipeline "//t" has no input "seed". Known: text.'
    assert second.startswith('Output "score" of pipeline "//t" is dropped where that is included, at ')


def test_unknown_ports_and_types_that_do_not_fit_are_told(
    pipeline: PipelineBuilder, problems: Problems, training: Any
) -> None:
    included = pipeline.include("t", training, inputs={"text": 3, "sed": 1}, outputs={"scor": "s"})
    pipeline.connect(included.inputs.seed << included.outputs.score)
    found = problems()
    assert [message[:46] for message in found] == [
        'Input "text" of pipeline "//t" takes str, but ',
        'Pipeline "//t" has no input "sed". Known: seed',
        'Pipeline "//t" has no output "scor". Known: pa',
        'Input "seed" of pipeline "//t" takes int, but ',
    ]


def test_namespace_belongs_to_the_included_pipeline_alone(
    pipeline: PipelineBuilder, problems: Problems, give: Give, training: Any
) -> None:
    pipeline.include("t", training, inputs={"text": "abc"})
    pipeline.namespace("t").node("load", give(Load))()
    pipeline.include("t", training, inputs={"text": "abc"})
    first, second = problems()
    assert first.startswith('Node "//t/load" lies in the namespace of the pipeline that is included at ')
    assert second.startswith('Pipeline "//t" is included twice; first at ')


def test_what_is_no_habitat_is_told_once(pipeline: PipelineBuilder, problems: Problems) -> None:
    included = pipeline.include("t", "digits", inputs={"text": "abc"})
    pipeline.connect("abc" >> included.inputs.anything)
    pipeline.output("score", included.outputs.score)
    assert problems() == ["\"//t\" cannot be included: 'digits' is no habitat."]


def test_cycle_through_an_included_pipeline_names_its_nodes(
    pipeline: PipelineBuilder, problems: Problems, training: Any
) -> None:
    first, second = pipeline.include("a", training), pipeline.include("b", training)
    pipeline.connect(first.outputs.parts.train >> second.inputs.text, second.outputs.parts.rest >> first.inputs.text)
    assert problems() == ["A cycle: //a/split -> //b/split -> //a/split. Take one edge of it out."]


def test_nobody_else_includes_or_defines_anything_in_the_namespace(
    pipeline: PipelineBuilder, problems: Problems, give: Give, training: Any
) -> None:
    def nothing(inner: PipelineBuilder) -> None:
        del inner

    pipeline.include("t", training, inputs={"text": "abc"})
    pipeline.namespace("t").include("deep", training, inputs={"text": "abc"})
    pipeline.include("empty", nothing)
    pipeline.node("empty", give(Load))()
    assert [message.partition(" of the pipeline")[0] for message in problems()] == [
        'Pipeline "//t/deep" lies in the namespace',
        'Node "//empty" lies in the namespace',
    ]


def gathering(give: Give) -> Callable[[PipelineBuilder], None]:
    """Stand for a habitat that gathers a fan-out of its own."""

    def best_of_seeds(inner: PipelineBuilder) -> None:
        parts = inner.node("split", give(Split))(text=inner.input("text", str), seed=inner.each([1, 2]))
        scores = inner.node("train", give(Train))(parts=parts)
        inner.output("best", inner.node("best", give(Best))(scores=inner.gather(scores)))
        inner.output("scores", inner.gather(scores))

    return best_of_seeds


def test_an_included_pipeline_gathers_its_own_fan_outs(pipeline: PipelineBuilder, give: Give) -> None:
    included = pipeline.include("t", gathering(give), inputs={"text": "abc"}, outputs={"scores": "scores"})
    pipeline.output("best", included.outputs.best)
    plan = pipeline.build()
    assert len(list(plan.nodes[NodePath("//t/best")].upstreams())) == 2


def test_what_an_included_pipeline_gathers_is_never_mixed_with_a_fan_out_around_it(
    pipeline: PipelineBuilder, problems: Problems, give: Give
) -> None:
    texts = pipeline.each(["a", "b"])
    pipeline.include("t", gathering(give), inputs={"text": texts}, outputs={"scores": "scores"})
    about = 'gathers "//t/train", which fans out over "text" of the pipeline that includes "//t", at '
    found = problems()
    assert [message.partition(about)[0] for message in found] == [
        'Input "scores" of node "//t/best" ',
        'Output "scores" ',
    ]
    assert "nested_session" in found[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"without": "score"}, 'without= of pipeline "//t" takes a list of names, ["score"], not a text.'),
        ({"outputs": ["score"]}, 'outputs= of pipeline "//t" takes a mapping, {"port": ...}, not a list.'),
    ],
)
def test_names_of_ports_in_another_form_are_told(
    pipeline: PipelineBuilder, problems: Problems, training: Any, given: Any, message: str
) -> None:
    pipeline.include("t", training, inputs={"text": "abc"}, **given)
    assert problems() == [message]


def test_an_included_pipeline_is_no_value_and_its_inputs_stand_in_no_list(
    pipeline: PipelineBuilder, problems: Problems, give: Give, training: Any
) -> None:
    def listing(inner: PipelineBuilder) -> None:
        inner.node("best", give(Best))(scores=[inner.input("score", float)])

    included = pipeline.include("t", training, inputs={"text": "abc"})
    pipeline.node("best", give(Best))(scores=included)
    pipeline.include("list", listing, inputs={"score": 0.5})
    told = problems()
    assert any(message.startswith('Input "scores" of node "//best" is given an included pipeline.') for message in told)
    assert any("feed inputs one by one" in message for message in told)
