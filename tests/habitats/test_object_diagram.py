"""Diagrams of objects: who gets what injected, what keeps it, what stands for it."""

from collections.abc import Sequence

from dependency_injector import containers, providers

from oneml.habitats import (
    NodeSingleton,
    PipelineComponents,
    PipelineSettings,
    ProcessSingleton,
    Settings,
    replace,
)
from oneml.habitats.graph.drawing.diagram import Box, Diagram, LinkKind, Shape, Tone
from oneml.habitats.graph.drawing.plan_diagram import LINE_MAX_CHARACTERS
from oneml.habitats.habitats.graph_description import describe_graph
from oneml.habitats.habitats.object_diagram import object_diagram
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan, PlannedNode


class Own(PipelineSettings):
    rate: float = 0.1
    seed: int = 1


class Thing:
    def __init__(self, *args: object, **kwargs: object) -> None: ...


class Inner(containers.DeclarativeContainer):
    pool = providers.Singleton(Thing, size=3)
    client = providers.Singleton(Thing, pool=pool)


class Outer(PipelineComponents):
    settings = Settings(Own)
    inner = providers.Container(Inner)
    shared = ProcessSingleton(Thing, name="x", rounds=2)
    kept = providers.Singleton(Thing, inner.client, seed=settings.session.seed)
    own = NodeSingleton(Thing, rate=settings.node.rate, other=kept)
    use = providers.Factory(Thing, parts=providers.List(own, shared), make=own.provider)


def drawn(*overrides: object, depth: int | None = None, paths: Sequence[str] = "abcd") -> Diagram:
    with Outer.open(overrides=overrides) as components:  # type: ignore[arg-type]  # fewer words
        described = describe_graph(components.opened_blueprint, components.overrides)
    nodes = {NodePath(f"//{name}"): PlannedNode(NodePath(f"//{name}"), "use", {}, ()) for name in paths}
    return object_diagram(described.providers, plan=Plan(nodes=nodes), title="", depth=depth)


def boxes(diagram: Diagram) -> dict[str, Box]:
    return {box.name: box for box in diagram.boxes}


def test_colours_tell_what_keeps_an_object_and_settings_have_a_shape() -> None:
    found = boxes(drawn())
    assert found["shared"].tone is Tone.PROCESS_SCOPE
    assert found["kept"].tone is Tone.SESSION_SCOPE
    assert found["own"].tone is Tone.NODE_SCOPE
    assert found["use"].tone is Tone.EACH_USE
    setting = found["settings.node.rate"]
    assert (setting.shape, setting.tone, setting.title) == (Shape.SETTING, Tone.NODE_SCOPE, "node.rate")


def test_a_box_tells_what_is_made_how_of_which_values_and_which_nodes_it_runs() -> None:
    found = boxes(drawn())
    assert found["shared"].lines == ("Thing \N{MIDDLE DOT} ProcessSingleton", "name='x'", "rounds=2")
    assert found["use"].lines[-1] == "runs //a, //b +2"


def test_of_nodes_with_long_names_as_many_are_told_as_fit() -> None:
    long, short = "a" * 30, "b"
    runs = boxes(drawn(paths=[long, short, "c"]))["use"].lines[-1]
    assert (runs.startswith("runs //aaa"), runs.endswith(" +2"), len(runs) <= LINE_MAX_CHARACTERS) == (True, True, True)
    assert short not in runs


def test_links_lead_from_what_is_injected_and_tell_the_argument_where_it_has_another_name() -> None:
    links = {(link.source, link.target): link for link in drawn().links}
    assert links["settings.node.rate", "own"].labels == ()
    assert links["kept", "own"].labels == ("other",)
    assert links["kept", "own"].kind is LinkKind.INJECTED
    assert links["own", "use[make]"].kind is LinkKind.PASSED
    assert ("shared", "use[parts]") in links


def test_what_nested_containers_hold_stands_in_frames_or_is_folded() -> None:
    found = drawn()
    assert [(frame.name, frame.title) for frame in found.frames] == [("inner", "inner")]
    assert {name for name, box in boxes(found).items() if box.frame == "inner"} == {"inner.client", "inner.pool"}
    folded = boxes(drawn(depth=0))["inner"]
    assert (folded.shape, folded.members) == (Shape.NAMESPACE, 2)


def test_what_is_replaced_is_marked_and_tells_by_what() -> None:
    found = boxes(drawn(replace(Outer.shared, Thing())))
    assert [name for name, box in found.items() if box.overridden] == ["shared"]
    assert "replaced by a live Thing" in found["shared"].lines


def test_providers_of_included_habitats_stand_in_their_namespace() -> None:
    providers_ = {
        "//training:load": {"kind": "call", "class": "m:Factory", "args": [{"provider": "client", "lazy": False}]},
        "//training:inner.pool": {"kind": "call", "class": "m:Factory"},
        "//training:settings.node.rate": {"kind": "setting", "setting": "settings.node.rate", "lifetime": "node"},
        "client": {"kind": "call", "class": "m:Singleton", "lifetime": "session"},
    }
    plan = Plan(nodes={}, included={NodePath("//training"): "digits"})
    found = object_diagram(providers_, plan=plan, title="")
    assert {name: box.frame for name, box in boxes(found).items()} == {
        "//training:load": "//training",
        "//training:inner.pool": "//training:inner",
        "//training:settings.node.rate": "//training",
        "client": "",
    }
    assert [(frame.title, frame.parent) for frame in found.frames] == [
        ("training \N{MIDDLE DOT} digits", ""),
        ("inner", "//training"),
    ]
