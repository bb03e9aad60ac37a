"""Handles pose as values, and refuse to be used as such."""

import copy
import math
import operator
import os
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pytest

from oneml.habitats.errors import NotYetRunError, PipelineBuiltError, UsageError
from oneml.habitats.graph.builder import PipelineBuilder

Give = Callable[[object], Any]
Problems = Callable[[], list[str]]


class Parts(NamedTuple):
    train: int
    held_out: str


class Report(TypedDict):
    text: str
    size: int


class Split:
    def __call__(self) -> Parts: ...


class Write:
    def __call__(self) -> Report: ...


class One:
    def __call__(self) -> int: ...


class Clean:
    def __call__(self) -> None: ...


class Take:
    def __call__(self, x: int = 0, y: str = "") -> int: ...


USES = {
    "bool": bool,
    "if": lambda handle: 1 if handle else 2,
    "len": len,
    "iteration": iter,
    "containment": lambda handle: 1 in handle,
    "str": str,
    "format": lambda handle: f"{handle}",
    "int": int,
    "float": float,
    "complex": complex,
    "round": round,
    "floor": math.floor,
    "abs": abs,
    "index": lambda handle: [1, 2][handle],
    "item": lambda handle: handle[0],
    "range": range,
    "call": lambda handle: handle(),
    "negation": operator.neg,
    "inversion": operator.invert,
    "equality": lambda handle: handle == 3,
    "inequality": lambda handle: handle != 3,
    "reflected equality": lambda handle: handle == 3,
    "path": os.fspath,
    "array": np.asarray,
    "pickle": pickle.dumps,
    "deep copy": copy.deepcopy,
    "shift left": lambda handle: handle << 1,
    "shift right": lambda handle: handle >> 1,
}
for _operator in (
    operator.add,
    operator.sub,
    operator.mul,
    operator.matmul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    divmod,
    operator.and_,
    operator.or_,
    operator.xor,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
):
    USES[_operator.__name__] = lambda handle, operate=_operator: operate(handle, 3)
    USES[f"reflected {_operator.__name__}"] = lambda handle, operate=_operator: operate(3, handle)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_using_a_handle_as_a_value_says_that_its_node_has_not_run(
    use: Callable[[object], object], pipeline: PipelineBuilder, give: Give
) -> None:
    handle = pipeline.node("a", give(One))()
    with pytest.raises(NotYetRunError) as caught:
        use(handle)
    advice = "Pass it to a node, which gets its value."
    assert str(caught.value) == f'"//a" has not run: a pipeline is being defined. {advice}'
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, UsageError)


def test_handles_can_be_shown_kept_in_sets_and_compared_by_identity(pipeline: PipelineBuilder, give: Give) -> None:
    handle = pipeline.node("a", give(One))()
    assert repr(handle) == '<"//a", which has not run>'
    assert handle in {handle}
    assert not hasattr(handle, "_repr_html_")
    assert not hasattr(handle, "__wrapped__")


def test_inputs_of_the_pipeline_and_values_of_each_are_no_values_either(pipeline: PipelineBuilder) -> None:
    for handle, text in (
        (pipeline.input("digits", int), 'Input "digits" of the pipeline has no value yet'),
        (pipeline.each([1]), "each(...) stands for each of its values"),
    ):
        with pytest.raises(NotYetRunError, match=text.replace("(", r"\(").replace(")", r"\)")):
            bool(handle)


def test_fields_of_a_named_tuple_are_ports(pipeline: PipelineBuilder, give: Give) -> None:
    parts = pipeline.node("split", give(Split))()
    pipeline.node("by-attribute", give(Take))(x=parts.train, y=parts.held_out)
    train, held_out = parts
    pipeline.node("unpacked", give(Take))(x=train, y=held_out)
    pipeline.node("by-position", give(Take))(x=parts[0], y=parts[-1])
    nodes = pipeline.build().nodes
    assert nodes["//by-attribute"].inputs == nodes["//unpacked"].inputs == nodes["//by-position"].inputs
    assert nodes["//unpacked"].inputs == {"x": ("//split", "train"), "y": ("//split", "held_out")}


def test_a_port_can_be_called_like_anything_public(pipeline: PipelineBuilder, give: Give) -> None:
    class Odd(NamedTuple):
        source: int
        count: int
        form: int
        draft: int

    def body() -> Odd: ...

    odd = pipeline.node("odd", give(body))()
    pipeline.output("source", odd.source)
    pipeline.output("count", odd.count)
    assert {source.port for source in pipeline.build().outputs.values()} == {"source", "count"}
    assert dir(odd) == ["count", "draft", "form", "source"]


def test_fields_of_a_typed_dict_are_ports_by_key(pipeline: PipelineBuilder, give: Give) -> None:
    report = pipeline.node("write", give(Write))()
    pipeline.node("take", give(Take))(x=report["size"], y=report["text"])
    assert pipeline.build().nodes["//take"].inputs == {"x": ("//write", "size"), "y": ("//write", "text")}


def test_a_typed_dict_cannot_be_iterated(pipeline: PipelineBuilder, give: Give) -> None:
    report = pipeline.node("write", give(Write))()
    with pytest.raises(NotYetRunError):
        list(report)


def test_a_misspelt_port_is_reported_with_the_nearest(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    parts = pipeline.node("split", give(Split))()
    pipeline.node("take", give(Take))(x=parts.trian)
    assert problems() == ['Node "//split" has no output "trian". Known: held_out, train. Did you mean "train"?']


def test_a_misspelt_key_is_reported_with_the_nearest(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    report = pipeline.node("write", give(Write))()
    pipeline.output("text", report["txt"])
    assert problems() == ['Node "//write" has no output "txt". Known: size, text. Did you mean "text"?']


def test_ports_read_the_wrong_way_are_reported_with_the_right_one(
    pipeline: PipelineBuilder, give: Give, problems: Problems
) -> None:
    pipeline.output("text", pipeline.node("write", give(Write))().text)
    pipeline.output("train", pipeline.node("split", give(Split))()["train"])
    assert problems() == ['Read output "text" of "//write" as ["text"].', 'Read output "train" of "//split" as .train.']


def test_one_value_has_no_ports(pipeline: PipelineBuilder, give: Give, problems: Problems) -> None:
    pipeline.output("a", pipeline.node("a", give(One))().real)
    pipeline.output("b", pipeline.node("b", give(Split))().train.real)
    pipeline.output("c", pipeline.node("c", give(Clean))().anything)
    pipeline.output("d", pipeline.gather(pipeline.node("d", give(Take))(x=pipeline.each([1])))["first"])
    found = problems()
    assert [message.split(",")[0] for message in found] == [f'"//{name}" has not run' for name in "abcd"]
    assert found[0].endswith(
        '"real" of it cannot be read. A body that returns a NamedTuple has an output for each field.'
    )


def test_handles_of_a_built_pipeline_are_of_no_use(pipeline: PipelineBuilder, give: Give) -> None:
    parts = pipeline.node("split", give(Split))()
    pipeline.build()
    with pytest.raises(PipelineBuiltError, match='"a-pipeline" is built'):
        _ = parts.train
