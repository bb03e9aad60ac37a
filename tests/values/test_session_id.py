"""Session ids."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidSessionIdError
from oneml.habitats.values.session_id import new_session_id, parse_session_id, session_key

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)


def test_new_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    ids = [new_session_id() for _ in range(100)]
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}
    stamps = [one[:13] for one in ids]
    assert stamps == sorted(stamps)
    assert len(set(ids)) == 100


@pytest.mark.parametrize("text", ["", "-a", "_a", "a/b", "..", "a.b", "a\0", "a\n", "a" * 65, "\u00e9"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidSessionIdError, match="is not a session id"):
        parse_session_id(text)


@given(IDS, IDS)
def test_keys_meet_only_where_ids_do_also_where_case_is_folded(one: str, other: str) -> None:
    keys = [session_key(parse_session_id(text)) for text in (one, other)]
    assert [key.lower() for key in keys] == keys
    assert (keys[0] == keys[1]) == (one == other)
