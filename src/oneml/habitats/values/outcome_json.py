"""Outcomes and port records as JSON documents, and back, strictly."""

import binascii
import re
from collections.abc import Mapping

from oneml.habitats.errors import InvalidDocumentError, InvalidNodePathError, InvalidSessionIdError
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import parse_node_path
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome, PortRecord
from oneml.habitats.values.session_id import SessionId, parse_session_id
from oneml.habitats.values.states import NodeState
from oneml.habitats.values.utf8_text import utf8_text

OUTCOME_SCHEMA = "oneml.outcome/1"

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def outcome_to_json(outcome: NodeOutcome) -> JsonObject:
    """Return an outcome as JSON."""
    error = outcome.error
    return {
        "schema": OUTCOME_SCHEMA,
        "node": outcome.path,
        "state": outcome.state.value,
        "attempt": outcome.attempt,
        "seconds": outcome.seconds,
        "error": None if error is None else {key: utf8_text(text) for key, text in error._asdict().items()},
        "ports": port_records_to_json(outcome.ports),
        "ended_at": outcome.ended_at,
        **reuse_to_json(outcome.reuse_key, outcome.reused_from),
    }


def outcome_from_json(document: JsonObject, *, what: str) -> NodeOutcome:
    """Return the outcome that `outcome_to_json` made ``document`` of.

    Args:
        document: The document.
        what: What it is, for the message: ``outcome of attempt 1 at //a``.

    Raises:
        InvalidDocumentError: It is no such document.
    """
    fields = _Fields(document, what)
    if fields.text("schema") != OUTCOME_SCHEMA:
        raise InvalidDocumentError(what=what, reason=f"it is no {OUTCOME_SCHEMA}")
    seconds = document.get("seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise InvalidDocumentError(what=what, reason='"seconds" is no number')
    error = document.get("error")
    reuse_key, reused_from = reuse_from_json(document, what=what)
    try:
        path, state = parse_node_path(fields.text("node")), NodeState(fields.text("state"))
    except (InvalidNodePathError, ValueError) as cause:
        raise InvalidDocumentError(what=what, reason=str(cause)) from cause
    return NodeOutcome(
        path=path,
        state=state,
        attempt=fields.count("attempt"),
        seconds=None if seconds is None else float(seconds),
        error=None if error is None else _error_record(error, what),
        ports=port_records_from_json(document.get("ports"), what=what),
        ended_at=fields.text("ended_at"),
        reuse_key=reuse_key,
        reused_from=reused_from,
    )


def reuse_to_json(reuse_key: str | None, reused_from: SessionId | None) -> JsonObject:
    """Return as JSON under which key outputs can be reused, and from which session they are; nothing for None."""
    both = {"reuse_key": reuse_key, "reused_from": reused_from}
    return {name: value for name, value in both.items() if value is not None}


def reuse_from_json(document: JsonObject, *, what: str) -> tuple[str | None, SessionId | None]:
    """Return what `reuse_to_json` put into ``document``.

    Raises:
        InvalidDocumentError: It is no key, or no session.
    """
    fields = _Fields(document, what)
    key = fields.text("reuse_key") if "reuse_key" in document else None
    if key is not None and _DIGEST.fullmatch(key) is None:
        raise InvalidDocumentError(what=what, reason='"reuse_key" is no SHA-256')
    if "reused_from" not in document:
        return key, None
    try:
        return key, parse_session_id(fields.text("reused_from"))
    except InvalidSessionIdError as cause:
        raise InvalidDocumentError(what=what, reason=str(cause)) from cause


def port_records_to_json(records: Mapping[str, PortRecord]) -> JsonObject:
    """Return records by port as JSON; inline bytes become base64."""
    return {port: _record_to_json(record) for port, record in records.items()}


def port_records_from_json(value: JsonValue, *, what: str) -> Mapping[str, PortRecord]:
    """Return the records by port that `port_records_to_json` made ``value`` of.

    Args:
        value: The document.
        what: What it belongs to, for the message: ``commit of //a``.

    Raises:
        InvalidDocumentError: It is no such document.
    """
    records = _object(value, what, '"ports"')
    return {port: _record_from_json(_object(record, what, f'port "{port}"'), what) for port, record in records.items()}


def _record_to_json(record: PortRecord) -> JsonObject:
    written: dict[str, JsonValue] = {
        "serializer": record.serializer,
        "version": record.version,
        "digest": record.digest,
        "size": record.size,
    }
    if record.inline is not None:
        written["inline"] = binascii.b2a_base64(record.inline, newline=False).decode()
    return written


def _record_from_json(record: JsonObject, what: str) -> PortRecord:
    fields = _Fields(record, what)
    digest = fields.text("digest")
    if _DIGEST.fullmatch(digest) is None:
        raise InvalidDocumentError(what=what, reason='"digest" is no SHA-256')
    return PortRecord(
        serializer=fields.text("serializer"),
        version=fields.count("version"),
        digest=digest,
        size=fields.count("size"),
        inline=_inline(fields.text("inline"), what) if "inline" in record else None,
    )


def _inline(text: str, what: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise InvalidDocumentError(what=what, reason=f'"inline" is no base64: {error}') from error


def _error_record(value: JsonValue, what: str) -> ErrorRecord:
    fields = _Fields(_object(value, what, '"error"'), what)
    return ErrorRecord(fields.text("type"), fields.text("text"), fields.text("traceback"))


def _object(value: JsonValue, what: str, name: str) -> JsonObject:
    if not isinstance(value, Mapping):
        raise InvalidDocumentError(what=what, reason=f"{name} is no object")
    return value


class _Fields:
    """Typed access to the fields of an object."""

    def __init__(self, fields: JsonObject, what: str) -> None:
        self._fields = fields
        self._what = what

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise InvalidDocumentError(what=self._what, reason=f'"{name}" is no text')
        return value

    def count(self, name: str) -> int:
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidDocumentError(what=self._what, reason=f'"{name}" is no count')
        return value
