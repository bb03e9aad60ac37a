"""What both type checkers must accept, and the types that they must see. Never run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypedDict, assert_type

from dependency_injector import providers
from pydantic import BaseModel

from oneml.habitats import (
    NodeSingleton,
    PipelineBuilder,
    PipelineComponents,
    PipelineNodeSettings,
    PipelineServiceClient,
    PipelineSession,
    PipelineSettings,
    ProcessSingleton,
    Reference,
    Settings,
    replace,
)


class TrainSettings(BaseModel):
    rates: tuple[float, ...] = (0.1,)
    iterations: int = 10


class TypedSettings(PipelineSettings):
    seed: int = 1
    train: TrainSettings = TrainSettings()


class Client:
    def read(self) -> Sequence[int]:
        return [1, 2]


class Parts(NamedTuple):
    train: Sequence[int]
    rest: Sequence[int]


class Summary(TypedDict):
    best: float
    text: str


@dataclass
class Load:
    client: Client

    def __call__(self) -> Sequence[int]:
        return self.client.read()


@dataclass
class Split:
    seed: int

    def __call__(self, numbers: Sequence[int]) -> Parts:
        return Parts(numbers, numbers)


@dataclass
class Train:
    iterations: int

    async def __call__(self, parts: Parts, rate: float, bias: float = 0.0) -> float:
        return rate * len(parts.train) + bias


class Select:
    def __call__(self, scores: Sequence[float]) -> Summary:
        return Summary(best=max(scores), text="best")


class ScoreContract(Protocol):
    def __call__(self, text: str) -> int: ...


def length(text: str) -> int:
    return len(text)


class Typed(PipelineComponents):
    settings = Settings(TypedSettings)
    client = ProcessSingleton(Client)
    load = providers.Factory(Load, client=client)
    split = providers.Singleton(Split, seed=settings.session.seed)
    train = NodeSingleton(Train, iterations=settings.node.train.iterations)
    select = providers.Factory(Select)
    score = Reference(ScoreContract, "elsewhere.scoring:Score")
    function = providers.Object(length)

    def define(self, pipeline: PipelineBuilder) -> None:
        numbers = assert_type(pipeline.node("load", self.load)(), Sequence[int])
        parts = assert_type(pipeline.node("split", self.split)(numbers=numbers), Parts)
        rates = assert_type(self.settings.session.train.rates, tuple[float, ...])
        score = pipeline.node("train", self.train)(parts=parts, rate=pipeline.each(rates))
        assert_type(score, float)
        assert_type(pipeline.gather(score), list[float])
        summary = pipeline.node("select", self.select, after=[parts])(scores=pipeline.gather(score))
        assert_type(summary["best"], float)
        on_gpu = PipelineNodeSettings(image="gpu:1")
        assert_type(pipeline.node("score", self.score, settings=on_gpu)(text=summary["text"]), int)
        assert_type(pipeline.node("length", self.function)(text=pipeline.input("text", str)), int)
        pipeline.output("best", summary["best"])


def open_by_hand() -> None:
    with Typed.open(settings={"seed": 2}, overrides=[replace(Typed.client, Client())]) as components:
        assert_type(components, Typed)
        assert_type(components.client(), Client)
        assert_type(components.settings.session.seed, int)
        with components.node("//train/0") as node:
            assert_type(node.train(), Train)
    by_reference = replace(Typed.client, provider=Reference(Client, "elsewhere.clients:Client"))
    Typed.open(overrides=[by_reference]).close()


def run() -> None:
    with PipelineServiceClient().create_session("typed", settings={"seed": 2}) as session:
        assert_type(session, PipelineSession)
        assert_type(session.run().succeeded, bool)
        assert_type(session.output("//select", "best"), object)
        assert_type(session.output("//select", "best", form=float), float)
        assert_type(session.output("//load", form=list[int]), list[int])


unbound: Callable[[str], int] = length
