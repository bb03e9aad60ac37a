"""The order of a plan: topological, and that of the author wherever that is possible."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneml.habitats.graph.builder import PipelineBuilder

Give = Callable[[object], Any]


class Join:
    def __call__(self, xs: list[int]) -> int: ...


def dags() -> st.SearchStrategy[tuple[list[list[int]], list[int]]]:
    """Give the upstreams of each node, all smaller, and an order of definition."""

    def of_size(count: int) -> st.SearchStrategy[tuple[list[list[int]], list[int]]]:
        uppers = [
            st.lists(st.integers(0, max(0, node - 1)), max_size=min(node, 3), unique=True) for node in range(count)
        ]
        return st.tuples(st.tuples(*uppers).map(list), st.permutations(range(count)).map(list))

    return st.integers(1, 10).flatmap(of_size)


def define(pipeline: PipelineBuilder, give: Give, upstreams: list[list[int]], order: list[int]) -> None:
    calls = {node: pipeline.node(f"n{node}", give(Join)) for node in order}
    for node in order:
        calls[node](xs=[calls[upper].outputs.output for upper in upstreams[node]])


@given(dag=dags())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_node_comes_after_everything_that_feeds_it(
    dag: tuple[list[list[int]], list[int]], give: Give, executables: Any
) -> None:
    upstreams, order = dag
    pipeline = PipelineBuilder(type(executables)(), name="law")
    define(pipeline, give, upstreams, order)
    nodes = pipeline.build().nodes
    places = {path: number for number, path in enumerate(nodes)}
    assert len(nodes) == len(upstreams)
    for path, node in nodes.items():
        assert all(places[upper] < places[path] for upper in node.upstreams())


@given(dag=dags())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_the_nodes_that_could_be_next_the_one_defined_first_is(
    dag: tuple[list[list[int]], list[int]], give: Give, executables: Any
) -> None:
    upstreams, order = dag
    pipeline = PipelineBuilder(type(executables)(), name="law")
    define(pipeline, give, upstreams, order)
    done: list[str] = []
    while len(done) < len(order):
        ready = [node for node in order if all(f"//n{upper}" in done for upper in upstreams[node])]
        done.append(next(f"//n{node}" for node in ready if f"//n{node}" not in done))
    assert list(pipeline.build().nodes) == done


def test_an_order_of_definition_that_is_topological_is_kept(pipeline: PipelineBuilder, give: Give) -> None:
    one = pipeline.node("z", give(Join))(xs=[])
    pipeline.node("a", give(Join), after=[one])(xs=[])
    pipeline.node("m", give(Join))(xs=[one])
    assert list(pipeline.build().nodes) == ["//z", "//a", "//m"]


def test_order_without_data_can_turn_the_order_of_definition_around(pipeline: PipelineBuilder, give: Give) -> None:
    late = pipeline.node("late", give(Join))
    early = pipeline.node("early", give(Join))(xs=[])
    pipeline.node("between", give(Join), after=[early])(xs=[late(xs=[early])])
    assert list(pipeline.build().nodes) == ["//early", "//late", "//between"]


def test_order_without_data_alone_can_turn_the_order_of_definition_around(
    pipeline: PipelineBuilder, give: Give
) -> None:
    first = pipeline.node("first", give(Join))
    second = pipeline.node("second", give(Join))
    third = pipeline.node("third", give(Join), after=[second])
    first(xs=[third(xs=[])])
    second(xs=[])
    assert list(pipeline.build().nodes) == ["//second", "//third", "//first"]
