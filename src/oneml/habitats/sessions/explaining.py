"""Explains the settings of a session that was created earlier, from what was recorded then; resolves no secret."""

from collections.abc import Callable, Collection, Mapping, Sequence

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.planned_nodes import PlannedNodes
from oneml.habitats.sessions.recipe import Recipe, read_explanation
from oneml.habitats.sessions.revisions import newest_revision, read_revision
from oneml.habitats.settings.explanations import Explanation, recorded_explanations
from oneml.habitats.settings.included import documents_of_part, part_snapshot
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.include_paths import INCLUDED, include_of
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import ROOT, NodePath


def session_explanations(
    store: ArtifactStore,
    recipe: Recipe,
    model_of: Callable[[NodePath], type[PipelineSettings]],
    *,
    path: NodePath | None = None,
    names: Collection[str] | None = None,
    signing_key: bytes | None = None,
) -> Sequence[Explanation]:
    """Explain the settings of a session at their newest revision, or those of one of its nodes.

    Args:
        store: The artifact store.
        recipe: The recipe of the session.
        model_of: Gives the settings model as it is installed here: of the session's habitat for the root, of an
            included one for its path.
        path: The node; None for the session.
        names: Dotted names of settings, or of models with everything in them; None for all.
        signing_key: The key by which a revision must be signed; None where none is configured.

    Raises:
        UsageError: The session has no such node, or the model no such setting.
        RefusalError: The model has other settings by now; or a document was altered, or is not signed by the key.
        InvalidDocumentError: Something that was recorded is not of its form.
        StoreError: The store failed.
    """
    now = read_revision(store, recipe, newest_revision(store, recipe.session_id), key=signing_key)
    sources = read_explanation(store, recipe, "origins")
    if path is None or path in recipe.included:
        part = path or ROOT
        settings, origins = _of_part(now.settings, sources, part)
        return recorded_explanations(model_of(part), settings, origins, names=names)
    record = PlannedNodes(store, now).record(path)
    part = include_of(recipe.included, path)
    settings, origins = _of_part(now.settings, sources, part)
    return recorded_explanations(
        model_of(part),
        settings,
        origins,
        documents_of_part(record.entries, recipe.included, part) if recipe.included else record.entries,
        path=path,
        author=record.author,
        names=names,
        author_source=str(record.node.place or ""),
    )


def _of_part(settings: JsonObject, sources: JsonObject, part: NodePath) -> tuple[JsonObject, JsonObject]:
    """Return what was recorded of one habitat of a session."""
    if part == ROOT:
        return settings, _with_revision(sources, settings)
    own = part_snapshot(settings, part)
    return own, _with_revision(_object(_object(sources.get(INCLUDED)).get(part)), own)


def _with_revision(sources: JsonObject, settings: JsonObject) -> JsonObject:
    """Return recorded sources with a place for the layer that a revision added, of which nothing was recorded."""
    recorded, layers = _list(sources.get("process")), _list(_object(settings.get("layers")).get("process"))
    if not any(_object(layer).get("layer") == Layer.REVISION for layer in layers):
        return sources
    left = iter(recorded)
    empty: JsonObject = {}
    aligned = [empty if _object(layer).get("layer") == Layer.REVISION else next(left, empty) for layer in layers]
    return {**sources, "process": aligned}


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise InvalidDocumentError(what="settings of the recipe", reason="a layer of it is not an object")
    return value


def _list(value: JsonValue) -> Sequence[JsonValue]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidDocumentError(what="settings of the recipe", reason="its layers are not a list")
    return value
