"""What both type checkers must accept of streams, publishers, and sessions that are parts or nested. Never run."""

from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, assert_type

from oneml.habitats import (
    Parts,
    PipelineBuilder,
    PipelineServiceClient,
    PipelineSession,
    PipelineSessionContext,
    Publisher,
    SessionOutput,
)
from oneml.habitats.graph.streams import Stream


class Fit(NamedTuple):
    model: list[float]
    curve: bytes


class Numbers:
    def __call__(self, count: int) -> Iterator[int]:
        raise NotImplementedError


class Yielded:
    def __call__(self) -> Generator[int]:
        yield 1


class Later:
    async def __call__(self) -> AsyncIterator[int]:
        yield 1


class Lazy:
    def __call__(self, numbers: Iterator[int]) -> int:
        raise NotImplementedError


class Whole:
    def __call__(self, numbers: Sequence[float]) -> int:
        raise NotImplementedError


class Train:
    def __call__(self) -> Fit:
        publisher = assert_type(PipelineSessionContext.publisher(), Publisher)
        model = assert_type(publisher.publish([0.5], port="model"), list[float])
        return Fit(model=model, curve=publisher.publish_file(Path("curve"), port="curve"))


class Folds:
    def __call__(self) -> Parts[list[int]]:
        publisher = PipelineSessionContext.publisher()
        publisher.publish_part("fold-0", [1])
        return publisher.parts()


class Read:
    def __call__(self, folds: Mapping[str, Sequence[int]]) -> int:
        raise NotImplementedError


def numbers() -> Numbers:
    raise NotImplementedError


def yielded() -> Yielded:
    raise NotImplementedError


def later() -> Later:
    raise NotImplementedError


def lazy() -> Lazy:
    raise NotImplementedError


def whole() -> Whole:
    raise NotImplementedError


def folds() -> Folds:
    raise NotImplementedError


def read() -> Read:
    raise NotImplementedError


def streams(pipeline: PipelineBuilder) -> None:
    stream = pipeline.node("numbers", numbers)(count=3)
    assert_type(stream, Stream[int])
    pipeline.node("lazy", lazy)(numbers=stream)
    pipeline.node("whole", whole)(numbers=stream)
    pipeline.node("lazy-2", lazy)(numbers=pipeline.node("yielded", yielded)())
    pipeline.node("whole-2", whole)(numbers=pipeline.node("later", later)())
    pipeline.node("read", read)(folds=pipeline.node("folds", folds)())


def nested() -> float:
    client = assert_type(PipelineSessionContext.client(), PipelineServiceClient)
    client.create_session("digits", inputs={"table": SessionOutput("0197f3c2", "//load", "table")})
    with PipelineSessionContext.nested_session("fold", name="a", settings={"c": 1.0}, inputs={"x": 1}) as session:
        assert_type(session, PipelineSession)
        session.run().raise_unless_succeeded()
        return session.output("//score", form=float)


def parts(client: PipelineServiceClient) -> None:
    client.create_session("digits", start_at="//train", parent="0197f3c2")
    client.create_session("digits", start_at=["//train", "//split"], stop_at=("//select",))
    client.preview("digits", only="//train")
