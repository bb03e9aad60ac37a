"""Whether there is a provider for what settings select, node by node, before any of them is built."""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import cast

from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.graph_reach import Selecting, selectors_reached
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.layers import origin_text
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.plan import Plan, PlannedNode
from oneml.habitats.values.setting_problem import SettingProblem
from oneml.habitats.values.suggestions import known_names


def choice_problems(
    plan: Plan, settings: EffectiveSettings[PipelineSettings], components: PipelineComponents
) -> Iterator[SettingProblem]:
    """Give the settings that select, for something that a node builds, what there is no provider for.

    What is selected inside of what is not selected itself is never built, and not looked at.
    """
    reached: dict[str, Sequence[Selecting]] = {}
    told: set[tuple[str, str, str]] = set()
    for node in plan.nodes.values():
        selecting = reached.get(node.provider)
        if selecting is None:
            include, name = split_provider_key(node.provider)
            blueprint = components.opened_part(include).opened_blueprint
            selecting = reached[node.provider] = selectors_reached(blueprint.graph, blueprint.index_of(name))
        for one in selecting:
            key = (node.provider, one.selector.name, node.path if one.by.layer == "node" else "")
            problem = None if key in told else _problem(one, node, plan, settings)
            told.add(key)
            if problem is not None:
                yield problem


def _problem(
    selecting: Selecting, node: PlannedNode, plan: Plan, settings: EffectiveSettings[PipelineSettings]
) -> SettingProblem | None:
    selector, by = selecting
    author = plan.node_settings.get(node.path, {})
    if by.layer == "node":
        model = settings.node(node.path, author)
    else:
        part = settings.at(node.path)
        model = part.session if by.layer == "session" else part.process
    # Where what it is a part of is None, so is it.
    value = reduce(lambda at, name: cast("object", getattr(at, name, None)), by.field.split("."), cast("object", model))
    members = list(selector.members)
    if value in members:
        return None
    known = known_names(str(value), map(str, members))
    origins = settings.origins(node.path, author) if by.layer == "node" else settings.at(node.path).origins()
    return SettingProblem(
        by.field,
        f'{node.path} builds "{selector.name}", which selects by {by}: that is {value!r}. {known} '
        "Set one of these, or give a provider for it.",
        origin_text(origins, by.field),
    )
