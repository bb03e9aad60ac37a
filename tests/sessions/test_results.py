"""A body's result and its output ports."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypedDict

import pytest

from oneml.habitats.errors import WrongResultError
from oneml.habitats.ports.session_store import NodeRow
from oneml.habitats.sessions.results import assemble_result, element_form, has_fields, is_tuple_form, split_result
from oneml.habitats.sessions.run_result import RunResult
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.states import NodeState, SessionState

A = NodePath("//a")


class Pair(NamedTuple):
    left: int
    right: str


class Report(TypedDict):
    text: str


def test_one_value_goes_to_the_single_port() -> None:
    assert split_result(A, [1, 2], outputs=("output",), several=False) == {"output": [1, 2]}


def test_fields_of_a_named_tuple_are_ports_and_become_one_again() -> None:
    fields = split_result(A, Pair(1, "r"), outputs=("left", "right"), several=True)
    assert fields == {"left": 1, "right": "r"}
    assert assemble_result(Pair, fields) == Pair(1, "r")


def test_keys_of_a_typed_dict_are_ports_and_become_one_again() -> None:
    fields = split_result(A, Report(text="t"), outputs=("text",), several=True)
    assert assemble_result(Report, fields) == {"text": "t"}


def test_a_body_that_promises_nothing_must_return_none() -> None:
    assert split_result(A, None, outputs=(), several=False) == {}
    with pytest.raises(WrongResultError, match="//a promised None, but returned int"):
        split_result(A, 3, outputs=(), several=False)


@pytest.mark.parametrize("value", [{"left": 1}, {"left": 1, "right": "r", "more": 0}, 7, None])
def test_a_result_without_its_fields_is_refused(value: object) -> None:
    with pytest.raises(WrongResultError, match="//a promised fields left, right, but returned"):
        split_result(A, value, outputs=("left", "right"), several=True)


def test_only_named_tuples_and_typed_dicts_have_fields() -> None:
    assert [has_fields(form) for form in (Pair, Report, tuple, dict, int, tuple[int, ...])] == [
        True,
        True,
        *[False] * 4,
    ]


def test_the_form_of_items_is_that_of_the_sequence() -> None:
    assert [element_form(form) for form in (Sequence[Pair], list[int], tuple[str, ...], list, object)] == [
        Pair,
        int,
        str,
        object,
        object,
    ]
    assert [is_tuple_form(form) for form in (tuple[int, ...], tuple, list[int])] == [True, True, False]


def test_a_result_shows_what_failed_first_where_an_assertion_shows_it() -> None:
    at = datetime.now(UTC)
    states = {"//a": (NodeState.SUCCEEDED, ""), "//b": (NodeState.FAILED, "KeyError: " + "k" * 300)}
    nodes = {
        NodePath(path): NodeRow(NodePath(path), state, 1, at, None, detail) for path, (state, detail) in states.items()
    }
    shown = repr(RunResult(session_id=SessionId("mine"), state=SessionState.FAILED, nodes=nodes))
    assert shown.startswith("<RunResult failed: 1 succeeded, 1 failed; //b: KeyError: kkk")
    assert len(shown) < 240
