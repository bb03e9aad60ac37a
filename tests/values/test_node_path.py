"""Node paths: one grammar, one form, one encoding that no file system folds together."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidNodePathError
from oneml.habitats.values.node_path import (
    ROOT,
    ancestors_of,
    check_segment,
    join_path,
    node_key,
    parent_of,
    parse_node_path,
)

SEGMENTS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", fullmatch=True)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=8).map(lambda segments: "//" + "/".join(segments))

HOSTILE = [
    "",
    "/",
    "//",
    "a",
    "/a",
    "//a/",
    "///a",
    "//a//b",
    "//..",
    "//a/../b",
    "//.",
    "//a\0",
    "//%2e%2e",
    "//-a",
    "//a b",
    "//a\n",
    "//a.b",
    "//a:b",
    "//\u00e9",
    "//" + unicodedata.normalize("NFD", "\u00e9"),
    "//" + "\u00e9" * 200,
    "//\uff41",
    "//\u0661",
    "//" + "a" * 65,
    "//" + "/".join(["abc"] * 300),
    "//a\u202e",
    "C:\\a",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_not_of_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(InvalidNodePathError, match="is not a node path"):
        parse_node_path(text)


@pytest.mark.parametrize(
    ("text", "near"), [("verdict", "//verdict"), ("/a/b", "//a/b"), ("//a/", "//a"), ("", ""), ("a b", "")]
)
def test_a_text_that_lacks_only_slashes_is_told_the_path_that_was_perhaps_meant(text: str, near: str) -> None:
    with pytest.raises(InvalidNodePathError) as caught:
        parse_node_path(text)
    assert caught.value.near == near
    assert str(caught.value).endswith(f' Did you mean "{near}"?') == bool(near)


@given(st.text(max_size=40).map(lambda text: "//" + text))
def test_whatever_is_taken_is_plain_and_stays_inside(text: str) -> None:
    try:
        path = parse_node_path(text)
    except InvalidNodePathError:
        return
    assert path == text
    assert path.isascii()
    assert not {"", ".", ".."} & set(path[2:].split("/"))


@given(PATHS)
def test_every_path_of_the_grammar_is_taken_and_taken_apart(text: str) -> None:
    path = parse_node_path(text)
    assert join_path(parent_of(path), check_segment(path.rpartition("/")[2])) == path
    assert len(ancestors_of(path)) == path[2:].count("/")


@given(PATHS, PATHS)
def test_keys_meet_only_where_paths_do_whatever_a_file_system_folds(one: str, other: str) -> None:
    keys = [node_key(parse_node_path(text)) for text in (one, other)]
    folded = [unicodedata.normalize("NFKC", key).casefold() for key in keys]
    assert keys == folded
    assert (folded[0] == folded[1]) == (one == other)
    assert all(len(key) <= 65 and "/" not in key and not key.startswith(".") for key in keys)


def test_case_twins_and_names_of_devices_have_keys_of_their_own() -> None:
    texts = ["//a", "//A", "//CON", "//con", "//NUL", "//a/b", "//a-b", "//" + "x" * 64, "//" + "x" * 63 + "y"]
    assert len({node_key(parse_node_path(text)) for text in texts}) == len(texts)


def test_the_root_is_the_parent_of_a_node_without_namespace() -> None:
    assert parent_of(parse_node_path("//a")) == ROOT
    assert ancestors_of(parse_node_path("//a/b/c")) == ("//a", "//a/b")
