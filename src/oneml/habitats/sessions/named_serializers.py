"""Which serializers the settings of a session name: those of other distributions decode its artifacts only then."""

from collections.abc import Iterator, Mapping

from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.values.include_paths import INCLUDED
from oneml.habitats.values.json_value import JsonValue


def named_serializers(recipe: Recipe, nodes: PlannedNodes) -> frozenset[str]:
    """Return the names that the settings of the session, of its nodes and of their author give; reads the whole plan.

    Args:
        recipe: The recipe of the session.
        nodes: Its nodes.
    """
    trees = [*_trees(recipe.settings), *nodes.plan().node_settings.values()]
    for layers in nodes.entries().values():
        if isinstance(layers, list | tuple):
            trees.extend(_member(layer, "values") for layer in layers)
    return frozenset(str(name) for tree in trees for name in _member(tree, "serializers").values())


def _trees(settings: JsonValue) -> Iterator[Mapping[str, JsonValue]]:
    yield _member(settings, "process")
    yield _member(settings, "session")
    for part in _member(settings, INCLUDED).values():
        yield from _trees(part)


def _member(document: JsonValue, name: str) -> Mapping[str, JsonValue]:
    found = document.get(name) if isinstance(document, Mapping) else None
    return found if isinstance(found, Mapping) else {}
