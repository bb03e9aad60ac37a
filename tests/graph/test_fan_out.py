"""Fan-outs: one node for each value, their products, what fans out along, and gatherings."""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneml.habitats.graph import validation
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.values.plan import GatherSource, LiteralSource, PortSource, WholeSource

Give = Callable[[object], Any]
Problems = Callable[[], list[str]]


class Fit(NamedTuple):
    c: float
    accuracy: float


class Train:
    def __call__(self, c: float, d: int = 0) -> Fit: ...


class Score:
    def __call__(self, fit: Fit, other: Fit | None = None, weight: float = 1.0) -> float: ...


class Select:
    def __call__(self, fits: Sequence[Fit]) -> Fit: ...


class Best:
    def __call__(self, scores: tuple[float, ...]) -> float: ...


class Say:
    def __call__(self) -> str: ...


def test_each_value_makes_a_node_named_by_its_number(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.node("train", give(Train))(c=pipeline.each((0.1, 10.0)))
    plan = pipeline.build()
    assert plan.fan_outs == {"//train": ("//train/0", "//train/1")}
    first, second = plan.nodes.values()
    assert (first.path, first.label, first.fan_out) == ("//train/0", "c=0.1", "//train")
    assert (second.path, second.label, second.fan_out) == ("//train/1", "c=10.0", "//train")
    assert second.inputs == {"c": LiteralSource(10.0)}


def test_keys_of_a_mapping_name_the_nodes(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.node("train", give(Train))(c=pipeline.each({"weak": 0.1, "strong": 10.0}))
    plan = pipeline.build()
    assert list(plan.nodes) == ["//train/weak", "//train/strong"]
    assert [node.label for node in plan.nodes.values()] == ["c=0.1", "c=10.0"]


def test_several_make_the_cartesian_product_in_the_order_of_arguments(pipeline: PipelineBuilder, give: Give) -> None:
    each_d, each_c = pipeline.each([5, 6]), pipeline.each({"weak": 0.1, "strong": 10.0})
    pipeline.node("train", give(Train))(c=each_c, d=each_d)
    plan = pipeline.build()
    assert list(plan.nodes) == ["//train/weak/0", "//train/weak/1", "//train/strong/0", "//train/strong/1"]
    node = plan.nodes["//train/strong/0"]
    assert node.inputs == {"c": LiteralSource(10.0), "d": LiteralSource(5)}
    assert node.label == "c=10.0, d=5"


def test_what_a_fan_out_feeds_fans_out_along(pipeline: PipelineBuilder, give: Give) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each({"weak": 0.1, "strong": 10.0}))
    pipeline.node("score", give(Score))(fit=fit, weight=2.0)
    plan = pipeline.build()
    assert plan.fan_outs["//score"] == ("//score/weak", "//score/strong")
    node = plan.nodes["//score/strong"]
    assert node.inputs == {"fit": WholeSource("//train/strong"), "weight": LiteralSource(2.0)}
    assert node.label == "c=10.0"


def test_the_same_fan_out_on_two_ways_goes_in_step(pipeline: PipelineBuilder, give: Give) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each([0.1, 10.0]))
    tuned = pipeline.node("tune", give(Train))(c=fit.c)
    pipeline.node("score", give(Score))(fit=fit, other=tuned)
    plan = pipeline.build()
    assert plan.fan_outs["//score"] == ("//score/0", "//score/1")
    assert plan.nodes["//score/1"].inputs == {"fit": WholeSource("//train/1"), "other": WholeSource("//tune/1")}


def test_the_same_each_in_two_nodes_goes_in_step(pipeline: PipelineBuilder, give: Give) -> None:
    values = pipeline.each([0.1, 10.0])
    fit = pipeline.node("train", give(Train))(c=values)
    pipeline.node("score", give(Score))(fit=fit, weight=values)
    plan = pipeline.build()
    assert plan.nodes["//score/1"].inputs == {"fit": WholeSource("//train/1"), "weight": LiteralSource(10.0)}
    assert len(plan.fan_outs["//score"]) == 2


def test_two_fan_outs_make_the_cartesian_product(pipeline: PipelineBuilder, give: Give) -> None:
    one = pipeline.node("one", give(Train))(c=pipeline.each({"a": 1.0, "b": 2.0}))
    two = pipeline.node("two", give(Train))(c=pipeline.each([1.0, 2.0, 3.0]))
    pipeline.node("score", give(Score))(fit=one, other=two)
    plan = pipeline.build()
    assert len(plan.fan_outs["//score"]) == 6
    assert plan.nodes["//score/b/1"].inputs == {"fit": WholeSource("//one/b"), "other": WholeSource("//two/1")}


def test_gather_collects_results_in_the_order_of_the_values(pipeline: PipelineBuilder, give: Give) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each({"weak": 0.1, "strong": 10.0}), d=pipeline.each([1, 2]))
    pipeline.node("select", give(Select))(fits=pipeline.gather(fit))
    node = pipeline.build().nodes["//select"]
    paths = ["//train/weak/0", "//train/weak/1", "//train/strong/0", "//train/strong/1"]
    assert node.inputs == {"fits": GatherSource(tuple(WholeSource(path) for path in paths))}
    assert node.fan_out is None


