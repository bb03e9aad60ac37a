"""Plans as JSON documents, and back, strictly: the nodes one by one, and what holds them together."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from oneml.habitats.errors import InvalidDocumentError, InvalidNodePathError
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.place import Place
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

PLAN_SCHEMA = "oneml.plan/1"

_NodeSettings: TypeAlias = Mapping[NodePath, Mapping[str, JsonValue]]


def planned_node_to_json(node: PlannedNode) -> JsonObject:
    """Return as JSON what a node is; what is empty is left out, and so is what is only shown of it."""
    found: dict[str, JsonValue] = {
        "path": node.path,
        "provider": node.provider,
        "inputs": {name: _source_to_json(source) for name, source in node.inputs.items()},
        "outputs": list(node.outputs),
    }
    if node.whole:
        found["whole"] = node.whole
    if node.after:
        found["after"] = list(node.after)
    if node.fan_out:
        found["fan_out"] = node.fan_out
    return found


def shown_to_json(node: PlannedNode) -> JsonObject:
    """Return as JSON what people are shown of a node: its label, and where it is defined."""
    found: dict[str, JsonValue] = {}
    if node.label:
        found["label"] = node.label
    if node.place is not None:
        found["place"] = list(node.place)
    return found


def planned_node_from_json(value: JsonValue, shown: JsonValue, *, what: str) -> PlannedNode:
    """Return the node that `planned_node_to_json` and `shown_to_json` made of.

    Args:
        value: What it is.
        shown: What is shown of it.
        what: What both are a part of, for the message.

    Raises:
        InvalidDocumentError: They are no such documents.
    """
    read = _Reader(what)
    document, seen = read.object(value), read.object(shown)
    whole, fan_out, place = document.get("whole"), document.get("fan_out"), seen.get("place")
    return PlannedNode(
        path=read.path(document.get("path")),
        provider=read.text(document.get("provider")),
        inputs={name: read.source(source) for name, source in read.object(document.get("inputs")).items()},
        outputs=tuple(read.text(port) for port in read.array(document.get("outputs"))),
        whole=None if whole is None else read.text(whole),
        after=tuple(read.path(path) for path in read.array(document.get("after", []))),
        label=read.text(seen.get("label", "")),
        fan_out=None if fan_out is None else read.path(fan_out),
        place=None if place is None else read.place(place),
    )


def plan_header_to_json(plan: Plan) -> JsonObject:
    """Return as JSON what a plan is beside its nodes: their order, fan-outs, inputs and outputs."""
    included: JsonObject = {"included": {str(path): name for path, name in plan.included.items()}}
    return {
        "schema": PLAN_SCHEMA,
        **(included if plan.included else {}),
        "order": list(plan.nodes),
        "inputs": {name: [one.form, one.required] for name, one in plan.inputs.items()},
        "outputs": {name: _source_to_json(source) for name, source in plan.outputs.items()},
        "fan_outs": {space: list(members) for space, members in plan.fan_outs.items()},
    }


def plan_from_json(
    value: JsonValue, *, nodes: Mapping[NodePath, PlannedNode], node_settings: _NodeSettings, what: str
) -> Plan:
    """Return the plan whose header is ``value``.

    Args:
        value: What `plan_header_to_json` gave.
        nodes: All its nodes, in any order.
        node_settings: What authors set for them.
        what: What ``value`` is, for the message.

    Raises:
        InvalidDocumentError: It is no such header, or not that of these nodes.
    """
    read = _Reader(what)
    document = read.object(value)
    if document.get("schema") != PLAN_SCHEMA:
        raise InvalidDocumentError(what=what, reason=f"it is no {PLAN_SCHEMA}")
    order = [read.path(path) for path in read.array(document.get("order"))]
    if len(order) != len(nodes) or set(order) != set(nodes):
        raise InvalidDocumentError(what=what, reason="its order is not that of its nodes")
    return Plan(
        nodes={path: nodes[path] for path in order},
        inputs={name: read.external_input(name, one) for name, one in read.object(document.get("inputs")).items()},
        outputs={name: read.source(source) for name, source in read.object(document.get("outputs")).items()},
        fan_outs={
            read.path(space): tuple(read.path(member) for member in read.array(members))
            for space, members in read.object(document.get("fan_outs")).items()
        },
        node_settings=node_settings,
        included={read.path(path): read.text(name) for path, name in read.object(document.get("included", {})).items()},
    )


def _source_to_json(source: InputSource) -> JsonValue:
    match source:
        case PortSource(node, port):
            return {"port": [node, port]}
        case WholeSource(node):
            return {"whole": node}
        case ExternalSource(name):
            return {"external": name}
        case LiteralSource(json):
            return {"literal": json}
        case GatherSource(items):
            return {"gather": [_source_to_json(item) for item in items]}


class _Reader:
    """Reads parts of one document, and names it where they are not what they should be."""

    def __init__(self, what: str) -> None:
        self._what = what

    def object(self, value: JsonValue) -> JsonObject:
        if isinstance(value, Mapping):
            return value
        raise self._wrong(value, "object")

    def array(self, value: JsonValue) -> Sequence[JsonValue]:
        if isinstance(value, list):
            return cast("Sequence[JsonValue]", value)
        raise self._wrong(value, "array")

    def text(self, value: JsonValue) -> str:
        if isinstance(value, str):
            return value
        raise self._wrong(value, "text")

    def path(self, value: JsonValue) -> NodePath:
        try:
            return parse_node_path(self.text(value))
        except InvalidNodePathError as error:
            raise InvalidDocumentError(what=self._what, reason=str(error)) from error

    def place(self, value: JsonValue) -> Place:
        match self.array(value):
            case [str() as file, int() as line] if not isinstance(line, bool):
                return Place(file, line)
            case _:
                raise self._wrong(value, "place")

    def external_input(self, name: str, value: JsonValue) -> ExternalInput:
        match self.array(value):
            case [str() as form, bool() as required]:
                return ExternalInput(name, form, required)
            case _:
                raise self._wrong(value, "input")

    def source(self, value: JsonValue) -> InputSource:
        document = self.object(value)
        if len(document) != 1:
            raise self._wrong(value, "source")
        ((kind, content),) = document.items()
        if kind == "literal":
            return LiteralSource(content)
        if kind == "external":
            return ExternalSource(self.text(content))
        if kind == "gather":
            return GatherSource(tuple(self._item(item) for item in self.array(content)))
        return self._item(value)

    def _item(self, value: JsonValue) -> PortSource | WholeSource:
        match self.object(value):
            case {"whole": node}:
                return WholeSource(self.path(node))
            case {"port": [node, str() as port]}:
                return PortSource(self.path(node), port)
            case _:
                raise self._wrong(value, "source")

    def _wrong(self, value: JsonValue, wanted: str) -> InvalidDocumentError:
        return InvalidDocumentError(what=self._what, reason=f"{value!r:.80} is no {wanted}")
