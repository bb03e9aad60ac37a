"""A plan as a table for people, and as members of a JSON document."""

import json
from collections.abc import Iterator

import click

from oneml.habitats.cli.printing import print_table
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import (
    SINGLE_PORT,
    ExternalSource,
    GatherSource,
    InputSource,
    LiteralSource,
    Plan,
    PlannedNode,
    PortSource,
)

FAN_OUT_MEMBERS_SHOWN = 3
LITERAL_MAX_CHARACTERS = 40


def print_plan(plan: Plan) -> None:
    """Print the nodes of a plan, what feeds them, what is included, and the inputs and outputs of the pipeline."""
    print_table(("NODE", "PROVIDER", "OUTPUTS", "INPUTS"), [_row(node) for node in _shown_nodes(plan)])
    for namespace, members in plan.fan_outs.items():
        if len(members) > FAN_OUT_MEMBERS_SHOWN:
            click.echo(f"{namespace} has {len(members)} members; the first {FAN_OUT_MEMBERS_SHOWN} are shown.")
    if plan.included:
        click.echo()
        print_table(("NAMESPACE", "INCLUDES"), list(plan.included.items()))
    if plan.inputs:
        click.echo()
        rows = [(each.name, each.form, "" if each.required else "optional") for each in plan.inputs.values()]
        print_table(("INPUT", "TYPE", ""), rows)
    if plan.outputs:
        click.echo()
        print_table(("OUTPUT", "FROM"), [(name, source_text(source)) for name, source in plan.outputs.items()])


def plan_fields(plan: Plan) -> JsonObject:
    """Return a plan as members of a document: ``nodes``, ``included``, ``inputs``, ``outputs``."""
    return {
        "nodes": [node_fields(node) for node in plan.nodes.values()],
        "included": {str(path): name for path, name in plan.included.items()},
        "inputs": {each.name: {"type": each.form, "required": each.required} for each in plan.inputs.values()},
        "outputs": {name: _source_fields(source) for name, source in plan.outputs.items()},
    }


def node_fields(node: PlannedNode) -> JsonObject:
    """Return a node as members of a document."""
    return {
        "path": node.path,
        "label": node.label,
        "provider": node.provider,
        "inputs": {name: _source_fields(source) for name, source in node.inputs.items()},
        "outputs": list(node.outputs),
        "after": list(node.after),
        "fan_out": node.fan_out,
    }


def source_text(source: InputSource) -> str:
    """Return what feeds a port, in a few characters: ``//split.train``."""
    if isinstance(source, PortSource):
        return source.node if source.port == SINGLE_PORT else f"{source.node}.{source.port}"
    if isinstance(source, ExternalSource):
        return f"input {source.name}"
    if isinstance(source, LiteralSource):
        text = json.dumps(source.json, ensure_ascii=False)
        return text if len(text) <= LITERAL_MAX_CHARACTERS else f"{text[:LITERAL_MAX_CHARACTERS]}..."
    if isinstance(source, GatherSource):
        ends = [source_text(item) for item in (*source.items[:1], *source.items[1:][-1:])]
        return f"[{' ... '.join(ends)}]"
    return source.node


def _shown_nodes(plan: Plan) -> Iterator[PlannedNode]:
    shown: dict[NodePath, int] = {}
    for node in plan.nodes.values():
        if node.fan_out is not None:
            shown[node.fan_out] = shown.get(node.fan_out, 0) + 1
        if node.fan_out is None or shown[node.fan_out] <= FAN_OUT_MEMBERS_SHOWN:
            yield node


def _row(node: PlannedNode) -> tuple[str, str, str, str]:
    path = f"{node.path} ({node.label})" if node.label else node.path
    inputs = [f"{name}={source_text(source)}" for name, source in node.inputs.items()]
    inputs.extend(f"after {upper}" for upper in node.after)
    return path, node.provider, ", ".join(node.outputs), ", ".join(inputs)


def _source_fields(source: InputSource) -> dict[str, JsonValue]:
    if isinstance(source, PortSource):
        return {"node": source.node, "port": source.port}
    if isinstance(source, ExternalSource):
        return {"input": source.name}
    if isinstance(source, LiteralSource):
        return {"value": source.json}
    if isinstance(source, GatherSource):
        return {"gather": [_source_fields(item) for item in source.items]}
    return {"node": source.node}
