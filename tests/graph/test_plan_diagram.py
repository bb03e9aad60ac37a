"""Diagrams of plans: what is a box, what is folded, what is written on links."""

import pytest

from oneml.habitats.graph.drawing.diagram import Box, Diagram, LinkKind, Shape, Tone
from oneml.habitats.graph.drawing.plan_diagram import NodeStatus, PlanView, plan_diagram, seconds_text
from oneml.habitats.values.node_path import NodePath, parent_of
from oneml.habitats.values.plan import (
    ExternalInput,
    ExternalSource,
    GatherSource,
    InputSource,
    LiteralSource,
    Plan,
    PlannedNode,
    PortSource,
    WholeSource,
)
from oneml.habitats.values.states import NodeState


def node(path: str, after: tuple[str, ...] = (), fan_out: str | None = None, **inputs: InputSource) -> PlannedNode:
    return PlannedNode(
        NodePath(path),
        (fan_out or path).rpartition("/")[2],
        inputs,
        ("output",),
        after=tuple(map(NodePath, after)),
        fan_out=None if fan_out is None else NodePath(fan_out),
        label=f"c={path[-1]}" if fan_out else "",
    )


def port(path: str, name: str = "output") -> PortSource:
    return PortSource(NodePath(path), name)


def plan(*nodes: PlannedNode, **more: object) -> Plan:
    return Plan(nodes={each.path: each for each in nodes}, **more)  # type: ignore[arg-type]  # fields by name


def fan_out(count: int) -> Plan:
    members = [node(f"//train/{number}", fan_out="//train", table=port("//load")) for number in range(count)]
    gathered = GatherSource(tuple(port(each.path) for each in members))
    return plan(node("//load"), *members, node("//select", fits=gathered))


def deep(branches: int) -> Plan:
    return plan(*(node(f"//a/b{number}/n{each}") for number in range(branches) for each in range(3)), node("//a/n"))


def boxes(diagram: Diagram) -> dict[str, Box]:
    return {box.name: box for box in diagram.boxes}


def links(diagram: Diagram) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(link.source, link.target): link.labels for link in diagram.links}


def test_what_feeds_a_node_is_written_on_links() -> None:
    found = plan_diagram(
        plan(
            node("//split", day=ExternalSource("day"), table=ExternalSource("digits"), seed=LiteralSource(7)),
            node(
                "//fit",
                train=port("//split", "train"),
                rest=port("//split", "held_out"),
                whole=WholeSource(NodePath("//split")),
            ),
            inputs={name: ExternalInput(name, "str", required=True) for name in ("day", "digits")},
            outputs={"model": port("//fit"), "accuracy": port("//fit", "accuracy")},
        ),
        title="fits",
    )
    assert links(found) == {
        ("input day", "//split"): (),
        ("input digits", "//split"): ("table",),
        ("//split", "//fit"): ("held_out \N{RIGHTWARDS ARROW} rest", "train", "whole"),
        ("//fit", "output model"): (),
        ("//fit", "output accuracy"): (),
    }
    assert [box.shape for box in found.boxes[:2]] == [Shape.INPUT, Shape.INPUT]


def test_order_without_data_is_a_link_of_its_own_kind() -> None:
    found = plan_diagram(
        plan(node("//a"), node("//b", after=("//a",)), node("//c", after=("//a",), x=port("//a"))), title=""
    )
    assert [(link.target, link.kind) for link in found.links] == [("//c", LinkKind.DATA), ("//b", LinkKind.ORDER)]


def test_a_fan_out_is_one_box_that_tells_its_states() -> None:
    wide = fan_out(100)
    states = {path: NodeStatus(NodeState.SUCCEEDED, 1, 0.5) for path in wide.nodes}
    states[NodePath("//train/3")] = states[NodePath("//train/4")] = NodeStatus(NodeState.FAILED, 2, 1.0)
    states[NodePath("//train/5")] = NodeStatus(NodeState.RUNNING, 1)
    box = boxes(plan_diagram(wide, title="", statuses=states))["//train"]
    assert box.title == "train \N{MULTIPLICATION SIGN}100"
    assert box.lines == ("c=0 \N{HORIZONTAL ELLIPSIS} c=9", "97 ok, 2 failed, 1 running", "50.5 s in all")
    assert (box.shape, box.tone, box.members) == (Shape.FAN_OUT, Tone.FAILED, 100)
    assert box.states == {"succeeded": 97, "failed": 2, "running": 1}


