"""Cycles: every member is named, in the order of the loop."""

from collections.abc import Callable
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.graph.cycles import LOOPS_MAX, find_loops

Give = Callable[[object], Any]
Problems = Callable[[], list[str]]


class Take:
    def __call__(self, x: int = 0, y: int = 0) -> int: ...


def connect(pipeline: PipelineBuilder, give: Give, text: str) -> None:
    """Define a node for every letter, and an edge for every pair of them: ``ab bc``."""
    nodes = {name: pipeline.node(name, give(Take)) for name in sorted({*text} - {" "})}
    fed: dict[str, int] = {}
    for source, target in text.split():
        port = "xy"[fed.setdefault(target, 0)]
        fed[target] += 1
        pipeline.connect(nodes[source].outputs.output >> getattr(nodes[target].inputs, port))


def test_cycle_names_every_node_on_the_loop_in_its_order(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    connect(pipeline, give, "ac cb ba ad")
    assert problems() == ["A cycle: //a -> //c -> //b -> //a. Take one edge of it out."]


def test_a_node_that_feeds_itself_is_a_cycle(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    connect(pipeline, give, "aa")
    assert problems() == ["A cycle: //a -> //a. Take one edge of it out."]


def test_several_cycles_are_told_one_by_one(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    connect(pipeline, give, "ab ba bc cd dc de ef fe")
    assert problems() == [
        "A cycle: //a -> //b -> //a. Take one edge of it out.",
        "A cycle: //c -> //d -> //c. Take one edge of it out.",
        "A cycle: //e -> //f -> //e. Take one edge of it out.",
    ]


def test_entangled_cycles_name_every_member(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    connect(pipeline, give, "ab bc ca cd db")
    assert problems() == [
        "A cycle: //a -> //b -> //c -> //a. Take one edge of it out.",
        "A cycle: //d -> //b -> //c -> //d. Take one edge of it out.",
    ]


def test_order_without_data_makes_cycles_too(pipeline: PipelineBuilder, give: Give) -> None:
    first = pipeline.node("first", give(Take))
    second = pipeline.node("second", give(Take), after=[first])
    first(x=second())
    with pytest.raises(InvalidPipelineError) as caught:
        pipeline.build()
    (problem,) = caught.value.problems
    assert problem.nodes == ("//first", "//second")
    assert problem.place is not None


def test_fan_outs_on_a_cycle_are_told_as_one(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    class Total:
        def __call__(self, values: list[int]) -> int: ...

    train = pipeline.node("train", give(Take))
    total = pipeline.node("total", give(Total))(values=pipeline.gather(train(x=pipeline.each([1, 2]))))
    pipeline.connect(train.inputs.y << total)
    pipeline.output("all", pipeline.gather(pipeline.node("below", give(Take))(x=total)))
    assert problems() == ["A cycle: //train -> //total -> //train. Take one edge of it out."]


def test_a_very_long_cycle_is_cut_in_its_text_alone(pipeline: PipelineBuilder, give: Give) -> None:
    first = pipeline.node("n0", give(Take))
    result = first.outputs.output
    for number in range(1, 3000):
        call = pipeline.node(f"n{number}", give(Take))
        pipeline.connect(result >> call.inputs.x)
        result = call.outputs.output
    pipeline.connect(result >> first.inputs.x)
    with pytest.raises(InvalidPipelineError) as caught:
        pipeline.build()
    (problem,) = caught.value.problems
    assert problem.nodes == tuple(f"//n{number}" for number in range(3000))
    assert problem.message.endswith("-> (2001 more) -> //n0. Take one edge of it out.")


def upstreams() -> st.SearchStrategy[list[list[int]]]:
    def lists(count: int) -> st.SearchStrategy[list[list[int]]]:
        one = st.lists(st.integers(0, count - 1), max_size=3, unique=True)
        return st.lists(one, min_size=count, max_size=count)

    return st.integers(1, 12).flatmap(lists)


@given(upstreams())
def test_found_loops_are_loops_and_cover_every_member_of_any(before: list[list[int]]) -> None:
    graph = nx.DiGraph((upstream, index) for index, uppers in enumerate(before) for upstream in uppers)
    found = find_loops(range(len(before)), before)
    for loop in found.loops:
        assert len(set(loop)) == len(loop)
        assert all(graph.has_edge(one, other) for one, other in zip(loop, [*loop[1:], loop[0]], strict=True))
    on_loops = {index for loop in nx.simple_cycles(graph) for index in loop}
    assert {index for loop in found.loops for index in loop} | set(found.tangled) == on_loops


def test_a_tangle_of_too_many_loops_names_the_rest_together(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    class Many:
        def __call__(self, xs: list[int]) -> int: ...

    hub = pipeline.node("hub", give(Many))
    petals = [pipeline.node(f"petal-{number}", give(Take))(x=hub.outputs.output) for number in range(LOOPS_MAX + 2)]
    hub(xs=petals)
    found = problems()
    assert len(found) == LOOPS_MAX + 1
    assert "On further cycles with those above: //petal-20, //petal-21." in found
