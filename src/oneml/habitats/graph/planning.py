"""From a complete draft to the plan."""

from collections.abc import Mapping
from typing import cast, get_origin

from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.graph.definitions import Definition, Draft
from oneml.habitats.graph.fan_out import Expansion, member_paths
from oneml.habitats.graph.forms import form_text
from oneml.habitats.graph.inclusion import fill_slots
from oneml.habitats.graph.order import Order, topological_order
from oneml.habitats.graph.signature import type_reference
from oneml.habitats.graph.validation import check
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.place import Place
from oneml.habitats.values.plan import ExternalInput, InputSource, Plan, PlannedNode
from oneml.habitats.values.problem import Problem


def make_plan(draft: Draft) -> Plan:
    """Check a draft and return its plan.

    Raises:
        InvalidPipelineError: Something is wrong; every problem is listed, in the order of files and lines.
    """
    said = len(draft.problems)
    filled = fill_slots(draft)
    order = topological_order(draft)
    check(draft, order)
    if draft.problems:
        filled.undo()
        problems = sorted(draft.problems, key=by_place)
        del draft.problems[said:]
        raise InvalidPipelineError(habitat=draft.name, problems=problems)
    for definition in order.ordered:
        if definition.axes:
            definition.members = member_paths(definition)
    expansion = Expansion(draft.by_path)
    plan = Plan(
        nodes=_nodes(draft, order, expansion),
        inputs={
            name: ExternalInput(name, _input_text(declared.form), declared.required)
            for name, declared in draft.inputs.items()
        },
        outputs={name: expansion.source(declared.source) for name, declared in draft.outputs.items()},
        fan_outs={definition.path: definition.members for definition in order.ordered if definition.axes},
        node_settings=_node_settings(order),
        included={path: pipeline.name for path, pipeline in draft.included.items()},
    )
    draft.close()
    return plan


def _nodes(draft: Draft, order: Order, expansion: Expansion) -> Mapping[NodePath, PlannedNode]:
    nodes: dict[NodePath, PlannedNode] = {}
    for definition in order.ordered:
        if draft.is_plain:
            nodes[definition.path] = _plain_node(definition)
        else:
            for node in expansion.nodes(definition):
                nodes[node.path] = node
    return nodes


def _plain_node(definition: Definition) -> PlannedNode:
    # The arguments themselves become the inputs: the draft is closed now, and copies would cost memory.
    return PlannedNode(
        path=definition.path,
        provider=definition.provider,
        inputs=cast("Mapping[str, InputSource]", definition.arguments),
        outputs=definition.ports,
        whole=definition.whole,
        after=definition.after,
        place=definition.place,
    )


def _node_settings(order: Order) -> Mapping[NodePath, Mapping[str, JsonValue]]:
    return {
        path: definition.settings
        for definition in order.ordered
        if definition.settings
        for path in definition.members or (definition.path,)
    }


def _input_text(form: object) -> str:
    if isinstance(form, type) and get_origin(form) is None and form.__module__ != "builtins":
        return type_reference(form)
    return form_text(form)


def by_place(problem: Problem) -> tuple[bool, Place]:
    """Order problems by file and line; those without come last."""
    return problem.place is None, problem.place or Place("", 0)
