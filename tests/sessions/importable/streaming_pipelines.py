"""A habitat whose bodies yield, and some that are coroutines."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSessionContext, PipelineSettings, Settings


class StreamingSettings(PipelineSettings):
    fail_at: int = -1
    folder: str = ""


@dataclass(frozen=True)
class Numbers:
    fail_at: int

    def __call__(self) -> Iterator[int]:
        for number in range(100):
            if number == self.fail_at:
                message = f"item {number}"
                raise ValueError(message)
            assert PipelineSessionContext.current().node == "//numbers"
            yield number


class Total:
    def __call__(self, numbers: Iterator[int]) -> int:
        assert not isinstance(numbers, Sequence)
        return sum(numbers)


class Listed:
    def __call__(self, numbers: Sequence[int]) -> list[int]:
        assert len(numbers) == 100
        return list(numbers)


class Later:
    async def __call__(self) -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number


class Blobs:
    def __call__(self) -> Iterator[bytes]:
        yield b"abc"
        yield b"\nabc"


class Measured:
    def __call__(self, blobs: Iterator[bytes]) -> Iterator[int]:
        return map(len, blobs)


class Both(NamedTuple):
    rows: Iterator[str]
    count: int


class Several:
    def __call__(self) -> Both:
        return Both(rows=iter(["a", "b"]), count=2)


class Joined:
    def __call__(self, rows: Iterator[str]) -> str:
        return "".join(rows)


class Context:
    async def __call__(self) -> list[str]:
        async def where() -> str:
            await asyncio.sleep(0)
            return str(PipelineSessionContext.current().node)

        def here() -> str:
            return str(PipelineSessionContext.current().node)

        return [await where(), await asyncio.create_task(where()), await asyncio.to_thread(here)]


@dataclass(frozen=True)
class Slow:
    folder: str

    async def __call__(self) -> str:
        if not self.folder:
            return "quick"
        try:
            await asyncio.sleep(60)
        finally:
            Path(self.folder, "cleaned").write_text(str(os.getpid()))
        return "slow"


class Streaming(PipelineComponents):
    settings = Settings(StreamingSettings)
    numbers = providers.Factory(Numbers, fail_at=settings.session.fail_at)
    total = providers.Factory(Total)
    listed = providers.Factory(Listed)
    later = providers.Factory(Later)
    blobs = providers.Factory(Blobs)
    measured = providers.Factory(Measured)
    several = providers.Factory(Several)
    joined = providers.Factory(Joined)
    context = providers.Factory(Context)
    slow = providers.Factory(Slow, folder=settings.session.folder)

    def define(self, pipeline: PipelineBuilder) -> None:
        numbers = pipeline.node("numbers", self.numbers)()
        pipeline.output("total", pipeline.node("total", self.total)(numbers=numbers))
        pipeline.node("listed", self.listed)(numbers=numbers)
        pipeline.node("later", self.later)()
        pipeline.node("measured", self.measured)(blobs=pipeline.node("blobs", self.blobs)())
        both = pipeline.node("both", self.several)()
        pipeline.output("joined", pipeline.node("joined", self.joined)(rows=both.rows))
        pipeline.node("context", self.context)()
        pipeline.node("slow", self.slow)()


class Double:
    def __call__(self, total: int) -> int:
        return 2 * total


class Reading(PipelineComponents):
    total = providers.Factory(Total)
    double = providers.Factory(Double)

    def define(self, pipeline: PipelineBuilder) -> None:
        numbers = pipeline.input("numbers", Iterator[int])
        total = pipeline.node("total", self.total)(numbers=numbers)
        pipeline.output("doubled", pipeline.node("double", self.double)(total=total))
