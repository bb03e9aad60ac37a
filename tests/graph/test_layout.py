"""Layouts: nothing stands on anything else, wires meet no box, and everything ends in reasonable room."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneml.habitats.graph.drawing.layout import Direction, Item, Layout, Point, Rect, Wire, lay_out

FRAMES = {"a": "", "b": "", "a.x": "a", "a.y": "a"}
SLACK = 0.25
"""Places are rounded to a tenth."""


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Item], list[Wire]]:
    count = draw(st.integers(1, 14))
    sizes = st.sampled_from([(60.0, 30.0), (150.0, 50.0), (90.0, 70.0)])
    items = [
        Item(str(number), *draw(sizes), frame=draw(st.sampled_from(["", *FRAMES])), rounded=draw(st.booleans()))
        for number in range(count)
    ]
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1])
    pairs = draw(st.lists(ends, max_size=20, unique=True)) if count > 1 else []
    label = st.sampled_from([0.0, 0.0, 70.0])
    return items, [Wire(str(one), str(other), width := draw(label), 14.0 if width else 0.0) for one, other in pairs]


def overlap(one: Rect, other: Rect) -> bool:
    return (
        one.x + SLACK < other.x + other.width
        and other.x + SLACK < one.x + one.width
        and one.y + SLACK < other.y + other.height
        and other.y + SLACK < one.y + one.height
    )


def holds(outer: Rect, inner: Rect) -> bool:
    return (
        outer.x - SLACK <= inner.x
        and outer.y - SLACK <= inner.y
        and inner.x + inner.width <= outer.x + outer.width + SLACK
        and inner.y + inner.height <= outer.y + outer.height + SLACK
    )


def inside(rect: Rect, point: Point) -> bool:
    return (
        rect.x + SLACK < point.x < rect.x + rect.width - SLACK
        and rect.y + SLACK < point.y < rect.y + rect.height - SLACK
    )


def around(frame: str) -> list[str]:
    found = []
    while frame:
        found.append(frame)
        frame = FRAMES[frame]
    return found


def on_curves(points: tuple[Point, ...]) -> list[Point]:
    found = []
    for place in range(1, len(points) - 2, 3):
        a, (b, c, d) = points[place - 1], points[place : place + 3]
        for step in range(13):
            t = step / 12
            shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x = sum(share * point.x for share, point in zip(shares, (a, b, c, d), strict=True))
            y = sum(share * point.y for share, point in zip(shares, (a, b, c, d), strict=True))
            found.append(Point(x, y))
    return found


@settings(max_examples=150, deadline=None)
@given(graphs(), st.sampled_from(Direction))
def test_nothing_stands_on_anything_else(graph: tuple[list[Item], list[Wire]], direction: Direction) -> None:
    items, wires = graph
    layout = lay_out(items, wires, frames=FRAMES, direction=direction)
    labels = [route.label for route in layout.routes if route.label is not None]
    for one, other in combinations([*layout.boxes.values(), *labels], 2):
        assert not overlap(one, other)
    for item in items:
        for name, frame in layout.frames.items():
            if name in around(item.frame):
                assert holds(frame, layout.boxes[item.name])
            else:
                assert not overlap(frame, layout.boxes[item.name])
    for one, other in combinations(layout.frames, 2):
        if one in around(other):
            assert holds(layout.frames[one], layout.frames[other])
        else:
            assert not overlap(layout.frames[one], layout.frames[other])


@settings(max_examples=100, deadline=None)
@given(graphs(), st.sampled_from([Direction.DOWN, Direction.RIGHT]))
def test_wires_join_their_boxes_and_meet_no_other(graph: tuple[list[Item], list[Wire]], direction: Direction) -> None:
    items, wires = graph
    layout = lay_out(items, wires, frames=FRAMES, direction=direction)
    for wire, route in zip(wires, layout.routes, strict=True):
        for end, name in ((route.points[0], wire.source), (route.points[-1], wire.target)):
            box = layout.boxes[name]
            assert holds(box, Rect(end.x, end.y, 0, 0)), wire
        for point in on_curves(route.points):
            assert not any(inside(box, point) for box in layout.boxes.values()), wire
            assert -SLACK <= point.x <= layout.width + SLACK
            assert -SLACK <= point.y <= layout.height + SLACK


def chain(count: int) -> Layout:
    items = [Item(str(number), 80, 30) for number in range(count)]
    return lay_out(items, [Wire(one.name, other.name) for one, other in pairwise(items)], direction=Direction.DOWN)


def test_a_chain_stands_in_one_line() -> None:
    layout = chain(9)
    assert len({box.x for box in layout.boxes.values()}) == 1
    assert {point.x for route in layout.routes for point in route.points} == {40.0}


def test_a_chain_of_1000_boxes_needs_no_recursion() -> None:
    assert len(chain(1000).boxes) == 1000


def test_a_cycle_is_drawn_with_a_wire_that_leads_back() -> None:
    items = [Item(name, 80, 30) for name in "abc"]
    layout = lay_out(items, [Wire("a", "b"), Wire("b", "c"), Wire("c", "a")], direction=Direction.DOWN)
    back = layout.routes[2].points
    assert layout.boxes["a"].y < layout.boxes["b"].y < layout.boxes["c"].y
    assert back[0].y > back[-1].y


def test_wires_of_a_plane_graph_do_not_cross() -> None:
    items = [Item(name, 80, 30) for name in ("root", *"abcd", *"ABCD")]
    upper = [Wire("root", name) for name in "badc"]
    layout = lay_out(items, [*upper, *(Wire(name, name.upper()) for name in "dbca")], direction=Direction.DOWN)
    middle = sorted("abcd", key=lambda name: layout.boxes[name].x)
    assert sorted("ABCD", key=lambda name: layout.boxes[name].x) == [name.upper() for name in middle]


def test_boxes_without_wires_fill_a_square() -> None:
    layout = lay_out([Item(str(number), 80, 30) for number in range(100)], [], direction=Direction.DOWN)
    assert len({box.y for box in layout.boxes.values()}) == 10


def test_nested_frames_that_feed_each_other_stay_together() -> None:
    """Frames that pull at each other came apart, further in each round."""
    frames = {"m": "", **{f"m{number}": "m" for number in range(12)}}
    items = [Item("first", 80, 30), Item("last", 80, 30)]
    wires: list[Wire] = []
    for number in range(12):
        items.append(Item(str(number), 80, 30, f"m{number}"))
        wires += [Wire("first", str(number)), Wire(str(number), "last")]
    assert lay_out(items, wires, frames=frames, direction=Direction.DOWN).width < 12 * 160


@pytest.mark.parametrize(("count", "direction"), [(12, Direction.RIGHT), (2, Direction.DOWN)])
def test_the_direction_is_the_one_in_which_more_is_readable(count: int, direction: Direction) -> None:
    items = [Item("end", 200, 30), *(Item(str(number), 200, 30) for number in range(count))]
    assert lay_out(items, [Wire(str(number), "end") for number in range(count)]).direction is direction


def test_nothing_is_laid_out_as_nothing() -> None:
    assert lay_out([], []) == Layout(0.0, 0.0, {}, {}, (), Direction.DOWN)
