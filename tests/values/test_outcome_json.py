"""Outcomes and port records as JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.values.json_value import canonical_json, json_object
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome, PortRecord
from oneml.habitats.values.outcome_json import (
    outcome_from_json,
    outcome_to_json,
    port_records_from_json,
    port_records_to_json,
)
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import FINAL_NODE_STATES, NodeState

DIGEST = "0123456789abcdef" * 4
RECORD = PortRecord("json", 1, DIGEST, 3, b"\0\xff1")

records = st.builds(
    PortRecord,
    st.text(),
    st.integers(0),
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0),
    st.none() | st.binary(),
)
encodable = st.text(st.characters(exclude_categories=["Cs"]))
outcomes = st.builds(
    NodeOutcome,
    st.sampled_from([NodePath("//a"), NodePath("//train/0")]),
    st.sampled_from(sorted(FINAL_NODE_STATES)),
    st.integers(0, 10**6),
    st.none() | st.floats(0, allow_infinity=False),
    st.none() | st.builds(ErrorRecord, encodable, encodable, encodable),
    st.dictionaries(encodable, records, max_size=3),
    st.sampled_from(["", "2026-01-02T12:00:00Z"]),
    st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    st.none() | st.just(SessionId("s0")),
)


@given(outcomes)
def test_an_outcome_comes_back_as_it_was(outcome: NodeOutcome) -> None:
    data = canonical_json(outcome_to_json(outcome))
    assert outcome_from_json(json_object(data, what="it", limit_bytes=1 << 20), what="it") == outcome


def test_an_error_whose_text_is_not_unicode_can_still_be_written() -> None:
    error = ErrorRecord("OSError", "no file \udcff", "line \ud800")
    outcome = NodeOutcome(NodePath("//a"), NodeState.FAILED, error=error)
    data = canonical_json(outcome_to_json(outcome))
    returned = outcome_from_json(json.loads(data), what="it").error
    assert returned == ErrorRecord("OSError", "no file \\udcff", "line \\ud800")


def test_a_record_without_inline_bytes_has_none_in_its_document() -> None:
    (written,) = port_records_to_json({"out": RECORD._replace(inline=None)}).values()
    assert "inline" not in json.loads(canonical_json(written))


def changed(document: Any, change: dict[str, object]) -> Any:
    return {key: value for key, value in (document | change).items() if value is not KeyError}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "oneml.outcome/2"}, "it is no oneml.outcome/1"),
        ({"schema": KeyError}, '"schema" is no text'),
        ({"node": "a/../b"}, "is not a node path"),
        ({"state": "exploded"}, "exploded"),
        ({"attempt": -1}, '"attempt" is no count'),
        ({"attempt": True}, '"attempt" is no count'),
        ({"attempt": 1.0}, '"attempt" is no count'),
        ({"seconds": "1"}, '"seconds" is no number'),
        ({"seconds": False}, '"seconds" is no number'),
        ({"error": "boom"}, '"error" is no object'),
        ({"error": {"type": "E", "text": 5, "traceback": ""}}, '"text" is no text'),
        ({"ports": []}, '"ports" is no object'),
        ({"ports": KeyError}, '"ports" is no object'),
        ({"ended_at": None}, '"ended_at" is no text'),
    ],
)
def test_a_document_that_is_no_outcome_is_refused(change: dict[str, object], reason: str) -> None:
    document = outcome_to_json(NodeOutcome(NodePath("//a"), NodeState.SUCCEEDED, ports={"out": RECORD}))
    with pytest.raises(InvalidDocumentError, match=f"outcome of //a cannot be read: .*{reason}"):
        outcome_from_json(changed(document, change), what="outcome of //a")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"digest": "../../etc/passwd"}, '"digest" is no SHA-256'),
        ({"digest": DIGEST.upper()}, '"digest" is no SHA-256'),
        ({"digest": DIGEST + "\n"}, '"digest" is no SHA-256'),
        ({"size": -1}, '"size" is no count'),
        ({"size": None}, '"size" is no count'),
        ({"version": "1"}, '"version" is no count'),
        ({"serializer": 1}, '"serializer" is no text'),
        ({"inline": None}, '"inline" is no text'),
        ({"inline": "a"}, '"inline" is no base64'),
        ({"inline": "AA==\n"}, '"inline" is no base64'),
        ({"inline": "é"}, '"inline" is no base64'),
    ],
)
def test_a_document_that_is_no_record_is_refused(change: dict[str, object], reason: str) -> None:
    document: Any = port_records_to_json({"out": RECORD})
    assert port_records_from_json(document, what="it") == {"out": RECORD}
    with pytest.raises(InvalidDocumentError, match=reason):
        port_records_from_json({"out": changed(document["out"], change)}, what="it")


@pytest.mark.parametrize("document", [None, [], "x", {"out": None}, {"out": []}])
def test_records_that_are_no_objects_are_refused(document: Any) -> None:
    with pytest.raises(InvalidDocumentError, match="is no object"):
        port_records_from_json(document, what="it")
