"""A provider of an included container is replaced twice."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings, replace


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
        training = pipeline.include("training", Training, inputs={"rows": [1]})
        pipeline.output("count", training.outputs.count)


OVERRIDES = (replace(Training.fit, factory=Fit), replace(Training.fit, factory=Fit))
