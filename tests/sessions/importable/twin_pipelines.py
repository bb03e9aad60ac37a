"""A habitat that keeps objects of the process and of sessions, and others that include it in several ways."""

from collections.abc import Sequence
from dataclasses import dataclass

from dependency_injector import providers
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, ProcessSingleton, Settings


class TwinSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="TWIN_")

    url: str = "a"
    factor: int = 1
    extra: int = 0
    token: SecretStr | None = None


class Connection:
    def __init__(self, url: str) -> None:
        self.url = url


class Held:
    def __init__(self, factor: int, token: SecretStr | None) -> None:
        self.factor = factor
        self.token = token


@dataclass(frozen=True)
class Work:
    connection: Connection
    held: Held
    extra: int

    def __call__(self, rows: int = 0) -> str:
        return f"{self.connection.url} {id(self.connection)} {self.held.factor} {self.extra} {rows}"


class Twin(PipelineComponents):
    settings = Settings(TwinSettings)
    connection = ProcessSingleton(Connection, settings.process.url)
    held = providers.Singleton(Held, settings.session.factor, settings.session.token)
    work = providers.Factory(Work, connection, held, settings.node.extra)

    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.input("rows", int, required=False)
        pipeline.output("text", pipeline.node("work", self.work)(rows=rows))
        pipeline.node("preset", self.work, settings={"extra": 7})()


ONE = {"factor": 2, "extra": 3}
"""What the author of `Twins` sets for one of both."""


class Twins(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        one = pipeline.include("one", Twin, settings=ONE)
        two = pipeline.include("two", Twin, settings={"factor": 3})
        pipeline.output("one", one.outputs.text)
        pipeline.output("two", two.outputs.text)


class Left(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("twin", Twin, settings={"factor": 5}, outputs={"text": "text"})


class Right(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("twin", Twin, settings={"factor": 6, "extra": 9}, outputs={"text": "text"})


class Joined:
    def __call__(self, texts: Sequence[str]) -> list[str]:
        return list(texts)


class Tree(PipelineComponents):
    joined = providers.Factory(Joined)

    def define(self, pipeline: PipelineBuilder) -> None:
        left = pipeline.include("left", Left)
        right = pipeline.include("right", "right")
        many = pipeline.include("many", Twin, inputs={"rows": pipeline.each([1, 2])})
        pipeline.output("many", pipeline.node("joined", self.joined)(texts=pipeline.gather(many.outputs.text)))
        pipeline.output("left", left.outputs.text)
        pipeline.output("right", right.outputs.text)
        pipeline.output("last", pipeline.node("last", self.joined, after=[left, many])(texts=[right.outputs.text]))
