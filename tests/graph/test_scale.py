"""Large graphs, without recursion and with bounded memory."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.graph.builder import PipelineBuilder

Give = Callable[[object], Any]
COUNT = 100_000


class Take:
    def __call__(self, x: int = 0, y: int = 0) -> int: ...


class Total:
    def __call__(self, xs: list[int]) -> int: ...


def test_a_chain_of_100000_nodes(pipeline: PipelineBuilder, give: Give) -> None:
    take = give(Take)
    result = pipeline.node("n0", take)()
    for number in range(1, COUNT):
        result = pipeline.node(f"n{number}", take)(x=result)
    nodes = pipeline.build().nodes
    assert list(nodes) == [f"//n{number}" for number in range(COUNT)]


def test_a_chain_of_100000_nodes_defined_backwards(pipeline: PipelineBuilder, give: Give) -> None:
    take = give(Take)
    lower = pipeline.node("n0", take)
    for number in range(1, COUNT):
        upper = pipeline.node(f"n{number}", take)
        pipeline.connect(upper.outputs.output >> lower.inputs.x)
        lower = upper
    assert list(pipeline.build().nodes) == [f"//n{number}" for number in reversed(range(COUNT))]


def test_a_cycle_of_100000_nodes(pipeline: PipelineBuilder, give: Give) -> None:
    take = give(Take)
    first = pipeline.node("n0", take)
    result = first.outputs.output
    for number in range(1, COUNT):
        result = pipeline.node(f"n{number}", take)(x=result)
    pipeline.connect(first.inputs.x << result)
    with pytest.raises(InvalidPipelineError) as caught:
        pipeline.build()
    (problem,) = caught.value.problems
    assert problem.nodes == tuple(f"//n{number}" for number in range(COUNT))


def test_a_fan_out_of_100000_members_and_its_gathering(pipeline: PipelineBuilder, give: Give) -> None:
    first = pipeline.node("first", give(Take))(x=pipeline.each(range(COUNT)))
    second = pipeline.node("second", give(Take))(x=first, y=3)
    pipeline.node("total", give(Total))(xs=pipeline.gather(second))
    plan = pipeline.build()
    assert len(plan.nodes) == 2 * COUNT + 1
    assert plan.fan_outs["//second"][-1] == f"//second/{COUNT - 1}"
    assert len(list(plan.nodes["//total"].upstreams())) == COUNT


def test_a_node_keeps_less_than_a_kilobyte(pipeline: PipelineBuilder, give: Give) -> None:
    take, count = give(Take), 5_000
    tracemalloc.start()
    try:
        handles = [pipeline.node("a", take)(), pipeline.node("b", take)()]
        for number in range(count):
            handles.append(pipeline.node(f"n{number}", take)(x=handles[-1], y=handles[-2]))
        handles.clear()
        plan = pipeline.build()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(plan.nodes) == count + 2
    assert kept / count < 800
    assert peak / count < 1600
