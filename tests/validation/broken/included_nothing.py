"""What is included is no container, cannot be found, or is included twice under one name."""

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
        pipeline.include("number", int)
        pipeline.include("unknown", "trainning")
        pipeline.include("no good", Training, inputs={"rows": [1]})
        pipeline.include("one", Training, inputs={"rows": [1]})
        pipeline.include("one", Training, inputs={"rows": [1]})
