"""The type of a setting lets values pass for which the container has no provider."""

from typing import Literal

from dependency_injector import providers

from oneml.habitats import Choice, PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class FinderSettings(PipelineSettings):
    finder: Literal["csv", "sqlite", "xml"] = "csv"
    other: Literal["csv", "json"] = "csv"


class Finder:
    pass


class Find:
    def __init__(self, finder: Finder) -> None:
        self.finder = finder

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    settings = Settings(FinderSettings)
    finder = Choice(settings.session.finder, csv=providers.Factory(Finder), sqlite=providers.Factory(Finder))
    other = providers.Selector(settings.session.other, csv=providers.Factory(Finder))
    find = providers.Factory(Find, finder)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("find", self.find)()
