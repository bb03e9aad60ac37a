"""Where a session comes from, for people and as members of a JSON document."""

from typing import TYPE_CHECKING

from oneml.habitats.cli.printing import remark
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.lineage import Parent, Selection

if TYPE_CHECKING:
    from oneml.habitats.sessions.session import PipelineSession

NAMED_MAX = 5


def tell_parent(session: "PipelineSession") -> None:
    """Say on standard error what a new session has taken over, and from where; nothing where it has not."""
    recipe = session.recipe
    taken = [path for path, row in session.node_rows().items() if row.reused_from is not None]
    if recipe.parent is None or not taken:
        return
    named = ", ".join(taken[:NAMED_MAX]) + (f" and {len(taken) - NAMED_MAX} more" if len(taken) > NAMED_MAX else "")
    remark(f"Takes over {named} from session {recipe.parent.session_id}.")


def lineage_text(recipe: Recipe) -> str:
    """Return in a few words what a session has of its pipeline and where it comes from; empty where that is usual."""
    parts: list[str] = []
    if recipe.selection is not None:
        parts.append(str(recipe.selection))
    if recipe.parent is not None:
        parts.append(f"parent {recipe.parent}")
    parts.extend(f"input {name} is {source}" for name, source in recipe.input_sources.items())
    return "; ".join(parts)


def lineage_fields(recipe: Recipe) -> JsonObject:
    """Return where a session comes from as members of a document."""
    return {
        "parent": parent_fields(recipe.parent),
        "selection": selection_fields(recipe.selection),
        "input_sources": {name: dict(source._asdict()) for name, source in recipe.input_sources.items()},
    }


def parent_fields(parent: Parent | None) -> JsonValue:
    """Return a parent as a member of a document."""
    return None if parent is None else dict(parent._asdict())


def selection_fields(selection: Selection | None) -> JsonValue:
    """Return a selection as a member of a document."""
    if selection is None:
        return None
    return {name: list(paths) for name, paths in zip(("from", "to", "only"), selection, strict=True)}
