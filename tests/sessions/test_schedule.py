"""Which nodes may start, decided without starting any."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.sessions.schedule import Schedule
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan, PlannedNode, PortSource


def path(number: int) -> NodePath:
    return NodePath(f"//n{number}")


def plan_of(upstreams: Sequence[Sequence[int]]) -> Plan:
    """Node ``i`` reads the nodes ``upstreams[i]``, each smaller than ``i``; odd ones come after instead of feeding."""
    nodes = {
        path(number): PlannedNode(
            path=path(number),
            provider="body",
            inputs={f"x{upper}": PortSource(path(upper), "output") for upper in uppers if upper % 2 == 0},
            outputs=("output",),
            after=tuple(path(upper) for upper in uppers if upper % 2),
        )
        for number, uppers in enumerate(upstreams)
    }
    return Plan(nodes=nodes)


@st.composite
def graphs(draw: st.DrawFn) -> Sequence[Sequence[int]]:
    size = draw(st.integers(1, 12))
    return [sorted(draw(st.sets(st.integers(0, number - 1), max_size=4))) if number else [] for number in range(size)]


def below(upstreams: Sequence[Sequence[int]], root: int) -> set[int]:
    found = {root}
    for number, uppers in enumerate(upstreams):
        if found & set(uppers):
            found.add(number)
    return found - {root}


@given(graphs())
def test_every_node_becomes_ready_once_and_after_all_that_it_waits_for(upstreams: Sequence[Sequence[int]]) -> None:
    schedule = Schedule(plan_of(upstreams))
    ready, done = list(schedule.ready()), list[NodePath]()
    while ready:
        node = ready.pop(0)
        assert {path(upper) for upper in upstreams[int(node[3:])]} <= set(done)
        done.append(node)
        ready.extend(schedule.succeed(node))
    assert sorted(done) == sorted(map(path, range(len(upstreams))))
    assert not schedule.undecided


@given(graphs(), st.integers(0, 11))
def test_a_failure_skips_all_that_lies_below_and_nothing_else(upstreams: Sequence[Sequence[int]], pick: int) -> None:
    bad = pick % len(upstreams)
    schedule = Schedule(plan_of(upstreams))
    ready, skipped, ran = list(schedule.ready()), set[NodePath](), set[NodePath]()
    while ready:
        node = ready.pop()
        ran.add(node)
        if node == path(bad):
            skipped |= set(schedule.fail(node))
        else:
            ready.extend(schedule.succeed(node))
    assert skipped == {path(number) for number in below(upstreams, bad)}
    assert ran == {path(number) for number in range(len(upstreams))} - skipped


@given(graphs(), st.sets(st.integers(0, 11)))
def test_what_has_succeeded_before_is_not_run_again(upstreams: Sequence[Sequence[int]], before: set[int]) -> None:
    known: Mapping[int, None] = {}
    for number, uppers in enumerate(upstreams):
        if number in before and all(upper in known for upper in uppers):
            known = {**known, number: None}
    done = {path(number) for number in known}
    schedule = Schedule(plan_of(upstreams), succeeded=done)
    ready, ran = list(schedule.ready()), set[NodePath]()
    while ready:
        node = ready.pop()
        ran.add(node)
        ready.extend(schedule.succeed(node))
    assert ran == {path(number) for number in range(len(upstreams))} - done


def test_a_chain_of_100_000_nodes_is_walked_without_recursion() -> None:
    schedule = Schedule(plan_of([[], *([number] for number in range(99_999))]))
    assert len(schedule.fail(path(0))) == 99_999
