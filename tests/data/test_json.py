"""JSON: what it refuses, what it says about it, and what readers get."""

import dataclasses
import enum
import io
import json
import math
import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, NewType, Protocol
from uuid import UUID

import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.data.json_decoding import decode_json
from oneml.habitats.data.json_encoding import encode_json
from oneml.habitats.data.serializers.json import JsonSerializer, from_json_value
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import DeserializationError

LOCK = threading.Lock()
HALF = "\ud800"


class Colour(enum.Enum):
    RED = "red"
    TWO = 2
    BOTH = (1, 2)


class Fit(NamedTuple):
    c: float
    model: object


@dataclasses.dataclass
class Holder:
    inner: object


@dataclasses.dataclass
class Forgetful:
    given: dataclasses.InitVar[int]
    kept: int = 0


class Secretive(pydantic.BaseModel):
    password: pydantic.SecretStr


def itself() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (LOCK, "value is a _thread.lock"),
        ([1, {"a": LOCK}], "value[1]['a'] is a _thread.lock"),
        ([Fit(1.0, "x"), Fit(2.0, LOCK)], "value[1].model is a _thread.lock"),
        (Holder(Holder([LOCK])), "value.inner.inner[0] is a _thread.lock"),
        ({"a": {LOCK}}, "value['a']{...} is a _thread.lock"),
        (MappingProxyType({"a": LOCK}), "value['a'] is a _thread.lock"),
        (b"ab", "value is bytes, which JSON does not have"),
        ([np.arange(2)], "value[0] is a numpy.ndarray"),
        ([np.datetime64("2026-01-02")], "value[0] is a numpy.datetime64"),
        (Secretive.model_validate({"password": "x"}), "value.password is a pydantic.types.SecretStr"),
        (Forgetful(3), "made from given but does not keep that"),
        (Decimal("NaN"), "value is Decimal('NaN')"),
        (Colour.BOTH, "whose value is a tuple and not plain"),
        ([1j], "value[0] is a complex"),
        ([object], "value[0] is a type"),
        ({None: 1}, "value has a key that is a NoneType"),
        ({(1, 2): 1}, "value has a key that is a tuple"),
        ({Colour.TWO: 1}, "has a key that is a"),
        ({"a": {1: 1, "1": 2}}, "value['a'] has two keys that JSON cannot tell apart: 1 and '1'"),
        ({True: 1, "true": 2}, "cannot tell apart"),
        ([HALF], "value[0] holds text that is not Unicode"),
        ({HALF: 1}, "holds text that is not Unicode"),
        ([10**5000], "value[0] is an integer of 16610 bits"),
        (itself(), "nested deeper than 190, or holds itself"),
        (nested(100_000), "nested deeper than 190"),
        (nested(300), "nested deeper than 190"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place(value: object, told: str) -> None:
    stream = io.BytesIO()
    with pytest.raises(UnwritableError) as caught:
        JsonSerializer().write(value, stream)
    assert told in str(caught.value)
    assert stream.getvalue() == b""


def test_a_deep_value_that_can_be_written_can_be_read() -> None:
    value = nested(190)
    assert decode_json(encode_json(value), object) == value


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_plain_data_comes_back_as_it_was(value: object) -> None:
    returned = decode_json(encode_json(value), object)
    assert repr(returned) == repr(decode_json(encode_json(returned), object))
    assert shown(value) == shown(returned)


def shown(value: object) -> object:
    """Make NaN equal to itself and -0.0 different from 0.0, and forget the order of keys."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    return value


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_makes_no_difference(value: dict[str, int]) -> None:
    assert encode_json(value) == encode_json(dict(reversed(value.items())))


@given(st.frozensets(st.text() | st.integers() | st.frozensets(st.integers())))
def test_the_order_of_a_set_makes_no_difference(value: frozenset[Any]) -> None:
    assert encode_json(value) == encode_json(frozenset(sorted(value, key=repr, reverse=True)))


scalars = {
    datetime: st.datetimes(),
    date: st.dates(),
    timedelta: st.timedeltas(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    UUID: st.uuids(),
    float: st.floats(allow_nan=False),
    int: st.integers(),
    str: st.text(),
}


@pytest.mark.parametrize("form", scalars)
def test_every_value_of_a_plain_type_comes_back_equal(form: type) -> None:
    @given(scalars[form])
    def law(value: object) -> None:
        returned = decode_json(encode_json(value), form)
        assert returned == value
        assert type(returned) is form

    law()


def test_not_a_number_comes_back_as_such_with_and_without_a_form() -> None:
    data = encode_json({"accuracy": math.nan, "loss": -math.inf})
    assert data == b'{"accuracy":NaN,"loss":-Infinity}'
    for form in (object, dict[str, float]):
        returned: Any = decode_json(data, form)
        assert math.isnan(returned["accuracy"])
        assert returned["loss"] == -math.inf


def test_json_is_canonical() -> None:
    assert encode_json({"b": [1, 2.0, "é"], "a": None}) == '{"a":null,"b":[1,2.0,"é"]}'.encode()
    assert json.loads(encode_json({1: "a", 10: "b"})) == {"1": "a", "10": "b"}


Name = NewType("Name", str)


class Unhashable(dict[str, int]):
    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("data", "form", "value"),
    [
        (b"[1,2]", tuple[int, ...], (1, 2)),
        (b"[1,2]", Iterable[int], [1, 2]),
        (b"[1,2]", Collection[int], [1, 2]),
        (b"[1,2]", Iterable, [1, 2]),
        (b"[1,2]", set[int], {1, 2}),
        (b'{"a":1}', Mapping[str, float], {"a": 1.0}),
        (b'"x"', Name, "x"),
        (b'"x"', Literal["x", "y"], "x"),
        (b"1", int | None, 1),
        (b"null", int | None, None),
        (b"null", None, None),
        (b"5", Annotated[int, Unhashable(a=1)], 5),
        (b"3", np.int8, np.int8(3)),
        (b"0.5", np.float32, np.float32(0.5)),
        (b"true", np.bool_, np.True_),
        (b"[1]", Any, [1]),
    ],
)
def test_a_reader_gets_the_form_that_it_asks_for(data: bytes, form: object, value: object) -> None:
    returned = decode_json(data, form)
    assert returned == value
    assert type(returned) is type(value)


class Speaks(Protocol):
    def speak(self) -> str: ...


@pytest.mark.parametrize(
    ("data", "form", "told"),
    [
        (b'"5"', int, "it is no int: value: Input should be a valid integer"),
        (b"true", int, "valid integer"),
        (b"1", bool, "valid boolean"),
        (b"1.5", int, "valid integer"),
        (b'[1,{"inner":2},"x"]', list[int | Holder], r"value\[2\]"),
        (b'{"a":"x","b":"y"}', dict[str, int], r"value\.a: .* \(and 1 more\)"),
        (b"300", np.int8, "300 does not fit numpy.int8"),
        (b"1.5", np.int64, "valid integer"),
        (b"1", np.ndarray, "numpy.ndarray cannot be read from JSON"),
        (b"1", Speaks, "Speaks cannot be read from JSON"),
        (b"[1]", list["Missing"], "cannot be read from JSON"),  # type: ignore[name-defined]  # noqa: F821  # the point
    ],
)
def test_what_is_not_of_the_form_is_refused(data: bytes, form: object, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        decode_json(data, form)


@pytest.mark.parametrize("data", [b"", b"{", b'{"a":', b"\xff", b"nul", b"[" * 100_000, b"1" * 5000, b"[1,]", b"1 2"])
@pytest.mark.parametrize("form", [object, int, list[object]])
def test_what_is_no_json_is_refused(data: bytes, form: object) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        decode_json(data, form)


def test_a_value_of_a_plan_is_read_in_the_form_of_the_body() -> None:
    assert from_json_value([1, 2], tuple[float, ...]) == (1.0, 2.0)
    with pytest.raises(DeserializationError, match="A value of the pipeline cannot be read"):
        from_json_value("x", int)


def test_a_form_is_prepared_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[object] = []
    real = pydantic.TypeAdapter.__init__

    def counting(self: Any, form: object, **options: Any) -> None:
        prepared.append(form)
        real(self, form, **options)

    monkeypatch.setattr(pydantic.TypeAdapter, "__init__", counting)
    form = dict[str, tuple[int, Literal["only here"]]]
    for _ in range(3):
        decode_json(b"{}", form)
    assert prepared == [form]


def test_times_keep_their_instant() -> None:
    east = datetime.fromisoformat("2026-01-02T12:00:00.000001+05:30")
    assert decode_json(encode_json(east), datetime) == east
    assert decode_json(encode_json(east.astimezone(UTC)), datetime) == east
