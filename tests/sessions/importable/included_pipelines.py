"""Pipelines that include others: two scalings of one table, and a campaign around them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dependency_injector import providers
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict
from ruler_pipelines import Scaling

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class StudySettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="STUDY_")

    rows: int = 3
    token: SecretStr | None = None


class Both(NamedTuple):
    first: int
    second: int


@dataclass(frozen=True)
class Table:
    rows: int

    def __call__(self) -> list[int]:
        return list(range(self.rows))


class Sums:
    def __call__(self, first: list[int], second: list[int]) -> Both:
        return Both(first=sum(first), second=sum(second))


CLOSED: list[str] = []


def outer_resource() -> Iterator[str]:
    yield "outer"
    CLOSED.append("outer")


@dataclass(frozen=True)
class Noted:
    notes: str

    def __call__(self, rows: Sequence[int]) -> str:
        return f"{self.notes} {len(rows)}"


class Study(PipelineComponents):
    """Includes one habitat twice, once with settings of its own."""

    settings = Settings(StudySettings)
    table = providers.Factory(Table, rows=settings.session.rows)
    sums = providers.Factory(Sums)
    notes = providers.Resource(outer_resource)
    noted = providers.Factory(Noted, notes=notes)

    def define(self, pipeline: PipelineBuilder) -> None:
        table = pipeline.node("table", self.table)()
        first = pipeline.include("first", Scaling, inputs={"table": table})
        second = pipeline.include("second", "scaling", settings={"factor": 10, "retries": 1})
        pipeline.connect(table >> second.inputs.table)
        both = pipeline.node("sums", self.sums)(first=first.outputs.scaled, second=second.outputs.scaled)
        pipeline.node("noted", self.noted)(rows=table)
        pipeline.output("first", both.first)
        pipeline.output("second", both.second)


class Campaign(PipelineComponents):
    """Includes a pipeline that includes others."""

    def define(self, pipeline: PipelineBuilder) -> None:
        study = pipeline.include("study", Study, settings={"rows": 4}, outputs={"first": "total"})
        pipeline.output("second", study.outputs.second)


class Loop(PipelineComponents):
    """Includes itself, through another."""

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("round", Round)


class Round(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("again", Loop)


class Deep(PipelineComponents):
    """Includes a habitat in a namespace, where it has a node of its own."""

    settings = Settings(StudySettings)
    table = providers.Factory(Table, rows=settings.node.rows)

    def define(self, pipeline: PipelineBuilder) -> None:
        deep = pipeline.namespace("deep")
        scaling = deep.include("scaling", Scaling, inputs={"table": deep.node("table", self.table)()})
        pipeline.output("scaled", scaling.outputs.scaled)