def test_gather_collects_one_output(pipeline: PipelineBuilder, give: Give) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each([0.1, 10.0]))
    pipeline.node("best", give(Best))(scores=pipeline.gather(fit.accuracy))
    pipeline.output("all", pipeline.gather(fit.accuracy))
    plan = pipeline.build()
    gathered = GatherSource((PortSource("//train/0", "accuracy"), PortSource("//train/1", "accuracy")))
    assert plan.nodes["//best"].inputs == {"scores": gathered}
    assert plan.outputs == {"all": gathered}


def test_members_share_what_they_gather(pipeline: PipelineBuilder, give: Give) -> None:
    class Compare:
        def __call__(self, fits: list[Fit], c: float) -> float: ...

    fit = pipeline.node("train", give(Train))(c=pipeline.each([0.1, 10.0]))
    pipeline.node("compare", give(Compare))(fits=pipeline.gather(fit), c=pipeline.each([1.0, 2.0, 3.0]))
    nodes = pipeline.build().nodes
    assert nodes["//compare/0"].inputs["fits"] is nodes["//compare/2"].inputs["fits"]


def test_a_list_of_results_fans_out_along_with_its_items(pipeline: PipelineBuilder, give: Give) -> None:
    one = pipeline.node("one", give(Train))(c=pipeline.each([0.1, 10.0]))
    two = pipeline.node("two", give(Train))(c=0.5)
    pipeline.node("select", give(Select))(fits=[one, two])
    source = pipeline.build().nodes["//select/1"].inputs["fits"]
    assert source == GatherSource((WholeSource("//one/1"), WholeSource("//two")))


def test_a_fan_out_in_after_means_all_its_members(pipeline: PipelineBuilder, give: Give) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each([0.1, 10.0]))
    first = pipeline.node("first", give(Say))()
    pipeline.node("last", give(Say), after=[first, pipeline.gather(fit)])
    pipeline.node("again", give(Train), after=[fit])(c=pipeline.each([1.0, 2.0]))
    nodes = pipeline.build().nodes
    assert nodes["//last"].after == ("//first", "//train/0", "//train/1")
    assert nodes["//again/0"].after == ("//train/0", "//train/1")
    assert nodes["//again/0"].after is nodes["//again/1"].after


def test_settings_of_a_fan_out_are_those_of_every_member(pipeline: PipelineBuilder, give: Give) -> None:
    pipeline.node("train", give(Train), settings={"retries": 2})(c=pipeline.each([0.1, 10.0]))
    found = pipeline.build().node_settings
    assert list(found) == ["//train/0", "//train/1"]
    assert found["//train/0"] is found["//train/1"]


def test_labels_are_short_and_on_one_line(pipeline: PipelineBuilder, give: Give) -> None:
    class Read:
        def __call__(self, text: str) -> str: ...

    pipeline.node("read", give(Read))(text=pipeline.each(["plain", "two\nlines", "x" * 100]))
    labels = [node.label for node in pipeline.build().nodes.values()]
    assert labels == ["text=plain", "text=two lines", "text=" + "x" * 39 + "…"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "each() has no value: a fan-out needs at least one."),
        ({}, "each() has no value: a fan-out needs at least one."),
        ("abc", "each() takes a list or a mapping of plain values, not a str."),
        ({1.0, 2.0}, "each() takes a list or a mapping of plain values, not a set."),
        (object(), "each() takes a list or a mapping of plain values, not an object."),
        ([1.0, object()], "each() has a value at 1 that is a object, which has no form in JSON."),
        (
            {"a/b": 1.0},
            "each() cannot take the key 'a/b': a key names a node: 1 to 64 of A-Z a-z 0-9 _ -, and not \"-\" first.",
        ),
        (
            {3: 1.0},
            "each() cannot take the key '3': a key names a node: 1 to 64 of A-Z a-z 0-9 _ -, and not \"-\" first.",
        ),
    ],
)
def test_values_that_make_no_fan_out_are_reported_once(
    values: Any, message: str, pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each(values))
    pipeline.node("select", give(Select))(fits=pipeline.gather(fit))
    pipeline.output("fits", pipeline.gather(fit))
    assert problems() == [message]


