"""Settings of free text select what there is no provider for: for a session, a node and an included habitat."""

from dependency_injector import providers
from pydantic import BaseModel

from oneml.habitats import Choice, PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class Compression(BaseModel):
    method: str = "zip"


class FinderSettings(PipelineSettings):
    finder: str = "csv"
    format: str = "text"
    compression: Compression | None = None


class Finder: ...


class Find:
    def __init__(self, finder: Finder, written: Finder | None = None, packed: Finder | None = None) -> None:
        self.finder = finder

    def __call__(self) -> int:
        return 1


class Included(PipelineComponents):
    settings = Settings(FinderSettings)
    unused = providers.Selector(settings.session.format, never=providers.Factory(Finder))
    csv = providers.Selector(settings.session.format, text=providers.Factory(Finder))
    finder = Choice(settings.session.finder, csv=csv, sqlite=unused)
    find = providers.Factory(Find, finder)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("find", self.find)()


class Broken(PipelineComponents):
    settings = Settings(FinderSettings)
    finder = Choice(settings.session.finder, csv=providers.Factory(Finder), sqlite=providers.Factory(Finder))
    written = Choice(settings.node.format, text=providers.Factory(Finder))
    packed = Choice(settings.session.compression.method, zip=providers.Factory(Finder))  # type: ignore[union-attr]
    find = providers.Factory(Find, finder, written, packed)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("sound", Included)
        pipeline.include("other", Included, settings={"finder": "parquet"})
        pipeline.node("find", self.find, settings={"format": "html"})()
        pipeline.node("again", self.find)()


SETTINGS = {"finder": "csw"}
