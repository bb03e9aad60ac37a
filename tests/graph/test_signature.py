"""Ports of bodies, from their annotations."""

import functools
import gc
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Coroutine, Generator, Iterable, Iterator
from typing import Annotated, Any, Generic, NamedTuple, NotRequired, Required, TypedDict, TypeVar, get_args

import pytest
from typing_extensions import ReadOnly

from oneml.habitats.errors import InvalidBodyError
from oneml.habitats.graph.signature import InputPort, body_signature, type_reference
from oneml.habitats.graph.streams import Stream

T = TypeVar("T")


class Parts(NamedTuple):
    train: list[int]
    held_out: list[int]


class Pair(NamedTuple, Generic[T]):
    first: T
    rest: list[T]


class Report(TypedDict):
    text: str
    size: ReadOnly[int]


class Split:
    def __call__(self, digits: list[int], *, seed: int = 7) -> Parts:
        return Parts(digits[:seed], digits[seed:])


def test_parameters_are_the_inputs() -> None:
    signature = body_signature(Split.__call__, bound=False)
    assert signature.inputs == {"digits": InputPort(list[int], True), "seed": InputPort(int, False, True)}
    assert signature.required == {"digits"}
    assert signature.positional == ("digits",)


def test_fields_of_a_named_tuple_are_the_outputs_in_their_order() -> None:
    signature = body_signature(Split.__call__, bound=False)
    assert list(signature.outputs.items()) == [("train", list[int]), ("held_out", list[int])]
    assert signature.ports == ("held_out", "train")
    assert signature.whole is Parts
    assert signature.reference == f"{__name__}:Parts"


def test_fields_of_a_typed_dict_are_the_outputs() -> None:
    def body() -> Report: ...

    signature = body_signature(body, bound=True)
    assert signature.outputs == {"text": str, "size": int}
    assert signature.whole is Report


def test_arguments_stand_for_the_variables_of_a_generic_result() -> None:
    def body() -> Pair[int]: ...

    signature = body_signature(body, bound=True)
    assert signature.outputs == {"first": int, "rest": list[int]}
    assert signature.whole is Pair


@pytest.mark.parametrize("form", [int, Parts | None, list[Parts], tuple[int, str], Any])
def test_every_other_result_is_one_value(form: object) -> None:
    def body(): ...  # noqa: ANN202  # annotated below

    body.__annotations__ = {"return": form}
    signature = body_signature(body, bound=True)
    assert signature.outputs == {"output": form}
    assert signature.whole is None


def test_a_named_tuple_without_fields_is_one_value() -> None:
    class Nothing(NamedTuple):
        pass

    def body() -> Nothing: ...

    assert body_signature(body, bound=True).ports == ("output",)


def test_a_body_that_returns_none_has_no_output() -> None:
    def body() -> None: ...

    assert body_signature(body, bound=True).ports == ()


def test_a_coroutine_function_gives_what_it_is_awaited_for() -> None:
    async def body() -> Parts: ...

    def hidden() -> Coroutine[Any, Any, Parts]: ...

    assert body_signature(body, bound=True).whole is Parts
    assert body_signature(hidden, bound=True).whole is Parts


def test_what_is_not_annotated_may_be_anything() -> None:
    def body(x): ...  # noqa: ANN001, ANN202  # the case

    signature = body_signature(body, bound=True)
    assert signature.inputs["x"].form is Any
    assert signature.outputs == {"output": Any}


def test_metadata_of_annotations_is_kept() -> None:
    def body(x: Annotated[int, "pixels"]) -> Annotated[Parts, "shuffled"]: ...

    signature = body_signature(body, bound=True)
    assert signature.inputs["x"].form == Annotated[int, "pixels"]
    assert signature.whole is Parts


def test_a_bound_method_and_a_callable_object_lack_self() -> None:
    split = Split()
    for call in (split.__call__, split):
        assert list(body_signature(call, bound=True).inputs) == ["digits", "seed"]


def test_a_partial_function_keeps_what_is_not_given_yet() -> None:
    def body(x: int, y: str) -> float: ...

    signature = body_signature(functools.partial(body, 1), bound=True)
    assert signature.inputs == {"y": InputPort(str, True)}
    assert signature.outputs == {"output": float}


