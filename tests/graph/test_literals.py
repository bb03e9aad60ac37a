"""Plain values as inputs."""

import datetime
import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NewType, SupportsFloat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.graph.literals import are_simple, literal_source, misfit, object_text
from oneml.habitats.values.plan import LiteralSource

Give = Callable[[object], Any]
Problems = Callable[[], list[str]]


class Colour(enum.Enum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: float
    tags: tuple[str, ...] = ()


class Model(BaseModel):
    rate: float = 0.5
    point: Point = Point(1.0)


class Range(NamedTuple):
    low: int
    high: int


class Limits(TypedDict):
    low: int


Id = NewType("Id", int)


def json_of(value: object, form: object) -> object:
    literal = literal_source(value)
    assert misfit(value, literal, form) is None
    return literal.json


@pytest.mark.parametrize(
    ("value", "form", "json"),
    [
        (3, int, 3),
        (3, float, 3),
        (None, int | None, None),
        ("a", Literal["a", "b"], "a"),
        ("text", str, "text"),
        ([1, 2], Sequence[float], [1, 2]),
        ((1.0, 2.0), tuple[float, ...], [1.0, 2.0]),
        ((1.0, 2.0), Sequence[float], [1.0, 2.0]),
        ((), tuple[float, ...], []),
        ([], list[str], []),
        ({"a": 1}, Mapping[str, int], {"a": 1}),
        ({}, dict[str, int], {}),
        ({"low": 1}, Limits, {"low": 1}),
        ({1: "a"}, dict[int, str], {"1": "a"}),
        (["a"], list[Literal["a"]], ["a"]),
        (7, Id, 7),
        (Colour.RED, Colour, "red"),
        (Colour.RED, Colour | None, "red"),
        (Point(1.0, ("a",)), Point, {"x": 1.0, "tags": ["a"]}),
        ([Point(1.0)], list[Point], [{"x": 1.0, "tags": []}]),
        (Model(rate=0.1), Model, {"rate": 0.1}),
        (Range(1, 2), Range, [1, 2]),
        (datetime.date(2024, 1, 31), datetime.date, "2024-01-31"),
        ([1, "a", None, {"b": [True]}], Any, [1, "a", None, {"b": [True]}]),
    ],
)
def test_values_stand_in_the_plan_as_json(value: object, form: object, json: object) -> None:
    assert json_of(value, form) == json


@pytest.mark.parametrize(
    ("value", "form", "end"),
    [
        ("x", int, "takes int, but 'x' is a str"),
        (1.5, int, "takes int, but 1.5 is a float"),
        ([1, "a"], list[int], "takes list[int], but [1, 'a'] is a list"),
        ([1.0], tuple[float, ...], "takes tuple[float, ...], but [1.0] is a list"),
        ({"low": "x"}, Limits, "takes Limits, but {'low': 'x'} is a dict"),
        ("c", Literal["a", "b"], "takes Literal['a', 'b'], but 'c' is a str"),
        (Point(1.0), Colour, "takes Colour, but Point(x=1.0, tags=()) is a Point"),
    ],
)
def test_values_of_another_type_are_told(value: object, form: object, end: str) -> None:
    assert misfit(value, literal_source(value), form) == end


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Point(1.0), Any),
        (Point(1.0), object),
        (Colour.RED, Any),
        (Range(1, 2), Sequence[int]),
        ({1: "a"}, Any),
        ([Colour.RED], list[Any]),
        (3, SupportsFloat),
        (True, int),
    ],
)
def test_values_that_would_arrive_as_something_else_are_told(value: object, form: object) -> None:
    message = misfit(value, literal_source(value), form)
    assert message is not None
    assert message.endswith("annotate the input with the type of the value")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_json_has_not_are_told(value: float) -> None:
    message = misfit(value, literal_source(value), float)
    assert message == f"cannot be given {value} as a value, which JSON has not. Let a node return it"


class Unshown:
    """Raises where it is written out."""

    def __repr__(self) -> str:
        raise NotImplementedError


def test_objects_are_shown_without_addresses_and_those_that_cannot_be_by_their_type() -> None:
    assert object_text([object()]) == "[<object object>]"
    assert object_text(object()) == "<object object>"
    assert object_text(Unshown()) == "<Unshown>"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_is_taken_as_it_is_where_anything_goes(value: Any) -> None:
    assert json_of(value, Any) == value
    assert json_of(value, object) == value


@given(st.lists(st.floats() | st.integers() | st.booleans()))
def test_what_is_called_simple_would_fit_one_by_one(values: list[object]) -> None:
    if are_simple(values, float):
        assert all(misfit(value, literal_source(value), float) is None for value in values)


@pytest.mark.parametrize(
    ("value", "end"),
    [
        (object(), "is a object, which has no form in JSON"),
        (SecretStr("hush"), "holds a secret itself"),
        (10**500, "is an integer of more than 400 digits"),
        ("\ud800", "is not Unicode text"),
    ],
)
def test_values_without_a_form_are_reported(
    value: object, end: str, pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    def body(x: Any) -> int: ...

    pipeline.node("a", give(body))(x=value)
    (message,) = problems()
    assert message.startswith(f'Input "x" of node "//a" is given a value that {end}')
    assert "hush" not in message
    assert message.endswith("Nodes take results and plain values; whatever else a body needs, its provider injects.")


def test_a_value_inside_itself_is_reported(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    def body(x: Any) -> int: ...

    endless: list[object] = []
    endless.append(endless)
    pipeline.node("a", give(body))(x=endless)
    assert "is nested deeper than 32" in problems()[0]


def test_values_are_held_against_the_annotation(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    def body(x: int, y: Point) -> int: ...

    pipeline.node("a", give(body))(x="1", y=Point(2.0))
    assert problems() == ['Input "x" of node "//a" takes int, but \'1\' is a str.']


def test_values_are_in_the_plan(pipeline: PipelineBuilder, give: Give) -> None:
    def body(x: int, y: Point) -> int: ...

    pipeline.node("a", give(body))(x=1, y=Point(2.0))
    inputs = pipeline.build().nodes["//a"].inputs
    assert inputs == {"x": LiteralSource(1), "y": LiteralSource({"x": 2.0, "tags": []})}
