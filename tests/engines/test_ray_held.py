"""Nodes that Ray is not handed yet: what waits for others takes no room from what could run."""

from engine_contexts import task
from oneml.habitats.engines.ray_held import Held
from oneml.habitats.values.node_path import NodePath

RUNNING = frozenset({NodePath("//running")})


def held(*tasks: tuple[str, ...]) -> Held:
    made = Held()
    for path, *after in tasks:
        made.add(task(path, *after), RUNNING)
    return made


def given_up(made: Held) -> list[str]:
    found: list[str] = []
    while (one := made.next()) is not None:
        found.append(one.path)
    return found


def test_nodes_come_in_their_order_once_they_wait_for_nothing() -> None:
    made = held(("//a",), ("//b", "//a"), ("//c", "//running"), ("//d", "//gone"))
    assert given_up(made) == ["//a", "//d"]
    made.succeeded(NodePath("//running"))
    made.succeeded(NodePath("//a"))
    assert given_up(made) == ["//c", "//b"]
    assert len(made) == 0


def test_a_node_waits_for_all_that_it_was_given_and_for_each_once() -> None:
    made = held(("//a",), ("//b", "//a", "//running", "//a"))
    assert given_up(made) == ["//a"]
    made.succeeded(NodePath("//a"))
    assert given_up(made) == []
    made.succeeded(NodePath("//running"))
    assert given_up(made) == ["//b"]


def test_what_lies_below_a_failure_is_given_up_and_the_rest_stays() -> None:
    made = held(("//b", "//running"), ("//c", "//b"), ("//d", "//c", "//e"), ("//e",))
    assert made.below(NodePath("//running")) == ["//b", "//c", "//d"]
    assert given_up(made) == ["//e"]
    made.succeeded(NodePath("//e"))
    assert given_up(made) == []


def test_a_stop_gives_up_everything() -> None:
    made = held(("//a",), ("//b", "//a"))
    assert made.take_all() == ["//a", "//b"]
    assert (len(made), given_up(made)) == (0, [])
