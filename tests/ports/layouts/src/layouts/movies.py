"""The movie lister: one finder or another, as the configuration says."""

import csv
import io
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, Protocol

from dependency_injector import providers
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict

from oneml.habitats import Choice, PipelineBuilder, PipelineComponents, PipelineSettings, Settings

ROWS = (
    ("The Hunger Games: Mockingjay - Part 2", 2015, "Francis Lawrence"),
    ("Rogue One: A Star Wars Story", 2016, "Gareth Edwards"),
    ("The Jungle Book", 2016, "Jon Favreau"),
)


class FinderSettings(BaseModel):
    """Which finder, and what it needs."""

    type: Literal["csv", "sqlite"] = "csv"
    delimiter: str = ";"
    table: str = "movies"


class MovieSettings(PipelineSettings):
    """What stood in ``config.yml``, and in ``MOVIE_FINDER_TYPE``."""

    model_config = SettingsConfigDict(env_prefix="MOVIE_")

    finder: FinderSettings = FinderSettings()


@dataclass(frozen=True)
class Movie:
    """A movie."""

    title: str
    year: int
    director: str


class Finder(Protocol):
    """Finds all movies."""

    def find_all(self) -> Sequence[Movie]: ...


@dataclass(frozen=True)
class CsvFinder:
    """Reads a text with a line a movie."""

    new_movie: Callable[..., Movie]
    delimiter: str

    def find_all(self) -> Sequence[Movie]:
        """Return the movies."""
        text = io.StringIO("\n".join(self.delimiter.join(str(cell) for cell in row) for row in ROWS))
        return [
            self.new_movie(title, int(year), who) for title, year, who in csv.reader(text, delimiter=self.delimiter)
        ]


@dataclass(frozen=True)
class SqliteFinder:
    """Reads a table of a database in memory."""

    new_movie: Callable[..., Movie]
    table: str

    def find_all(self) -> Sequence[Movie]:
        """Return the movies, the oldest first."""
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute(f'CREATE TABLE "{self.table}" (title TEXT, year INT, director TEXT)')
            database.executemany(f'INSERT INTO "{self.table}" VALUES (?, ?, ?)', ROWS)  # noqa: S608  # a setting
            rows = database.execute(f'SELECT * FROM "{self.table}" ORDER BY year').fetchall()  # noqa: S608  # the same
        return [self.new_movie(*row) for row in rows]


@dataclass(frozen=True)
class Lister:
    """Lists movies."""

    finder: Finder

    def __call__(self, year: int) -> list[Movie]:
        return [movie for movie in self.finder.find_all() if movie.year == year]


class MovieLister(PipelineComponents):
    """The tutorial's container, with settings in place of ``Configuration``."""

    settings = Settings(MovieSettings)
    movie = providers.Factory(Movie)
    finder = Choice(
        settings.session.finder.type,
        csv=providers.Singleton(CsvFinder, new_movie=movie.provider, delimiter=settings.session.finder.delimiter),
        sqlite=providers.Singleton(SqliteFinder, new_movie=movie.provider, table=settings.session.finder.table),
    )
    lister = providers.Factory(Lister, finder=finder)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("movies", pipeline.node("list", self.lister)(year=pipeline.input("year", int)))
