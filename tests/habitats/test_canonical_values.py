import dataclasses
import functools
import json
import logging
import operator
import re
import subprocess
import sys
import threading
import typing
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType, SimpleNamespace
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from oneml.habitats.habitats.canonical_values import canonical, type_text
from oneml.habitats.habitats.import_paths import NotCanonicalError
from oneml.habitats.values.json_value import canonical_json, strict_json


class Colour(Enum):
    RED = 1
    BLUE = 2


class Login(BaseModel):
    name: str
    password: SecretStr = SecretStr("hunter2-canary")


def written(value: object) -> bytes:
    return canonical_json(canonical(value))


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  # what is tested
DISTINCT: list[Any] = [
    None, True, False, 1, 0, 1.0, 0.0, -0.0, float("nan"), float("inf"), -float("inf"), 10**500, 10**500 + 1,
    -(10**500), "1", "", "a", "\ud800", "\ud801", "x" * 2000, "x" * 2001, b"", b"a", bytearray(b"a"), b"a" * 100,
    b"a" * 101, 1j, 0j, Decimal(1), Decimal("1.0"), Decimal("NaN"), Fraction(1), Fraction(1, 2), (), (1,), [], [1],
    [True], [1.0],
    [[1]], {}, {1: 2}, {"1": 2}, {True: 2}, {2: 1}, set(), {1}, frozenset(), frozenset({1}), deque([1]), deque([1], 2),
    range(3), range(0, 3, 2), slice(3), slice(0, 3), ..., NotImplemented, datetime(2026, 1, 1, tzinfo=UTC),
    NAIVE, NAIVE.replace(fold=1), datetime(2026, 1, 1, tzinfo=ZoneInfo("Etc/UTC")),

    NAIVE.date(), NAIVE.time(), timedelta(1), timezone(timedelta(hours=1)),

    PurePosixPath("a"), PureWindowsPath("a"), Path("a"), re.compile("a"), re.compile("a", re.IGNORECASE),
    re.compile(b"a"), int, len, str.upper, "a".upper, dict.fromkeys, json.dumps, json, functools.partial(int, base=2),
    functools.partial(int, 2), operator.itemgetter(1), operator.itemgetter(1, 2), operator.attrgetter("a"),
    operator.methodcaller("a"), operator.methodcaller("a", b=1), list[int], list[str], int | None, Literal[1],
    Literal["1"], Literal[True], OrderedDict(a=1, b=2), OrderedDict(b=2, a=1), defaultdict(int), defaultdict(list),
    Counter("a"), MappingProxyType({}), SimpleNamespace(a=1), logging.getLogger("a"), logging.getLogger("b"),
    re.IGNORECASE, re.IGNORECASE | re.MULTILINE, np.float32(1), np.float64(1), np.int8(1), np.dtype("f8"),
    np.zeros(2), np.zeros(3), np.zeros((1, 2)), np.zeros(2, dtype=">f8"), np.add, np.mean,
]  # fmt: skip


def test_distinct_values_have_distinct_forms() -> None:
    forms = [written(value) for value in DISTINCT]
    twice = [value for value, form in zip(DISTINCT, forms, strict=True) if forms.count(form) > 1]
    assert twice == []


def test_every_form_is_strict_json_that_comes_back() -> None:
    for value in DISTINCT:
        assert canonical_json(strict_json(written(value), what="a form", limit_bytes=10_000)) == written(value)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
_HASHABLE = st.recursive(
    _LEAVES, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4), max_leaves=6
)
_VALUES = st.recursive(
    _HASHABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_HASHABLE, inner, max_size=4),
    max_leaves=10,
)