def test_members_of_a_fan_out_are_boxes_in_a_frame_where_that_is_asked_for() -> None:
    found = plan_diagram(fan_out(3), title="", view=PlanView(expand=True))
    assert [box.frame for box in found.boxes] == ["", "//train", "//train", "//train", ""]
    assert [frame.title for frame in found.frames] == ["train"]
    assert boxes(found)["//train/1"].lines == ("c=1",)


@pytest.mark.parametrize(
    ("depth", "names"),
    [
        (0, ["//a"]),
        (1, ["//a/b0", "//a/b1", "//a/n"]),
        (2, [*(f"//a/b{one}/n{two}" for one in range(2) for two in range(3)), "//a/n"]),
    ],
)
def test_what_stands_in_more_namespaces_is_folded(depth: int, names: list[str]) -> None:
    assert list(boxes(plan_diagram(deep(2), title="", view=PlanView(depth)))) == names


@pytest.mark.parametrize(("branches", "count"), [(19, 58), (20, 21), (70, 1)])
def test_namespaces_are_folded_until_the_picture_is_readable(branches: int, count: int) -> None:
    assert len(plan_diagram(deep(branches), title="").boxes) == count


def test_members_that_were_asked_for_are_boxes_however_many_there_are() -> None:
    assert len(plan_diagram(fan_out(100), title="", view=PlanView(expand=True)).boxes) == 102
    assert len(plan_diagram(fan_out(100), title="", view=PlanView(0, expand=True)).boxes) == 3


def test_a_folded_namespace_tells_how_many_nodes_it_holds_and_the_worst_of_their_states() -> None:
    some = deep(1)
    states = dict.fromkeys(some.nodes, NodeStatus(NodeState.SUCCEEDED, 1, 40.0, engine="process"))
    states[NodePath("//a/n")] = NodeStatus(NodeState.SKIPPED, engine="process")
    (box,) = plan_diagram(some, title="", statuses=states, view=PlanView(0)).boxes
    assert box.lines == ("4 nodes", "3 ok, 1 skipped", "2 min 00 s in all")
    assert (box.tone, box.engine, box.seconds) == (Tone.SKIPPED, "process", 120.0)


def test_links_that_folding_puts_inside_a_box_are_gone_and_those_that_it_joins_are_one() -> None:
    found = plan_diagram(
        plan(node("//a/x"), node("//a/y", x=port("//a/x")), node("//b", x=port("//a/x"), y=port("//a/y", "table"))),
        title="",
        view=PlanView(0),
    )
    assert links(found) == {("//a", "//b"): ("table \N{RIGHTWARDS ARROW} y", "x")}


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (NodeStatus(), "pending"),
        (NodeStatus(NodeState.RUNNING, 2), "running \N{MIDDLE DOT} attempt 2"),
        (NodeStatus(NodeState.SUCCEEDED, 1, 0.125), "succeeded \N{MIDDLE DOT} 0.12 s"),
        (NodeStatus(NodeState.SUCCEEDED, 1, 12.0, reused=True), "reused \N{MIDDLE DOT} 12.0 s"),
        (NodeStatus(NodeState.FAILED, 3, 200.0), "failed \N{MIDDLE DOT} attempt 3 \N{MIDDLE DOT} 3 min 20 s"),
    ],
)
def test_a_node_tells_its_state_its_attempt_and_its_time(status: NodeStatus, line: str) -> None:
    (box,) = plan_diagram(plan(node("//a")), title="", statuses={NodePath("//a"): status}).boxes
    assert box.lines == (line,)
    assert box.tone == status.state


def test_frames_of_included_habitats_name_them() -> None:
    inner = plan(node("//training/deep/a"), included={NodePath("//training"): "digits-training"})
    frames = plan_diagram(inner, title="").frames
    assert [(each.title, each.parent) for each in frames] == [
        ("training \N{MIDDLE DOT} digits-training", ""),
        ("deep", "//training"),
    ]


def test_every_frame_and_every_end_of_a_link_is_there() -> None:
    for view in (PlanView(0), PlanView(1), PlanView(None, expand=True)):
        found = plan_diagram(fan_out(5), title="", view=view)
        assert {box.frame for box in found.boxes} <= {"", *(frame.name for frame in found.frames)}
        assert {parent_of(NodePath(box.name)) for box in found.boxes} <= {"/", "//train"}
        assert {end for link in found.links for end in (link.source, link.target)} <= set(boxes(found))


def test_10000_nodes_are_folded_into_few_boxes() -> None:
    wide = plan(*(node(f"//s{number % 20}/t{number % 200}/n{number}") for number in range(10_000)))
    assert len(plan_diagram(wide, title="").boxes) == 20


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.00 s"), (9.99, "9.99 s"), (59.9, "59.9 s"), (60.0, "1 min 00 s"), (3600.0 * 26, "26 h 00 min")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
