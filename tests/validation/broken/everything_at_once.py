"""Container, pipeline and settings of nodes are all wrong, and all of it is told."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

SETTINGS = {"nodes": {"//nope": {"retries": 1}}, "timeout_seconds": 5}


class MySettings(PipelineSettings):
    width: int = 3


class Net:
    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, rows: str) -> int:
        return self.width


class Load:
    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    settings = Settings(MySettings)
    load = providers.Factory(Load, client="none")
    net = providers.Singleton(Net, width=settings.node.width)

    def define(self, pipeline: PipelineBuilder) -> None:
        rows = pipeline.node("load", self.load)()
        pipeline.output("x", pipeline.node("net", self.net)(rows=rows))  # type: ignore[arg-type]
