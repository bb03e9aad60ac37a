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
    while made.next() is not None:
        found.extend(together(made, 1, 1))
    return found


def together(made: Held, count: int, heads: int, *, alone: tuple[str, ...] = ()) -> list[str]:
    return [one.path for one in made.take(count, heads, lambda other: other.path not in alone)]


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


def test_a_node_that_is_given_up_and_comes_again_waits_for_each_once() -> None:
    made = held(("//a",), ("//b",), ("//c", "//a", "//b"))
    assert given_up(made) == ["//a", "//b"]
    assert made.below(NodePath("//a")) == ["//c"]
    made.add(task("//c", "//b", "//again"), {NodePath("//b"), NodePath("//again")})
    made.succeeded(NodePath("//b"))
    assert given_up(made) == []
    made.succeeded(NodePath("//again"))
    assert given_up(made) == ["//c"]


def test_a_stop_gives_up_everything() -> None:
    made = held(("//a",), ("//b", "//a"))
    assert made.take_all() == ["//a", "//b"]
    assert (len(made), given_up(made)) == (0, [])


def test_chains_and_those_beside_them_go_together_as_far_as_there_is_room() -> None:
    chains = [
        (f"//{name}{number}", *([f"//{name}{number - 1}"] if number else [])) for name in "ab" for number in range(3)
    ]
    made = held(*chains)
    assert together(made, 2, 5) == ["//a0", "//a1"]
    made.succeeded(NodePath("//a1"))
    assert together(made, 9, 1) == ["//b0", "//b1", "//b2"]
    assert (together(made, 9, 5), len(made)) == (["//a2"], 0)


def test_a_node_that_several_wait_for_and_one_that_waits_for_several_end_a_chain() -> None:
    made = held(("//a",), ("//b", "//a"), ("//c", "//a"), ("//d",), ("//e", "//d", "//running"))
    assert together(made, 9, 1) == ["//a"]
    assert together(made, 9, 1) == ["//d"]
    made.succeeded(NodePath("//running"))
    made.succeeded(NodePath("//a"))
    assert together(made, 9, 2) == ["//b", "//c"]
    made.succeeded(NodePath("//d"))
    assert given_up(made) == ["//e"]


def test_what_does_not_fit_stays_where_it_is() -> None:
    made = held(("//a",), ("//b", "//a"), ("//c",))
    assert together(made, 9, 9, alone=("//b", "//c")) == ["//a"]
    assert (made.ready, given_up(made)) == (1, ["//c"])


def test_what_comes_back_waits_again_for_what_runs() -> None:
    made = held(("//a",), ("//b", "//a"), ("//c", "//b"))
    assert together(made, 2, 1) == ["//a", "//b"]
    made.add(task("//b", "//a"), {NodePath("//a")})
    assert given_up(made) == []
    made.succeeded(NodePath("//a"))
    assert together(made, 9, 9) == ["//b", "//c"]