def test_results_cannot_be_the_values_of_a_fan_out(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    fit = pipeline.node("train", give(Train))(c=1.0)
    pipeline.node("train-2", give(Train))(c=pipeline.each(fit))
    pipeline.node("train-3", give(Train))(c=pipeline.each([1.0, fit.c]))
    assert problems() == [
        "each() takes a list or a mapping of plain values, not a result.",
        "each() takes plain values, but the one at 1 is a result of a node.",
    ]


def test_every_value_is_held_against_what_the_input_takes(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    pipeline.node("train", give(Train))(c=pipeline.each([1.0, 2, "three"]))
    assert problems() == ['Input "c" of node "//train" takes float, but \'three\' is a str.']


def test_a_forgotten_gather_is_reported_as_such(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each([1.0, 2.0]))
    pipeline.node("select", give(Select))(fits=fit)
    (message,) = problems()
    assert message == (
        'Input "fits" of node "//select" takes Sequence[Fit], but "//train" gives Fit. Did you forget gather()?'
    )


def test_only_fan_outs_can_be_gathered(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    fit = pipeline.node("train", give(Train))(c=1.0)
    pipeline.node("select", give(Select))(fits=pipeline.gather(fit))
    pipeline.output("fits", pipeline.gather(fit))
    pipeline.gather(pipeline.gather(fit))
    pipeline.gather(3)
    found = problems()
    assert found[0].startswith('Input "fits" of node "//select" gathers "//train", which is no fan-out.')
    assert found[1].startswith('Output "fits" gathers "//train", which is no fan-out.')
    assert found[2] == 'gather() takes the result of a fan-out of this pipeline, not "//train".'
    assert found[3] == "gather() takes the result of a fan-out of this pipeline, not an int."


def test_an_output_of_a_fan_out_wants_a_gather(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    fit = pipeline.node("train", give(Train))(c=pipeline.each([1.0, 2.0]))
    pipeline.output("fit", fit)
    assert problems() == ['Output "fit" takes one value, but "//train" is a fan-out of 2. Gather it.']


def test_no_node_lies_inside_a_fan_out(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.namespace("train").node("extra", give(Say))()
    pipeline.node("train", give(Train))(c=pipeline.each([1.0, 2.0]))
    assert problems() == ['"//train" is a node, so "//train/extra" cannot lie below it. Rename one of them.']


def test_a_fan_out_beyond_all_bounds_is_refused(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    many = [float(value) for value in range(4000)]
    fit = pipeline.node("train", give(Train))(c=pipeline.each(many), d=pipeline.each(range(4000)))
    pipeline.node("select", give(Select))(fits=pipeline.gather(fit))
    (message,) = problems()
    assert message == 'Fan-out "//train" would have 16,000,000 members; at most 10,000,000 are possible.'


def test_a_gathering_in_every_member_is_refused_beyond_bounds(
    pipeline: PipelineBuilder, give: Give, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "EDGES_MAX", 100)
    fit = pipeline.node("train", give(Train))(c=pipeline.each([float(value) for value in range(20)]))
    pipeline.node("all", give(Select))(fits=pipeline.gather(fit))
    pipeline.node("again", give(Train), after=[fit])(c=pipeline.each([1.0, 2.0, 3.0, 4.0, 5.0]))
    pipeline.node("more", give(Train), after=[fit])(c=pipeline.each([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    (message,) = problems()
    assert '"//more"' in message
    assert "120 edges" in message


def test_paths_of_members_stay_within_bounds(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    inner = pipeline
    for _ in range(15):
        inner = inner.namespace("x" * 64)
    inner.node("y" * 40, give(Train))(c=pipeline.each({"k" * 30: 1.0}))
    assert [message.rpartition(" have ")[2] for message in problems()] == ["1048 characters; at most 1024 fit."]


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@given(sizes=SIZES, chosen=st.permutations(range(3)), gathered=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_members_are_the_product_of_the_axes_and_read_what_they_are_named_after(
    sizes: list[int], chosen: list[int], gathered: bool, give: Give, executables: Any
) -> None:
    class Collect:
        def __call__(self, a: Any = 0, b: Any = 0, c: Any = 0) -> int: ...

    pipeline = PipelineBuilder(type(executables)(), name="law")
    axes = [pipeline.each([f"{number}.{value}" for value in range(size)]) for number, size in enumerate(sizes)]
    names = [name for name, _ in zip("abc", sizes, strict=False)]
    order = [number for number in chosen if number < len(sizes)]
    first = pipeline.node("first", give(Collect))(**{names[number]: axes[number] for number in order})
    along = pipeline.node("along", give(Collect))(a=axes[order[-1]], b=first)
    if gathered:
        pipeline.output("all", pipeline.gather(along))
    plan = pipeline.build()
    assert len(plan.fan_outs["//first"]) == len(plan.fan_outs["//along"]) == math.prod(sizes)
    keys = ["/".join(map(str, key)) for key in product(*(range(sizes[number]) for number in order))]
    assert plan.fan_outs["//first"] == tuple(f"//first/{key}" for key in keys)
    for key in keys:
        values = dict(zip(order, key.split("/"), strict=True))
        inputs = plan.nodes[f"//first/{key}"].inputs
        assert inputs == {names[number]: LiteralSource(f"{number}.{values[number]}") for number in order}
        rotated = [order[-1], *order[:-1]]
        reader = plan.nodes["//along/" + "/".join(values[number] for number in rotated)]
        assert reader.inputs["b"] == PortSource(f"//first/{key}", "output")
    if gathered:
        assert [item.node for item in plan.outputs["all"].items] == list(plan.fan_outs["//along"])
