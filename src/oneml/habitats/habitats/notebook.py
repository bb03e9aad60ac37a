"""What notebooks show of an opened container: its objects."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from oneml.habitats.graph.drawing.rendering import Format, render
from oneml.habitats.habitats.entry import own_target
from oneml.habitats.habitats.graph_description import describe_graph
from oneml.habitats.habitats.object_diagram import object_diagram
from oneml.habitats.values.plan import Plan

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents


def components_bundle(components: "PipelineComponents") -> Mapping[str, str]:
    """Return what a notebook shows of an opened container, by media type."""
    described = describe_graph(components.opened_blueprint, components.overrides)
    target = own_target(type(components))
    diagram = object_diagram(
        described.providers, plan=Plan(nodes={}), title=type(components).__name__, subtitle=f"objects of {target}"
    )
    return {"text/plain": repr(components), "image/svg+xml": render(diagram, Format.SVG).decode()}
