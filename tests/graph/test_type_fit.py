"""Which types may feed which."""

import collections.abc
import enum
import os
import pathlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    LiteralString,
    NamedTuple,
    NewType,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
)

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

from oneml.habitats.graph.forms import form_text, union_of
from oneml.habitats.graph.type_fit import fits

T = TypeVar("T")
Number = TypeVar("Number", bound=float)
Text = TypeVar("Text", str, bytes)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Pair(NamedTuple):
    count: int
    share: float


class Narrow(TypedDict):
    a: int


class Wide(TypedDict):
    a: int
    b: str


class Box(Generic[T]):
    pass


class IntBox(Box[int]):
    pass


class Numbers(list[int]):
    pass


class MoreNumbers(Numbers):
    pass


class ByName(dict[str, T]):
    pass


class HasName(Protocol):
    name: str


Id = NewType("Id", int)
Alias = TypeAliasType("Alias", list[int])
ListOf = TypeAliasType("ListOf", list[T], type_params=(T,))
Endless = TypeAliasType("Endless", "list[Endless]")

FIT = [
    (int, float),
    (bool, int),
    (float, complex),
    (int, object),
    (object, Any),
    (Any, int),
    (None, str | None),
    (list[int], Sequence[float]),
    (list[int], list[float]),
    (list, list[int]),
    (dict[str, int], Mapping[str, float]),
    (dict[str, int], Iterable[str]),
    (list[list[int]], Sequence[Sequence[float]]),
    (str, Sequence[str]),
    (bytes, Sequence[int]),
    (range, Sequence[int]),
    (Pair, tuple[int, float]),
    (Pair, tuple[float, ...]),
    (Pair, Sequence[float]),
    (Pair, Pair),
    (tuple[int, ...], Sequence[int]),
    (tuple[int, bool], tuple[int, ...]),
    (tuple[Any, ...], tuple[int, int]),
    (Wide, Narrow),
    (Narrow, Mapping[str, object]),
    (Narrow, dict),
    (IntBox, Box[int]),
    (IntBox, Box),
    (MoreNumbers, Sequence[int]),
    (ByName[int], Mapping[str, int]),
    (Id, int),
    (Id, float),
    (Literal["a"], str),
    (Literal["a"] | None, Literal["a", None]),
    (Literal["a", None], Literal["a"] | None),
    (Literal["a"], Literal["a", "b"]),
    (Literal[1, "a"], int | str),
    (Literal[1] | None, int | None),
    (bool, Literal[True, False]),
    (Colour, Literal[Colour.RED, Colour.BLUE]),
    (int | str, int | str | None),
    (int, T),
    (int, Number),
    (bytes, Text),
    (int, HasName),
    (type[int], type[object]),
    (Annotated[int, "pixels"], int),
    (Alias, Sequence[int]),
    (ListOf[int], Sequence[float]),
    (list[int], ListOf[float]),
    (Endless, Endless),
    (str, LiteralString),
    ("Unresolved", int),
    (collections.abc.Callable[[int], bool], collections.abc.Callable[..., int]),
    (pathlib.Path, os.PathLike[str]),
    (npt.NDArray[np.float64], np.ndarray),
    (np.ndarray, npt.NDArray[np.float64]),
    (np.ndarray[tuple[int, int], np.dtype[np.float32]], npt.NDArray[np.floating]),
]

