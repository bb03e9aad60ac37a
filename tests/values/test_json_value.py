"""Canonical JSON out, strict JSON in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.values.json_value import DEPTH_MAX, JsonValue, canonical_json, json_object, strict_json

VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: JsonValue) -> None:
    try:
        data = canonical_json(value)
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8
        return
    assert strict_json(data, what="value", limit_bytes=1 << 20) == value
    assert canonical_json(strict_json(data, what="value", limit_bytes=1 << 20)) == data


def test_keys_are_sorted_and_nothing_is_spaced() -> None:
    assert canonical_json({"b": [1, 2], "a": "\u00e9"}) == '{"a":"\u00e9","b":[1,2]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_what_is_no_number_is_not_written(value: JsonValue) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper"),
        (b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1), "nested deeper"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b'{"a":1,"b":2,"a":3}', "a key is given twice: a"),
        (b'[{"a":{"b":1,"b":1}}]', "a key is given twice: b"),
        (b"[1e400]", "1e400 is beyond every number"),
        (b"-1" + b"0" * 5_000 + b".0", "-1000.* is beyond every number"),
        (b"1" * 5_000, "an integer of 5000 digits"),
        (b"\xff", "utf-8"),
        (b"", "Expecting value"),
        (b"{} {}", "Extra data"),
        (b"[1,]", "Expecting value|trailing comma"),
    ],
)
def test_hostile_documents_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(InvalidDocumentError, match=said) as caught:
        strict_json(data, what="recipe of s", limit_bytes=1 << 20)
    assert "recipe of s" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_too_large_is_refused_unread() -> None:
    with pytest.raises(InvalidDocumentError, match="it has 11 bytes; at most 10 are read"):
        strict_json(b"x" * 11, what="recipe", limit_bytes=10)


def test_brackets_in_texts_are_not_depth() -> None:
    text = "[" * 1000 + '\\" {'
    assert strict_json(canonical_json([text]), what="value", limit_bytes=1 << 20) == [text]


def test_the_top_of_a_document_is_an_object() -> None:
    with pytest.raises(InvalidDocumentError, match="its top is not an object"):
        json_object(b"[]", what="recipe", limit_bytes=10)
