"""Inputs of a pipeline: what JSON tells apart is told apart, and Python objects are taken as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidInputsError
from oneml.habitats.sessions.external_inputs import check_inputs
from oneml.habitats.values.plan import ExternalInput, Plan


class Kind(Enum):
    GOOD = "good"


class Pair(NamedTuple):
    left: int
    right: float


@dataclass(frozen=True)
class Options:
    count: int
    folder: Path


class Opaque:
    """A class that pydantic knows nothing of."""


def checked(form: object, value: object) -> object:
    plan = Plan(nodes={}, inputs={"x": ExternalInput("x", "its type", required=True)})
    return check_inputs("habitat", plan, {"x": form}, {"x": value})["x"]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (int, True),
        (float, True),
        (bool, 1),
        (int, "3"),
        (int, 3.0),
        (float, "0.5"),
        (bool, "true"),
        (str, 3),
        (list[int], [1, True]),
        (tuple[int, ...], (1, True)),
        (Sequence[float], [0.5, False]),
        (Mapping[str, int], {"a": True}),
        (Pair, [1, True]),
        (Options, {"count": True, "folder": "/a"}),
        (Kind, "bad"),
        (Opaque, 3),
    ],
)
def test_value_of_another_kind_is_refused_and_never_turned_into_the_wanted_one(form: object, value: object) -> None:
    with pytest.raises(InvalidInputsError, match='Input "x" takes its type: '):
        checked(form, value)


@pytest.mark.parametrize(
    ("form", "value", "taken"),
    [
        (float, 1, 1.0),
        (int, 3, 3),
        (bool, True, True),
        (tuple[int, ...], [1, 2], (1, 2)),
        (Pair, [1, 2], Pair(1, 2.0)),
        (dict[int, str], {1: "a"}, {1: "a"}),
        (Options, {"count": 1, "folder": "/a"}, Options(1, Path("/a"))),
        (Options, Options(1, Path("/a")), Options(1, Path("/a"))),
        (date, "2026-01-02", date(2026, 1, 2)),
        (Kind, "good", Kind.GOOD),
        (Kind, Kind.GOOD, Kind.GOOD),
        (str, b"text of a file", "text of a file"),
        (int | str, "3", "3"),
        (object, {"a": [1, True, None]}, {"a": [1, True, None]}),
    ],
)
def test_value_that_fits_is_taken_in_the_form_of_its_type(form: object, value: object, taken: object) -> None:
    found = checked(form, value)
    assert found == taken
    assert type(found) is type(taken)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda items: st.lists(items) | st.dictionaries(st.text(st.characters(codec="utf-8")), items),
    max_leaves=10,
)


@given(json_values)
def test_json_for_an_input_of_any_type_stays_what_it_is(value: object) -> None:
    assert checked(object, value) == value
    assert repr(checked(object, value)) == repr(value)


def test_structure_that_holds_itself_is_no_json_and_no_crash() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert checked(object, loop) is loop


@pytest.mark.parametrize(
    ("form", "example"),
    [
        (str, "--input x='\"some text\"',"),
        (int, "--input x=3,"),
        (list[int], "--input x='[...]',"),
        (Mapping[str, int], "--input x='{...}',"),
        (Opaque, "--input x=JSON,"),
    ],
)
def test_missing_input_says_how_one_of_its_type_is_given(form: object, example: str) -> None:
    plan = Plan(nodes={}, inputs={"x": ExternalInput("x", "its type", required=True)})
    with pytest.raises(InvalidInputsError) as caught:
        check_inputs("habitat", plan, {"x": form}, {})
    assert example in str(caught.value)
