"""A setting whose type pydantic finds wrong when it is first needed."""

from typing import Annotated

from pydantic import BaseModel, Field

from oneml.habitats import PipelineComponents, PipelineSettings, Settings


class Grid(BaseModel):
    points: int = 1


class Sweep(BaseModel):
    rounds: int = 1


class SearchSettings(PipelineSettings):
    search: Annotated[Grid | Sweep, Field(discriminator="kind")] = Grid()


class Broken(PipelineComponents):
    settings = Settings(SearchSettings)
