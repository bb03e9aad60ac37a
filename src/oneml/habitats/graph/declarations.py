"""What ``node`` was given, checked: name, provider, order-only dependencies, settings."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from oneml.habitats.errors import InvalidExecutableError, InvalidNodePathError
from oneml.habitats.graph.definitions import BROKEN, Body, Draft
from oneml.habitats.graph.feeding import origin_in
from oneml.habitats.graph.handles import subject_of
from oneml.habitats.graph.included import Included
from oneml.habitats.graph.literals import kind_of
from oneml.habitats.graph.node_call import NodeCall
from oneml.habitats.ports.executables import Executables
from oneml.habitats.settings.json_form import as_json
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import PATH_MAX_CHARACTERS, NodePath, check_segment
from oneml.habitats.values.place import Place

if TYPE_CHECKING:
    from oneml.habitats.settings.models import PipelineNodeSettings


def unusable(name: object) -> str | None:
    """Return why ``name`` cannot be a name, as the end of a sentence; None where it can."""
    if not isinstance(name, str):
        return f"name is {kind_of(name)}, not text."
    try:
        check_segment(name)
    except InvalidNodePathError:
        return f'name {name[:80]!r} cannot be used: 1 to 64 of A-Z a-z 0-9 _ -, and not "-" first.'
    return None


def admits(draft: Draft, name: str, path: NodePath, place: Place) -> bool:
    """Tell whether a node may be called ``name`` and lie at ``path``; note why not."""
    reason = unusable(name)
    first = draft.by_path.get(path)
    if reason is None and first is None and len(path) <= PATH_MAX_CHARACTERS:
        return True
    if reason is not None:
        draft.report(f"Node {reason}", place)
    elif first is not None:
        draft.report(f'Node "{path}" is defined twice; first at {first.place}. Rename one of them.', place, path)
    else:
        rule = f"{len(path)} characters, of at most {PATH_MAX_CHARACTERS}"
        draft.report(f'The path of node "{path[:80]}..." is too long: {rule}.', place)
    return False


def body_at(draft: Draft, executables: Executables, path: NodePath, provider: object, place: Place) -> Body | None:
    """Hand a provider to the executables and return what is known of the body; note why there is none."""
    try:
        executable = executables.bind(path, provider)
    except InvalidExecutableError as error:
        draft.report(str(error), place, path)
        return None
    signature = draft.signature_of(executable, path, place)
    return None if signature is None else (executable.provider, signature)


def paths_of(draft: Draft, after: Sequence[object], path: NodePath, place: Place) -> tuple[NodePath, ...]:
    """Return the paths of the nodes in ``after``, each once; note what is none."""
    if not isinstance(after, list | tuple):
        draft.report(f'"after" of node "{path}" takes a list of nodes: after=[...].', place, path)
        return ()
    found: dict[NodePath, None] = {}
    for item in cast("Sequence[object]", after):
        if isinstance(item, Included) and item.draft is draft:
            found.update(dict.fromkeys(item.nodes()))
            continue
        kind = kind_of(item)
        origin = cast("NodeCall[..., Any]", item).origin if isinstance(item, NodeCall) else origin_in(item)
        if origin is not None and origin.source is BROKEN:
            continue
        upstream = None if origin is None or origin.draft is not draft else origin.definition
        if upstream is None:
            subject = kind if origin is None else subject_of(origin)
            message = f'"after" of node "{path}" takes nodes of this pipeline or their results, not {subject}.'
            draft.report(message, place, path)
        else:
            found[upstream.path] = None
    return tuple(found)


def entries_of(
    draft: Draft, settings: "PipelineNodeSettings | Mapping[str, JsonValue]", path: NodePath, place: Place
) -> Mapping[str, JsonValue] | None:
    """Return node settings as entries, the same object for the same settings; note where they are none."""
    known = draft.entries.get(id(settings))
    if known is not None and known[0] is settings:
        return known[1]
    try:
        given = settings if isinstance(settings, Mapping) else settings.entries()
        entries = cast("Mapping[str, JsonValue]", as_json(given))
    except AttributeError:
        kind = type(settings).__qualname__
        draft.report(f'Settings of node "{path}" must be PipelineNodeSettings or a mapping, not {kind}.', place, path)
        return None
    except ValueError as error:
        draft.report(f'Settings of node "{path}" hold a value that {error}.', place, path)
        return None
    draft.entries[id(settings)] = (settings, entries)
    return entries
