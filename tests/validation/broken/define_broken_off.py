"""A definition that an error of its own breaks off, after other mistakes were made in it."""

from broken.bodies import Split, Train
from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class BrokenSettings(PipelineSettings):
    penalty: float = 0.1


class Broken(PipelineComponents):
    settings = Settings(BrokenSettings)
    split = providers.Factory(Split)
    train = providers.Factory(Train)

    def define(self, pipeline: PipelineBuilder) -> None:
        parts = pipeline.node("split", self.split)(row="a")
        pipeline.node("train", self.train)(rows=parts.trian, c=self.settings.session.penalti)
