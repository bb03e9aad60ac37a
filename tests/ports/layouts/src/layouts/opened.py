"""Resources: a thread pool and a log are opened where they are needed first, and closed in reverse order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, ProcessResource, Settings


class PoolSettings(PipelineSettings):
    """What can be set."""

    pool_workers: int = 2


@dataclass(frozen=True)
class Log:
    """Keeps lines."""

    lines: list[str] = field(default_factory=list)


LOG = Log()


def opened_log() -> Iterator[Log]:
    """Open the log of the process."""
    LOG.lines.append("log opened")
    yield LOG
    LOG.lines.append("log closed")


def opened_pool(workers: int, log: Log) -> Iterator[ThreadPoolExecutor]:
    """Hold a thread pool open."""
    log.lines.append("pool opened")
    with ThreadPoolExecutor(workers) as pool:
        yield pool
    log.lines.append("pool closed")


@dataclass(frozen=True)
class Squares:
    """Works in threads."""

    pool: ThreadPoolExecutor

    def __call__(self, numbers: list[int]) -> list[int]:
        return list(self.pool.map(_square, numbers))


def _square(number: int) -> int:
    return number * number


class ResourcesApplication(PipelineComponents):
    """The log lives as long as the process, the pool as long as the session."""

    settings = Settings(PoolSettings)
    log = ProcessResource(opened_log)
    pool = providers.Resource(opened_pool, settings.session.pool_workers, log)
    squares = providers.Factory(Squares, pool=pool)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("squares", pipeline.node("squares", self.squares)(numbers=[1, 2, 3]))
