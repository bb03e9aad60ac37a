"""Whether a value that has its final type is what its reader asked for."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NewType, Optional, Protocol, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from typing_extensions import TypeAliasType

from oneml.habitats.data.forms import check_form

ARRAY, FRAME = np.zeros(2), pd.DataFrame({"a": [1]})
Name = NewType("Name", str)
Table = TypeAliasType("Table", pd.DataFrame | None)


class Sized(Protocol):
    def size(self) -> int: ...


class Row(TypedDict):
    a: int


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("x", object),
        ("x", Any),
        ("x", str),
        ("x", Name),
        ("x", Literal["x", "y"]),
        ("x", Annotated[str, "doc"]),
        ("x", str | bytes),
        ("x", Optional[str]),  # noqa: UP045  # the older spelling
        ("x", Sequence[str]),
        ("x", "a forward reference"),
        (None, None),
        (None, str | None),
        (ARRAY, np.ndarray),
        (ARRAY, npt.NDArray[np.float64]),
        (ARRAY, npt.ArrayLike | str),
        (FRAME, Table),
        (FRAME, Sized),
        ({}, Row),
    ],
)
def test_what_fits_is_handed_on(value: object, form: object) -> None:
    assert check_form(value, form) is value


@pytest.mark.parametrize(
    ("value", "form", "told"),
    [
        ("x", bytes, "it is a str, and bytes is wanted"),
        ("x", Name | None, None),
        (5, Name, "it is a int, and"),
        ("z", Literal["x", "y"], "Literal"),
        (b"x", str | None, "it is a bytes"),
        ("x", None, "it is a str"),
        (ARRAY, pd.DataFrame, "it is a numpy.ndarray, and pandas.* is wanted"),
        (ARRAY, Annotated[pd.DataFrame, "doc"], "numpy.ndarray"),
        (FRAME, npt.NDArray[np.float64], "numpy.ndarray"),
        (FRAME, pd.Series | None, "Series"),
        (FRAME, Callable[[], int], "Callable"),
        (ARRAY, Table, "Table"),
    ],
)
def test_what_does_not_fit_is_told(value: object, form: object, told: str | None) -> None:
    if told is None:
        assert check_form(value, form) is value
        return
    with pytest.raises(TypeError, match=told):
        check_form(value, form)