def same(left: Any, right: Any) -> bool:  # one for each kind
    """Tell whether two values are equal, and of equal types throughout."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return repr(left) == repr(right)
    if isinstance(left, dict):
        return matched(list(left.items()), list(right.items()))
    if isinstance(left, frozenset):
        return matched(list(left), list(right))
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def matched(left: list[Any], right: list[Any]) -> bool:
    """Tell whether each item has its own equal one on the other side."""
    for item in left:
        match = next((place for place, other in enumerate(right) if same(item, other)), None)
        if match is None:
            return False
        del right[match]
    return not right


@given(_VALUES, _VALUES)
def test_forms_are_equal_exactly_where_values_and_their_types_are(left: Any, right: Any) -> None:
    assert (written(left) == written(right)) == same(left, right)


@given(st.dictionaries(_HASHABLE, _LEAVES, max_size=6), st.randoms())
def test_the_order_of_dictionaries_and_sets_does_not_matter(value: dict[Any, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert written(dict(items)) == written(value)
    assert written({key for key, _ in items}) == written(set(value))


LOOP: list[Any] = []
LOOP.append(LOOP)
DEEP: list[Any] = []
for _ in range(200):
    DEEP = [DEEP]


class Mine(dict[str, int]):
    pass


@dataclasses.dataclass
class Stateful:
    a: int = 1

    def __post_init__(self) -> None:
        self.lock = threading.Lock()


REFUSED: list[tuple[Any, str]] = [
    (lambda: 1, "a lambda"),
    (threading.Lock(), "a live lock"),
    (object(), "a live object"),
    (LOOP, "a list that contains itself"),
    (DEEP, "a value nested deeper than 100"),
    (Mine(a=1), "a live Mine"),
    (Stateful(), "a Stateful that holds more than its fields"),
    (SecretStr("hunter2-canary"), "a SecretStr"),
    ({"password": [SecretStr("hunter2-canary")]}, "a SecretStr"),
    (Login(name="a"), "a SecretStr"),
    (iter(["hunter2-canary"]), "a live list_iterator"),
    (np.array([object()]), "an array of object"),
    (np.random.default_rng(), "a live Generator"),
    (functools.lru_cache(json.dumps), "which importing that name does not give"),
    (sys.modules["__main__"], "the module __main__"),
]


@pytest.mark.parametrize(("value", "what"), REFUSED, ids=[what for _, what in REFUSED])
def test_what_lives_here_only_is_refused_by_its_type_and_never_shown(value: Any, what: str) -> None:
    with pytest.raises(NotCanonicalError) as caught:
        canonical(value)
    assert what in caught.value.what
    assert "hunter2" not in str(caught.value)
    assert caught.value.advice


def test_a_class_or_function_inside_a_function_is_refused() -> None:
    class Local:
        pass

    for value in (Local, Local(), [Local]):
        with pytest.raises(NotCanonicalError, match="Local"):
            canonical(value)


_PROGRAM = """
import dataclasses, enum, json, typing
from pydantic import BaseModel
from oneml.habitats.habitats.canonical_values import canonical
import shapes_here as s
print(json.dumps([canonical(value) for value in s.VALUES]))
"""
_SHAPES = """
import dataclasses, enum, functools, typing
from pydantic import BaseModel
@dataclasses.dataclass(frozen=True, slots=True)
class D:
    a: frozenset
    b: int = 2
@dataclasses.dataclass
class Cached:
    a: int
    @functools.cached_property
    def b(self): return object()
class N(typing.NamedTuple):
    x: int
class M(BaseModel):
    f: dict[str, int] = {}
class G(BaseModel, typing.Generic[typing.TypeVar("T")]):
    pass
class E(enum.Enum):
    ONE = object()
class F(enum.Flag):
    A = 1
    B = 2
cached = Cached(1)
cached.b
VALUES = [D(frozenset("abcdef")), cached, N(1), M(f={"a": 1}), G[int](), E.ONE, F.A | F.B, D, G[int]]
"""


def test_objects_of_importable_classes_have_forms_that_hash_seeds_do_not_change(tmp_path: Path) -> None:
    (tmp_path / "shapes_here.py").write_text(_SHAPES)
    found = [
        subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(tmp_path), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]
    data, cached, named, model, generic, member, flag, form, _ = json.loads(found[0])
    assert data["fields"]["a"] == {"frozenset": list("abcdef")}
    assert cached == {"object": "shapes_here:Cached", "fields": {"a": 1}}
    assert named == {"object": "shapes_here:N", "fields": {"x": 1}}
    assert model["object"] == "shapes_here:M"
    assert generic["object"] == "shapes_here:G[int]"
    assert member == {"enum": "shapes_here:E", "name": "ONE"}
    assert flag == {"enum": "shapes_here:F", "value": 3}
    assert form == {"import": "shapes_here:D"}


def test_modules_that_a_value_refers_to_are_noted() -> None:
    modules: set[str] = set()
    canonical({"a": [json.dumps, list[Decimal]], "b": Path("a")}, modules=modules)
    assert modules == {"json", "decimal"}


TYPES: list[tuple[object, str]] = [
    (Optional[int], "None | int"),  # noqa: UP045  # the spelling is what is tested
    (int | None, "None | int"),
    (Union[str, int], "int | str"),  # noqa: UP007  # as above
    (typing.List[int], "list[int]"),  # noqa: UP006  # as above
    (list[int], "list[int]"),
    (tuple[()], "tuple[()]"),
    (tuple[int, ...], "tuple[int, ...]"),
    (Callable[[int], str], "collections.abc:Callable[[int], str]"),
    (Literal["b", "a", 1], 'Literal["a", "b", 1]'),
    (Annotated[int, "a"], 'Annotated[int, "a"]'),
    (Path, "pathlib:Path"),
    (Any, "typing:Any"),
    (Login, f"{__name__}:Login"),
    ("Later", '"Later"'),
]


@pytest.mark.parametrize(("form", "text"), TYPES, ids=[text for _, text in TYPES])
def test_types_are_written_alike_however_they_are_spelt(form: object, text: str) -> None:
    assert type_text(form) == text


class Point(NamedTuple):
    x: int


def test_a_value_that_is_no_type_has_no_text_as_one() -> None:
    with pytest.raises(NotCanonicalError, match="as a type"):
        type_text(Point(1))