def test_a_wrapped_function_has_the_ports_of_what_it_wraps() -> None:
    def body(x: int) -> str: ...

    @functools.wraps(body)
    def wrapper(*args: object, **kwargs: object) -> object: ...

    assert body_signature(wrapper, bound=True).inputs == {"x": InputPort(int, True)}


def reasons_of(body: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidBodyError) as caught:
        body_signature(body, bound=True)
    return caught.value.reasons


def test_parameters_without_a_name_of_their_own_are_refused_all_at_once() -> None:
    def body(first: int, /, *rest: int, **others: int) -> int: ...

    reasons = reasons_of(body)
    assert [reason.partition(":")[0] for reason in reasons] == [
        'It takes "first" by position only',
        "It takes *rest",
        "It takes **others",
    ]


def test_what_is_yielded_is_a_stream() -> None:
    def generator() -> Any:
        yield 1

    def iterable() -> Iterable[int]:
        yield 1

    async def stream() -> AsyncIterator[int]:
        yield 1

    def iterator() -> Iterator[int]: ...

    def bare() -> Generator: ...

    class Both(NamedTuple):
        rows: Iterator[str]
        count: int

    def several() -> Both: ...

    bodies = (generator, iterable, stream, iterator, bare, functools.partial(generator))
    items = [get_args(body_signature(body, bound=True).outputs["output"]) for body in bodies]
    assert items == [(Any,), (int,), (int,), (int,), (Any,), (Any,)]
    assert dict(body_signature(several, bound=True).outputs) == {"rows": Stream[str], "count": int}


def test_annotations_that_cannot_be_resolved_are_named_one_by_one() -> None:
    def body(x: "Missing", y: "list[int]", z: "missing.Other") -> "int": ...  # noqa: F821  # the case

    reasons = reasons_of(body)
    assert len(reasons) == 2
    assert "\"x\" cannot be resolved (Missing: name 'Missing' is not defined)" in reasons[0]
    assert '"z"' in reasons[1]


def test_annotations_of_result_fields_that_cannot_be_resolved_are_named() -> None:
    class Broken(NamedTuple):
        good: int
        bad: "Missing"  # noqa: F821  # the case

    def body() -> Broken: ...

    (reason,) = reasons_of(body)
    assert 'field "bad" of' in reason


def test_fields_that_may_be_absent_are_refused() -> None:
    class Loose(TypedDict, total=False):
        always: Required[int]
        perhaps: int

    class Marked(TypedDict):
        always: int
        perhaps: NotRequired[int]

    for form in (Loose, Marked):

        def body(): ...  # noqa: ANN202  # annotated below

        body.__annotations__ = {"return": form}
        (reason,) = reasons_of(body)
        assert 'Field "perhaps"' in reason


def test_fields_whose_name_cannot_be_a_port_are_refused() -> None:
    Odd = TypedDict("Odd", {"a/b": int, "größe": int, "fine-name": int})  # only so can keys be texts

    def body() -> Odd: ...

    body.__annotations__ = {"return": Odd}
    assert [reason.split('"')[1] for reason in reasons_of(body)] == ["a/b", "größe"]


def test_what_has_no_signature_is_refused() -> None:
    def body() -> int: ...

    body.__signature__ = "none"
    (reason,) = reasons_of(body)
    assert "It has no signature" in reason


def test_a_method_without_self_is_refused() -> None:
    def body() -> int: ...

    with pytest.raises(InvalidBodyError, match="no parameter for self"):
        body_signature(body, bound=False)


def test_a_signature_is_worked_out_once_and_lets_its_function_go() -> None:
    def body(x: int) -> int: ...

    assert body_signature(body, bound=True) is body_signature(body, bound=True)
    gone = weakref.ref(body)
    del body
    gc.collect()
    assert gone() is None


def test_a_reference_leads_to_the_class() -> None:
    assert type_reference(Parts) == f"{__name__}:Parts"


def test_a_worker_that_reads_signatures_loads_no_networkx() -> None:
    code = (
        "import sys, oneml.habitats.graph.signature as s; print('networkx' in sys.modules, 'pydantic' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


def test_defining_a_sound_pipeline_loads_no_networkx() -> None:
    code = "import sys, oneml.habitats.graph.builder; print('networkx' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]
