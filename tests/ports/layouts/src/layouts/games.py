"""Aggregates: games by name, of which the settings choose some."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class GameSettings(PipelineSettings):
    """What can be set."""

    games: tuple[str, ...] = ("chess", "ludo")


@dataclass(frozen=True)
class Game:
    """A game of two."""

    name: str
    players: tuple[str, str]

    def play(self) -> str:
        """Tell who plays."""
        return f"{self.players[0]} and {self.players[1]} play {self.name}"


class NewGame(Protocol):
    """Makes a game by its name."""

    def __call__(self, name: str, first: str, second: str) -> Game: ...


def game(name: str, first: str, second: str) -> Game:
    """Make a game."""
    return Game(name, (first, second))


@dataclass(frozen=True)
class Play:
    """Plays whichever game it is given."""

    new_game: NewGame
    titles: Mapping[str, str]

    def __call__(self, name: str) -> str:
        return f"{self.titles[name]}: {self.new_game(name, 'Ada', 'Bob').play()}"


class Games(PipelineComponents):
    """The documentation's dispatcher, and a mapping of texts."""

    settings = Settings(GameSettings)
    new_game = providers.FactoryAggregate(
        chess=providers.Factory(game, "chess"),
        checkers=providers.Factory(game, "checkers"),
        ludo=providers.Factory(game, "ludo"),
    )
    titles = providers.Dict(
        chess=providers.Object("Chess"), checkers=providers.Object("Checkers"), ludo=providers.Object("Ludo")
    )
    play = providers.Factory(Play, new_game=new_game.provider, titles=titles)

    def define(self, pipeline: PipelineBuilder) -> None:
        played = pipeline.node("play", self.play)(name=pipeline.each(self.settings.session.games))
        pipeline.output("played", pipeline.gather(played))
