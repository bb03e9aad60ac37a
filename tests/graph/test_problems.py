"""One report of everything that is wrong, with places."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple, cast

import pytest

from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.values.node_path import NodePath

Give = Callable[[object], Any]
Problems = Callable[[], list[str]]


class Parts(NamedTuple):
    train: int
    held_out: str


class Load:
    def __call__(self) -> int: ...


class Split:
    def __call__(self, digits: int) -> Parts: ...


class Take:
    def __call__(self, x: int = 0, y: str = "", *, z: float = 0.0) -> int: ...


class Total:
    def __call__(self, values: Sequence[int]) -> int: ...


class Clean:
    def __call__(self) -> None: ...


def test_everything_wrong_is_in_one_report_by_lines(pipeline: PipelineBuilder, give: Give) -> None:
    digits = pipeline.node("load", give(Load))()
    pipeline.node("load", give(Load))()
    pipeline.node("lo ad", give(Load))()
    parts = pipeline.node("split", give(Split))(digit=digits)
    pipeline.node("take", give(Take))(x=parts.trian, y=digits, w=1)
    pipeline.output("train", parts.train)
    pipeline.output("train", digits)
    with pytest.raises(InvalidPipelineError) as caught:
        pipeline.build()
    error = caught.value
    assert error.habitat == "a-pipeline"
    assert [problem.message.split(".")[0] for problem in error.problems] == [
        'Node "//load" is defined twice; first at ' + __file__.split(".")[0],
        "Node name 'lo ad' cannot be used: 1 to 64 of A-Z a-z 0-9 _ -, and not \"-\" first",
        'Node "//split" has no input "digit"',
        'Node "//split" needs input "digits", which nothing feeds',
        'Node "//split" has no output "trian"',
        'Input "y" of node "//take" takes str, but "//load" gives int',
        'Node "//take" has no input "w"',
        'Output "train" is declared twice; first at ' + __file__.split(".")[0],
    ]
    lines = [problem.place.line for problem in error.problems if problem.place is not None]
    assert [line - lines[0] for line in lines] == [0, 1, 2, 2, 3, 3, 3, 5]
    assert str(error).startswith(f'Pipeline "a-pipeline" has 8 problems:\n  {__file__}:{lines[0]}: Node "//load"')


def test_building_again_after_a_report_reports_the_same(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    pipeline.node("split", give(Split))()
    assert problems() == problems()
    pipeline.connect(pipeline.node("other", give(Split)).inputs.digits << 1)
    assert len(problems()) == 1


def test_a_long_report_is_cut_in_its_text_alone(pipeline: PipelineBuilder, give: Give) -> None:
    for number in range(150):
        pipeline.node(f"split-{number}", give(Split))()
    with pytest.raises(InvalidPipelineError) as caught:
        pipeline.build()
    assert len(caught.value.problems) == 150
    assert str(caught.value).endswith("\n  and 50 more")


@pytest.mark.parametrize("name", ["", "a/b", "..", "-a", "ä", "a b", "x" * 65, "a\0", "a\n"])
def test_unusable_names_are_reported(name: str, pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.node(name, give(Load))()
    pipeline.namespace(name)
    pipeline.input(name, int)
    pipeline.output(name, pipeline.node("load", give(Load))())
    found = problems()
    assert [message.split(" name ")[0] for message in found] == ["Node", "Namespace", "Input", "Output"]


def test_a_name_that_is_no_text_is_reported(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.node(3, give(Load))()  # type: ignore[call-overload]  # the case
    assert problems() == ["Node name is an int, not text."]


def test_a_path_that_is_too_long_is_reported(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    inner = pipeline
    for _ in range(16):
        inner = inner.namespace("x" * 64)
    inner.node("a", give(Load))()
    assert problems()[0].endswith("is too long: 1043 characters, of at most 1024.")


def test_a_namespace_and_a_node_cannot_share_a_path(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.node("prep", give(Load))()
    pipeline.namespace("prep").namespace("deep").node("load", give(Load))()
    assert problems() == ['"//prep" is a node, so "//prep/deep/load" cannot lie below it. Rename one of them.']


def test_what_is_no_provider_is_reported_and_its_node_makes_no_more_noise(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    result = pipeline.node("load", 3)()  # type: ignore[call-overload]  # the case
    pipeline.node("split", give(Split))(digits=result.anything)
    pipeline.node("take", give(Take))(x=result, y=result["any"])
    pipeline.output("result", result)
    assert problems() == ['Node "//load" cannot take its body from 3: it is no provider.']


def test_a_body_that_cannot_be_one_is_reported_with_every_reason(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    def body(*rest: int, **more: int) -> int: ...

    result = pipeline.node("a", give(body))(1, 2, x=3)
    pipeline.node("take", give(Take))(x=result)
    pipeline.node("b", give(body))
    found = problems()
    assert [message.split(".")[0] for message in found] == [
        'Node "//a" cannot run test_a_body_that_cannot_be_one_is_reported_with_every_reason',
        'Node "//a" cannot run test_a_body_that_cannot_be_one_is_reported_with_every_reason',
        'Node "//b" cannot run test_a_body_that_cannot_be_one_is_reported_with_every_reason',
        'Node "//b" cannot run test_a_body_that_cannot_be_one_is_reported_with_every_reason',
    ]


def test_a_stream_feeds_iterators_and_sequences_alone(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    def numbers() -> Iterator[int]: ...

    def lazy(xs: Iterator[int]) -> int: ...

    def whole(xs: Sequence[float]) -> int: ...

    def listed(xs: list[int]) -> int: ...

    def words(xs: Iterator[str]) -> int: ...

    stream = pipeline.node("numbers", give(numbers))()
    for body in (lazy, whole, listed, words):
        pipeline.node(body.__name__, give(body))(xs=stream)
    listed_problem, words_problem = problems()
    assert listed_problem == (
        'Input "xs" of node "//listed" takes list[int], but "//numbers" gives Stream[int]. '
        "A stream feeds an Iterator or a Sequence of such items."
    )
    assert 'Input "xs" of node "//words" takes Iterator[str]' in words_problem


def test_executables_and_nodes_are_the_same_set(
    pipeline: PipelineBuilder, executables: Any, give: Give, problems: Problems
) -> None:
    pipeline.node("load", give(Load))()
    executables.bound = {NodePath("//ghost"): give(Load)}
    assert problems() == [
        'Node "//load" has no provider among the executables.',
        'The executables have a provider for "//ghost", which is no node of the pipeline.',
    ]


def test_a_required_input_wants_something(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.node("split", give(Split))
    pipeline.node("take", give(Take))()
    assert problems() == [
        'Node "//split" needs input "digits", which nothing feeds. Give digits=... where it is called.'
    ]


def test_too_many_positional_inputs_are_reported(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.node("take", give(Take))(1, "2", 3.0)
    pipeline.node("load", give(Load))(1)
    assert problems() == [
        'Node "//take" takes 2 inputs by position (x, y), not 3.',
        'Node "//load" takes 0 inputs by position (none), not 1.',
    ]


def test_one_input_by_position_is_one_and_after_takes_a_list(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    digits = pipeline.node("load", give(Load))()
    pipeline.node("split", give(Split))(digits, digits)
    pipeline.node("late", give(Load), after=digits)()
    assert problems() == [
        'Node "//split" takes 1 input by position (digits), not 2.',
        '"after" of node "//late" takes a list of nodes: after=[...].',
    ]


def test_results_are_found_wherever_they_are_put(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    x = pipeline.node("one", give(Take))(x=1)
    for name, value in {"nested": [[x]], "set": {x}, "deep": {"a": [x]}}.items():
        pipeline.node(name, give(Take))(**{"x": value})
    assert problems() == [
        f'Input "x" of node "//{name}" takes results one level deep: in one list, or each as an input of its own.'
        for name in ("nested", "set", "deep")
    ]


def test_an_input_by_position_and_by_name_is_fed_twice(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    pipeline.node("take", give(Take))(1, **{"x": 2})
    assert problems() == ['Input "x" of node "//take" is fed twice. Connect one thing to it.']


def test_a_node_is_called_once(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    take = pipeline.node("take", give(Take))
    take(x=1)
    take(y="2")
    assert problems() == ['Node "//take" is called twice. Define a second node.']


def test_a_result_that_is_nothing_feeds_nothing(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    nothing = pipeline.node("clean", give(Clean))()
    pipeline.node("take", give(Take))(x=nothing)
    pipeline.output("nothing", nothing)
    pipeline.gather(nothing)
    assert problems() == [
        'Input "x" of node "//take" is fed by "//clean", which returns None. For order alone, use after=[...].',
        'Output "nothing" takes a result of a node of this pipeline, not "//clean".',
        'gather() takes the result of a fan-out of this pipeline, not "//clean".',
    ]


def test_outputs_are_results_of_nodes(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    digits = pipeline.input("digits", int)
    pipeline.node("split", give(Split))(digits=digits)
    pipeline.output("one", 1)
    pipeline.output("two", digits)
    pipeline.output("three", pipeline.each([1]))
    assert [message.partition(", ")[2] for message in problems()] == [
        "not an int.",
        'not input "digits" of the pipeline.',
        "not each(...).",
    ]


def test_inputs_of_the_pipeline_are_declared_once_and_used(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    pipeline.input("idle", int)
    digits = pipeline.input("digits", int)
    pipeline.node("split", give(Split))(digits=digits)
    pipeline.input("digits", int)
    found = problems()
    assert found[0] == 'Input "idle" feeds nothing. Give it to a node, or drop it.'
    assert found[1].startswith('Input "digits" is declared twice; first at ')


def test_an_input_that_may_be_absent_feeds_inputs_with_a_default_alone(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    digits = pipeline.input("digits", int, required=False)
    pipeline.node("take", give(Take))(x=digits)
    pipeline.node("split", give(Split))(digits=digits)
    (message,) = problems()
    assert message.startswith('Input "digits" of node "//split" has no default, but input "digits" of the pipeline')


def test_types_of_inputs_of_the_pipeline_must_fit(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.node("split", give(Split))(digits=pipeline.input("digits", str))
    assert problems() == ['Input "digits" of node "//split" takes int, but input "digits" of the pipeline gives str.']


def test_lists_hold_results_alone(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    one = pipeline.node("one", give(Load))()
    parts = pipeline.node("split", give(Split))(digits=one)
    pipeline.node("a", give(Total))(values=[one, 2])
    pipeline.node("b", give(Total))(values=[one, parts.held_out])
    pipeline.node("c", give(Total))(values={"one": one})
    pipeline.node("d", give(Total))(values=[one, parts.nothing])
    found = problems()
    assert found[0].startswith('Input "values" of node "//a" takes a list of which only some items are results')
    assert found[1] == 'Input "values" of node "//b" takes Sequence[int], but the list gives list[int | str].'
    assert found[2].startswith('Input "values" of node "//c" takes results inside a mapping.')
    assert found[3].startswith('Node "//split" has no output "nothing".')
    assert len(found) == 4


@pytest.mark.parametrize("after", ["//load", [3], ["//load"]])
def test_after_takes_nodes(after: Any, pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.node("load", give(Load))()
    pipeline.node("last", give(Load), after=after)
    (message,) = problems()
    assert message.startswith('"after" of node "//last" takes ')


def test_what_is_broken_already_is_passed_over_in_after(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    parts = pipeline.node("split", give(Split))(digits=1)
    pipeline.node("last", give(Load), after=[parts.trian])
    assert len(problems()) == 1


@pytest.mark.parametrize(
    ("settings", "end"),
    [
        (3, "must be PipelineNodeSettings or a mapping, not int."),
        ({"fields": object()}, "hold a value that is a object, which has no form in JSON."),
    ],
)
def test_settings_that_are_none_are_reported(
    settings: Any, end: str, pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    pipeline.node("load", give(Load), settings=settings)
    assert problems() == [f'Settings of node "//load" {end}']


def test_places_lead_to_the_lines_of_the_author(pipeline: PipelineBuilder, give: Give) -> None:
    def part(inner: PipelineBuilder) -> None:
        inner.node("split", give(Split))()

    part(pipeline.namespace("prep"))
    with pytest.raises(InvalidPipelineError) as caught:
        pipeline.build()
    (problem,) = caught.value.problems
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == (__file__, part.__code__.co_firstlineno + 1)
    assert problem.nodes == ("//prep/split",)


def test_what_a_gathering_gives_must_fit(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    taken = pipeline.node("take", give(Take))(x=pipeline.each([1, 2]))
    pipeline.node("split", give(Split))(digits=pipeline.gather(taken))
    assert problems() == ['Input "digits" of node "//split" takes int, but gather() of "//take" gives list[int].']


def test_what_is_broken_already_is_passed_over_in_gather(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    parts = pipeline.node("split", give(Split))(digits=1)
    pipeline.node("total", give(Total))(values=pipeline.gather(parts.trian))
    assert len(problems()) == 1


def test_what_is_broken_already_has_any_port(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    parts = pipeline.node("split", give(Split))(digits=1)
    pipeline.node("take", give(Take))(x=parts.trian.anything["at all"])
    assert len(problems()) == 1


def test_annotations_whose_metadata_cannot_be_hashed_are_judged(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    def body(x: Annotated[int, {"unit": "pixel"}]) -> Annotated[int, ["pixel"]]: ...

    first = pipeline.node("first", give(body))(x=1)
    pipeline.node("second", give(body))(x=first)
    pipeline.node("third", give(body))(x=pipeline.input("text", str))
    (message,) = problems()
    assert message == 'Input "x" of node "//third" takes int, but input "text" of the pipeline gives str.'


def test_a_node_that_was_not_called_feeds_nothing_and_the_report_says_so(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    load = pipeline.node("load", give(Load))
    cast("Any", pipeline.node("split", give(Split)))(digits=load)
    assert any("a node that was not called" in problem for problem in problems())
