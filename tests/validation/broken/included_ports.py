"""An included pipeline whose input nothing feeds, and misspelt ports."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class Fit:
    def __call__(self, rows: list[int]) -> int:
        return len(rows)


class FitSettings(PipelineSettings):
    seed: int = 1


class Training(PipelineComponents):
    settings = Settings(FitSettings)
    fit = providers.Factory(Fit)

    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.input("rows", list[int])
        pipeline.output("count", pipeline.node("fit", self.fit)(rows=rows))


class Broken(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.include("unfed", Training)
        pipeline.include("one", Training, inputs={"row": [1]})
        two = pipeline.include("two", Training, inputs={"rows": [1]})
        pipeline.output("count", two.outputs.cuont)
