"""The plan of a session: nodes in topological order, what feeds each input, and its form in JSON.

A plan holds names and values only, never a provider or a class: a worker reads its node from a file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.place import Place

SINGLE_PORT = "output"
"""The port of a result that is one value."""


class PortSource(NamedTuple):
    """One output port of one node."""

    node: NodePath
    port: str


class WholeSource(NamedTuple):
    """All output ports of one node, put together again as the result that its body returned."""

    node: NodePath


class ExternalSource(NamedTuple):
    """An input of the pipeline itself, given when the session is created."""

    name: str


class LiteralSource(NamedTuple):
    """A value that stands in the plan: a constant, or one value of a fan-out; in the form of the JSON serializer."""

    json: JsonValue


class GatherSource(NamedTuple):
    """A list, one item for each member of a fan-out, in the order of its values."""

    items: "tuple[PortSource | WholeSource, ...]"


InputSource: TypeAlias = PortSource | WholeSource | ExternalSource | LiteralSource | GatherSource


class PlannedNode(NamedTuple):
    """One node.

    Attributes:
        path: Its path.
        provider: Dotted name, in the container, of the provider that gives its body; ``//training:load`` where that is
            the container of an included habitat.
        inputs: What feeds each input of the body, by parameter name; optional inputs that nothing feeds are absent.
        outputs: Its output ports, sorted; ``("output",)`` for one value, ``()`` for a body that returns None.
        whole: ``module:QualifiedName`` of the NamedTuple or TypedDict whose fields are the ports, else None.
        after: Nodes that come before it although no data flows.
        label: What a person sees beside the path of a fan-out member: ``c=10.0``.
        fan_out: Namespace of the fan-out that the node is a member of, else None.
        place: Where the node is defined.
    """

    path: NodePath
    provider: str
    inputs: Mapping[str, InputSource]
    outputs: tuple[str, ...]
    whole: str | None = None
    after: tuple[NodePath, ...] = ()
    label: str = ""
    fan_out: NodePath | None = None
    place: Place | None = None

    def upstreams(self) -> Iterator[NodePath]:
        """Give every node that must succeed before this one, some perhaps twice."""
        yield from self.after
        for source in self.inputs.values():
            yield from source_nodes(source)


def source_nodes(source: InputSource) -> Iterator[NodePath]:
    """Give the nodes that ``source`` reads."""
    if isinstance(source, PortSource | WholeSource):
        yield source.node
    elif isinstance(source, GatherSource):
        for item in source.items:
            yield item.node


class ExternalInput(NamedTuple):
    """An input of the pipeline.

    Attributes:
        name: Its name.
        form: ``module:QualifiedName`` or text of its type, for people.
        required: Whether a session cannot be created without it.
    """

    name: str
    form: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A checked DAG.

    Attributes:
        nodes: Every node by path, in a topological order that depends on the definition alone.
        inputs: The inputs of the pipeline by name.
        outputs: The outputs of the pipeline by name.
        fan_outs: Members of each fan-out in the order of its values, by namespace.
        node_settings: Node settings that the author gave, by path, as entries (see `PipelineNodeSettings`).
        included: Names of the included habitats, by the namespace that each has for itself.
    """

    nodes: Mapping[NodePath, PlannedNode]
    inputs: Mapping[str, ExternalInput] = field(default_factory=dict[str, ExternalInput])
    outputs: Mapping[str, InputSource] = field(default_factory=dict[str, InputSource])
    fan_outs: Mapping[NodePath, tuple[NodePath, ...]] = field(default_factory=dict[NodePath, tuple[NodePath, ...]])
    node_settings: Mapping[NodePath, Mapping[str, JsonValue]] = field(
        default_factory=dict[NodePath, Mapping[str, JsonValue]]
    )
    included: Mapping[NodePath, str] = field(default_factory=dict[NodePath, str])