MISFIT = [
    (float, int),
    (int, bool),
    (object, int),
    (int | None, int),
    (None, str),
    (list[str], Sequence[float]),
    (Sequence[int], list[int]),
    (dict[str, int], Mapping[str, str]),
    (dict[str, int], Iterable[int]),
    (str, Sequence[int]),
    (Pair, tuple[int, ...]),
    (Pair, tuple[int, float, int]),
    (tuple[int, float], Pair),
    (tuple[int, ...], tuple[int, int]),
    (tuple[int, str], Sequence[int]),
    (Narrow, Wide),
    (dict[str, int], Narrow),
    (IntBox, Box[str]),
    (MoreNumbers, Sequence[str]),
    (ByName[int], Mapping[str, str]),
    (int, Id),
    (str, Literal["a"]),
    (Literal["a", "c"], Literal["a", "b"]),
    (Literal["a", None], Literal["a"]),
    (Literal[1], Literal[True]),
    (Colour, Literal[Colour.RED]),
    (str, Number),
    (int, Text),
    (type[str], type[int]),
    (Alias, Sequence[str]),
    (ListOf[int], Sequence[str]),
    (int, collections.abc.Callable[[], int]),
    (collections.abc.Callable[..., str], collections.abc.Callable[..., int]),
    (npt.NDArray[np.float64], npt.NDArray[np.int64]),
]


@pytest.mark.parametrize(("given_form", "wanted"), FIT, ids=form_text)
def test_what_type_checkers_accept_fits(given_form: object, wanted: object) -> None:
    assert fits(given_form, wanted)


@pytest.mark.parametrize(("given_form", "wanted"), MISFIT, ids=form_text)
def test_what_type_checkers_refuse_does_not_fit(given_form: object, wanted: object) -> None:
    assert not fits(given_form, wanted)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no such statement")
def test_aliases_made_by_the_type_statement_are_looked_through() -> None:
    names: dict[str, Any] = {}
    exec("type Pairs[X] = list[tuple[X, X]]\ntype Numbers = list[int]", names)  # noqa: S102  # older Pythons parse this file
    assert fits(names["Pairs"][int], Sequence[tuple[float, ...]])
    assert not fits(names["Pairs"][int], Sequence[tuple[str, str]])
    assert not fits(names["Numbers"], Sequence[str])


def forms() -> st.SearchStrategy[Any]:
    leaves = st.sampled_from(
        [int, float, bool, str, bytes, None, object, Pair, Narrow, Wide, Id, Colour, Box[int], IntBox]
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(lambda form: list[form]),
            inner.map(lambda form: Sequence[form]),
            inner.map(lambda form: tuple[form, ...]),
            st.tuples(inner, inner).map(lambda pair: tuple[pair]),
            st.tuples(inner, inner).map(lambda pair: Mapping[pair]),
            st.tuples(inner, inner).map(union_of),
        ),
        max_leaves=8,
    )


@given(forms())
def test_every_type_fits_itself_any_and_object(form: object) -> None:
    assert fits(form, form)
    assert fits(form, Any)
    assert fits(Any, form)
    assert fits(form, object)


@given(forms(), forms())
def test_every_type_fits_a_union_with_it_and_every_list_of_it_a_sequence(form: object, other: object) -> None:
    assert fits(form, union_of([other, form]))
    assert fits(list[form], Sequence[union_of([form, other])])


@given(forms(), forms(), forms())
def test_a_union_fits_where_each_of_its_members_does(one: object, other: object, wanted: object) -> None:
    assert fits(union_of([one, other]), wanted) == (fits(one, wanted) and fits(other, wanted))


@given(forms(), forms(), forms())
def test_fitting_is_transitive(one: object, other: object, third: object) -> None:
    if fits(one, other) and fits(other, third):
        assert fits(one, third)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (int, "int"),
        (None, "None"),
        (int | None, "int | None"),
        (Union[int, None], "int | None"),  # noqa: UP007  # the case
        (Sequence[Pair], "Sequence[Pair]"),
        (tuple[float, ...], "tuple[float, ...]"),
        (Literal["a.b", 3], "Literal['a.b', 3]"),
        (Annotated[int, "pixels"], "int"),
        (collections.abc.Callable[[int], str], "Callable[[int], str]"),
        (Any, "Any"),
        (T, "T"),
        (Id, "Id"),
        ("Later", "Later"),
    ],
)
def test_types_read_as_their_author_wrote_them(form: object, text: str) -> None:
    assert form_text(form) == text


def test_a_local_class_is_called_by_its_name_alone() -> None:
    class Here:
        pass

    assert form_text(list[Here]) == "list[Here]"
