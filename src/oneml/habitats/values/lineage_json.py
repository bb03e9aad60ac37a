"""Where a session comes from as JSON, and back, strictly."""

from collections.abc import Mapping

from oneml.habitats.errors import InvalidDocumentError, InvalidNodePathError, InvalidSessionIdError
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.lineage import Parent, Selection, SessionOutput
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.session_id import SessionId, parse_session_id


def lineage_to_json(
    parent: Parent | None, selection: Selection | None, input_sources: Mapping[str, SessionOutput]
) -> JsonObject:
    """Return all three as members of a document; what is absent is left out."""
    found: dict[str, JsonValue] = {}
    if parent is not None:
        found["parent"] = dict(parent._asdict())
    if selection is not None:
        found["selection"] = {name: list(paths) for name, paths in selection._asdict().items()}
    if input_sources:
        found["input_sources"] = {name: dict(source._asdict()) for name, source in input_sources.items()}
    return found


def parent_from_json(value: JsonValue, *, what: str) -> Parent | None:
    """Return the parent that `lineage_to_json` made ``value`` of; None where there is none.

    Raises:
        InvalidDocumentError: It is no such document.
    """
    match value:
        case None:
            return None
        case {"session_id": str() as session_id, "node": (str() | None) as node, "attempt": int() as attempt}:
            return Parent(_session_id(session_id, what), None if node is None else _path(node, what), attempt)
        case _:
            raise InvalidDocumentError(what=what, reason='"parent" is no parent')


def selection_from_json(value: JsonValue, *, what: str) -> Selection | None:
    """Return the selection that `lineage_to_json` made ``value`` of; None where there is none.

    Raises:
        InvalidDocumentError: It is no such document.
    """
    match value:
        case None:
            return None
        case {"start_at": list() as start_at, "stop_at": list() as stop_at, "only": list() as only}:
            parts = ((_path(str(path), what) for path in paths) for paths in (start_at, stop_at, only))
            return Selection(*map(tuple, parts))
        case _:
            raise InvalidDocumentError(what=what, reason='"selection" is no selection')


def input_sources_from_json(value: JsonValue, *, what: str) -> Mapping[str, SessionOutput]:
    """Return the sources by input that `lineage_to_json` made ``value`` of.

    Raises:
        InvalidDocumentError: It is no such document.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidDocumentError(what=what, reason='"input_sources" is no object')
    return {name: _source(source, what) for name, source in value.items()}


def _source(value: JsonValue, what: str) -> SessionOutput:
    match value:
        case {"session_id": str() as session_id, "node": str() as node, "port": str() as port}:
            return SessionOutput(_session_id(session_id, what), _path(node, what), port)
        case _:
            raise InvalidDocumentError(what=what, reason='"input_sources" names something that is no output')


def _session_id(text: str, what: str) -> SessionId:
    try:
        return parse_session_id(text)
    except InvalidSessionIdError as error:
        raise InvalidDocumentError(what=what, reason=str(error)) from error


def _path(text: str, what: str) -> NodePath:
    try:
        return parse_node_path(text)
    except InvalidNodePathError as error:
        raise InvalidDocumentError(what=what, reason=str(error)) from error
