"""What both type checkers must accept of the builder, and the types that they must see. Never run."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypedDict, assert_type

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineNodeSettings
from oneml.habitats.graph.edges import Edge
from oneml.habitats.graph.node_call import NodeCall


class Parts(NamedTuple):
    train: Sequence[int]
    rest: Sequence[int]


class Fit(NamedTuple):
    rate: float
    score: float


class Report(TypedDict):
    text: str
    size: int


class Load:
    def __call__(self) -> Sequence[int]:
        raise NotImplementedError


class Split:
    def __call__(self, numbers: Sequence[int], *, seed: int = 7) -> Parts:
        raise NotImplementedError


class Train:
    async def __call__(self, parts: Parts, rate: float, depth: int = 1) -> Fit:
        raise NotImplementedError


class Select:
    def __call__(self, fits: Sequence[Fit], limit: int | None = None) -> Fit:
        raise NotImplementedError


class SelectList:
    def __call__(self, fits: list[Fit]) -> Fit:
        raise NotImplementedError


class Write:
    def __call__(self, score: float) -> Report:
        raise NotImplementedError


class Clean:
    def __call__(self) -> None:
        raise NotImplementedError


class Contract(Protocol):
    def __call__(self, text: str) -> bytes: ...


def length(text: str) -> int:
    raise NotImplementedError


async def shout(text: str) -> str:
    raise NotImplementedError


load = providers.Factory(Load)
split = providers.Singleton(Split)
train = providers.ThreadSafeSingleton(Train)
select = providers.Factory(Select)
select_list = providers.Factory(SelectList)
write = providers.Factory(Write)
clean = providers.Factory(Clean)
function = providers.Object(length)
coroutine = providers.Object(shout)


class OwnProvider:
    """Whatever gives a body will do."""

    def __call__(self) -> Contract:
        raise NotImplementedError


def inputs_and_results(pipeline: PipelineBuilder) -> None:
    numbers = assert_type(pipeline.node("load", load)(), Sequence[int])
    parts = assert_type(pipeline.node("split", split)(numbers=numbers, seed=3), Parts)
    assert_type(parts.train, Sequence[int])
    trained, rest = parts
    assert_type(trained, Sequence[int])
    assert_type(parts[1], Sequence[int])
    pipeline.node("by-position", split)(rest)
    report = pipeline.node("write", write)(0.5)
    assert_type(report, Report)
    assert_type(report["text"], str)
    assert_type(pipeline.node("length", function)(text=report["text"]), int)
    assert_type(pipeline.node("shout", coroutine)(text="a"), str)
    assert_type(pipeline.node("contract", OwnProvider())(text="a"), bytes)
    pipeline.output("size", report["size"])


def fan_out(pipeline: PipelineBuilder, rates: tuple[float, ...]) -> None:
    parts = pipeline.node("split", split)(numbers=[1, 2])
    fit = pipeline.node("train", train)(parts=parts, rate=pipeline.each(rates), depth=pipeline.each(range(3)))
    assert_type(fit, Fit)
    by_name: Mapping[str, float] = {"weak": 0.1, "strong": 10.0}
    named = pipeline.node("named", train)(parts=parts, rate=pipeline.each(by_name))
    assert_type(pipeline.each({"one": 1}), int)
    assert_type(pipeline.gather(fit), list[Fit])
    assert_type(pipeline.gather(fit.score), list[float])
    pipeline.node("select", select)(fits=pipeline.gather(fit))
    pipeline.node("select-list", select_list)(fits=pipeline.gather(named))
    pipeline.node("select-both", select)(fits=[fit, named])
    pipeline.output("scores", pipeline.gather(fit.score))


def inputs_of_the_pipeline(pipeline: PipelineBuilder) -> None:
    numbers = assert_type(pipeline.input("numbers", list[int]), list[int])
    limit = assert_type(pipeline.input("limit", int | None, required=False), int | None)
    parts = pipeline.node("split", split)(numbers=numbers)
    fit = pipeline.node("train", train)(parts=parts, rate=0.1)
    pipeline.node("select", select)(fits=[fit], limit=limit)


def order_settings_and_namespaces(pipeline: PipelineBuilder) -> None:
    inner = pipeline.namespace("prep")
    assert_type(inner, PipelineBuilder)
    first = inner.node("load", load, settings=PipelineNodeSettings(retries=2))
    assert_type(first.inputs.anything << 3, Edge)
    pipeline.node("clean", clean, after=[first, first()], settings={"retries": 2})()


def edges(pipeline: PipelineBuilder) -> None:
    source, target = pipeline.node("split", split), pipeline.node("write", write)
    edge = assert_type(source.outputs.train >> target.inputs.score, Edge)
    numbers = pipeline.input("numbers", list[int])
    pipeline.connect(edge, target.inputs.score << source.outputs.rest, numbers >> source.inputs.numbers)
    pipeline.output("train", source.outputs.train)


def helper(call: NodeCall[[str], int]) -> Callable[[str], int]:
    return call
